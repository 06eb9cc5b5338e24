//! The verbs of access tokens that gateways look up.

use async_trait::async_trait;

use super::{CredentialRange, StoreError};
use crate::{
    clock::Timestamp,
    ids::{AccessTokenId, ApplicationId, CredentialId},
    oauth::OpaqueToken,
};

/// Reading them. One may be past its end.
#[async_trait]
pub trait AccessTokenReads: Send {
    /// One of them.
    async fn access_token(&mut self, id: AccessTokenId) -> Result<Option<OpaqueToken>, StoreError>;
    /// The one that is recognised by this.
    async fn access_token_known_by(
        &mut self,
        digest: &[u8; 32],
    ) -> Result<Option<OpaqueToken>, StoreError>;
    /// Those of a credential.
    async fn access_tokens_of(
        &mut self,
        credential: CredentialId,
    ) -> Result<Vec<OpaqueToken>, StoreError>;
    /// Those of a stretch of an application's credentials.
    async fn access_tokens_of_many(
        &mut self,
        application: ApplicationId,
        range: CredentialRange,
    ) -> Result<Vec<OpaqueToken>, StoreError>;
    /// Whose they are.
    async fn credentials_with_access_tokens(&mut self) -> Result<Vec<CredentialId>, StoreError>;
    /// How many of a credential have not ended at `now`, and when the first of them does.
    async fn living_access_tokens(
        &mut self,
        credential: CredentialId,
        now: Timestamp,
    ) -> Result<(u64, Option<Timestamp>), StoreError>;
}

/// Changing them. Whether gateways know one is not decided here.
#[async_trait]
pub trait AccessTokenWrites: Send {
    /// Adds one.
    async fn insert_access_token(&mut self, token: &OpaqueToken) -> Result<(), StoreError>;
    /// Removes one.
    async fn delete_access_token(&mut self, id: AccessTokenId) -> Result<(), StoreError>;
    /// Removes all of a credential.
    async fn delete_access_tokens_of(&mut self, credential: CredentialId)
    -> Result<(), StoreError>;
    /// Removes those of a credential that have ended at `now`.
    async fn delete_ended_access_tokens(
        &mut self,
        credential: CredentialId,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}
