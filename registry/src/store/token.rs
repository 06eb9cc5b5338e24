//! What is kept of tokens.

use async_trait::async_trait;

use super::{StoreError, StoredToken};
use crate::{
    clock::Timestamp,
    ids::{GroupId, OrganizationId, TokenId},
    token::Token,
};

/// Reading tokens.
#[async_trait]
pub trait TokenReads: Send {
    /// One token.
    async fn token(&mut self, id: TokenId) -> Result<Option<Token>, StoreError>;
    /// The token with this digest.
    async fn token_by_digest(
        &mut self,
        digest: &[u8; 32],
    ) -> Result<Option<StoredToken>, StoreError>;
    /// Whether the organization has an administrator's token that is valid at `now`.
    async fn has_admin(
        &mut self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// An organization's tokens that are not revoked, in order of creation.
    async fn tokens(&mut self, organization: OrganizationId) -> Result<Vec<Token>, StoreError>;
    /// The tokens of a group's gateways that are not revoked, in order of creation.
    async fn group_tokens(&mut self, group: GroupId) -> Result<Vec<Token>, StoreError>;
}

/// Making and ending tokens.
#[async_trait]
pub trait TokenWrites: Send {
    /// Adds a token.
    async fn insert_token(&mut self, token: &Token, digest: &[u8; 32]) -> Result<(), StoreError>;
    /// Ends a token.
    async fn revoke_token(&mut self, id: TokenId, at: Timestamp) -> Result<(), StoreError>;
}
