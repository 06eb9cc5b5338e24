//! The verbs about registration tokens.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    clock::Timestamp,
    ids::{OrganizationId, RegistrationTokenId},
    registration::RegistrationToken,
};

/// Reading them.
#[async_trait]
pub trait RegistrationReads: Send {
    /// One of them.
    async fn registration_token(
        &mut self,
        id: RegistrationTokenId,
    ) -> Result<Option<RegistrationToken>, StoreError>;
    /// The one with this digest.
    async fn registration_token_by_digest(
        &mut self,
        digest: &[u8; 32],
    ) -> Result<Option<RegistrationToken>, StoreError>;
    /// An organization's, in order of creation.
    async fn registration_tokens(
        &mut self,
        organization: OrganizationId,
    ) -> Result<Vec<RegistrationToken>, StoreError>;
}

/// Changing them.
#[async_trait]
pub trait RegistrationWrites: Send {
    /// Adds one.
    async fn insert_registration_token(
        &mut self,
        token: &RegistrationToken,
        digest: &[u8; 32],
    ) -> Result<(), StoreError>;
    /// Counts one more client, if there may be one more; says whether.
    async fn use_registration_token(&mut self, id: RegistrationTokenId)
    -> Result<bool, StoreError>;
    /// Removes one.
    async fn delete_registration_token(
        &mut self,
        id: RegistrationTokenId,
    ) -> Result<(), StoreError>;
    /// Removes an organization's that have ended, or have registered as many clients as they may.
    async fn prune_registration_tokens(
        &mut self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}
