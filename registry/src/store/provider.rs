//! The verbs about identity providers, what is to be done there, and the clients that are registered there.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    clock::Timestamp,
    ids::{CredentialId, OperationId, ProviderId, SecretId},
    oauth_client::OauthClient,
    provider::{Operation, Provider},
};

/// Reading them.
#[async_trait]
pub trait ProviderReads: Send {
    /// One provider.
    async fn provider(&mut self, id: ProviderId) -> Result<Option<Provider>, StoreError>;
    /// The one with this name.
    async fn provider_named(&mut self, name: &str) -> Result<Option<Provider>, StoreError>;
    /// The one whose tokens say this in `iss`.
    async fn provider_issuing(&mut self, issuer: &str) -> Result<Option<Provider>, StoreError>;
    /// Providers after this one, in order of creation.
    async fn providers(
        &mut self,
        after: Option<ProviderId>,
        limit: usize,
    ) -> Result<Vec<Provider>, StoreError>;

    /// What is kept of a secret that is a registration.
    async fn oauth_client(&mut self, secret: SecretId) -> Result<Option<OauthClient>, StoreError>;
    /// Every registration that the credential has or had, in order of their secrets.
    async fn oauth_clients_of(
        &mut self,
        credential: CredentialId,
    ) -> Result<Vec<OauthClient>, StoreError>;
    /// The registration that has the client now.
    async fn oauth_client_known_as(
        &mut self,
        issuer: &str,
        client_id: &str,
    ) -> Result<Option<OauthClient>, StoreError>;
    /// Whether some registration has the client, or had it before it ended.
    async fn was_oauth_client_known(
        &mut self,
        issuer: &str,
        client_id: &str,
    ) -> Result<bool, StoreError>;
    /// A provider's registrations that have not ended, after this one, in order of their secrets.
    async fn oauth_clients_at(
        &mut self,
        provider: ProviderId,
        after: Option<SecretId>,
        limit: usize,
    ) -> Result<Vec<OauthClient>, StoreError>;

    /// Something that is to be done.
    async fn operation(&mut self, id: OperationId) -> Result<Option<Operation>, StoreError>;
    /// What is to be done about the credential, the oldest first.
    async fn operations_about(
        &mut self,
        credential: CredentialId,
    ) -> Result<Vec<Operation>, StoreError>;
    /// What is to be done at the provider after this, the oldest first.
    async fn operations_at(
        &mut self,
        provider: ProviderId,
        after: Option<OperationId>,
        limit: usize,
    ) -> Result<Vec<Operation>, StoreError>;
    /// What is to be tried again by now, the longest overdue first.
    async fn operations_due(
        &mut self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Operation>, StoreError>;
    /// When the next is to be tried again.
    async fn next_operation_at(&mut self) -> Result<Option<Timestamp>, StoreError>;
}

/// Changing them.
#[async_trait]
pub trait ProviderWrites: Send {
    /// Adds a provider.
    async fn insert_provider(&mut self, provider: &Provider) -> Result<(), StoreError>;
    /// Replaces a provider's fields.
    async fn update_provider(&mut self, provider: &Provider) -> Result<(), StoreError>;
    /// Removes a provider at which nothing is registered and nothing is to be done. What ended there is forgotten.
    async fn delete_provider(&mut self, id: ProviderId) -> Result<(), StoreError>;

    /// Adds a registration.
    async fn insert_oauth_client(&mut self, client: &OauthClient) -> Result<(), StoreError>;
    /// Replaces what is kept of a registration.
    async fn update_oauth_client(&mut self, client: &OauthClient) -> Result<(), StoreError>;

    /// Writes down what is to be done.
    async fn insert_operation(&mut self, operation: &Operation) -> Result<(), StoreError>;
    /// Writes down how far it has come.
    async fn update_operation(&mut self, operation: &Operation) -> Result<(), StoreError>;
    /// Makes everything due that somebody is at: whoever it was is gone.
    async fn let_go_of_operations(&mut self, now: Timestamp) -> Result<(), StoreError>;
    /// Forgets what is done, or undone.
    async fn delete_operation(&mut self, id: OperationId) -> Result<(), StoreError>;
}
