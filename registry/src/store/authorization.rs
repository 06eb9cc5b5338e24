//! The verbs of the built-in authorization server.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    clock::Timestamp,
    ids::{CredentialId, SigningKeyId},
    oauth::{AuthorizationClient, SigningKey},
};

/// By what a secret of a client is recognised.
pub type ClientSecretDigest = [u8; 32];

/// Reading what it keeps.
#[async_trait]
pub trait AuthorizationReads: Send {
    /// One client.
    async fn authorization_client(
        &mut self,
        client_id: &str,
    ) -> Result<Option<AuthorizationClient>, StoreError>;
    /// The clients of a credential.
    async fn authorization_clients_of(
        &mut self,
        credential: CredentialId,
    ) -> Result<Vec<AuthorizationClient>, StoreError>;
    /// By what the client's secrets are recognised that work at `now`.
    async fn authorization_secrets(
        &mut self,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Vec<ClientSecretDigest>, StoreError>;
    /// All keys that tokens are or were signed with, in the order in which they sign.
    async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError>;
    /// The access tokens that were revoked and have not ended, in order.
    async fn revoked_access_tokens(&mut self, now: Timestamp) -> Result<Vec<[u8; 16]>, StoreError>;
}

/// Changing it.
#[async_trait]
pub trait AuthorizationWrites: Send {
    /// Adds a client.
    async fn insert_authorization_client(
        &mut self,
        client: &AuthorizationClient,
    ) -> Result<(), StoreError>;
    /// Replaces what is kept of a client.
    async fn update_authorization_client(
        &mut self,
        client: &AuthorizationClient,
    ) -> Result<(), StoreError>;
    /// Removes a client with all that it proves itself by.
    async fn delete_authorization_client(&mut self, client_id: &str) -> Result<(), StoreError>;
    /// Adds a secret to a client.
    async fn insert_authorization_secret(
        &mut self,
        client_id: &str,
        digest: &ClientSecretDigest,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Ends those of the client's secrets that have an end, now instead.
    async fn end_retiring_authorization_secrets(
        &mut self,
        client_id: &str,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Lets every secret of a client end that would not before.
    async fn end_authorization_secrets(
        &mut self,
        client_id: &str,
        ends_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Adds a key.
    async fn insert_signing_key(&mut self, key: &SigningKey) -> Result<(), StoreError>;
    /// Says from when on another key is in use.
    async fn retire_signing_key(
        &mut self,
        id: SigningKeyId,
        from: Timestamp,
    ) -> Result<(), StoreError>;
    /// Removes a key.
    async fn delete_signing_key(&mut self, id: SigningKeyId) -> Result<(), StoreError>;

    /// Notes that a client has proven itself by this assertion; whether it was the first time.
    async fn use_assertion(
        &mut self,
        client_id: &str,
        digest: &[u8; 32],
        ends_at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Notes that an access token was revoked.
    async fn insert_revoked_access_token(
        &mut self,
        digest: &[u8; 16],
        ends_at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Forgets what has ended: secrets, assertions and revoked tokens. Whether a revoked token was among it.
    async fn prune_authorization(&mut self, now: Timestamp) -> Result<bool, StoreError>;
}
