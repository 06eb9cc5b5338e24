//! The verbs about who issues access tokens.

use async_trait::async_trait;
use filter_core::feed::Issuer;

use super::StoreError;

/// Reading what gateways are told of issuers.
#[async_trait]
pub trait IssuerReads: Send {
    /// All of them, in the order of their names.
    async fn issuers(&mut self) -> Result<Vec<Issuer>, StoreError>;
    /// The one with this name.
    async fn issuer(&mut self, name: &str) -> Result<Option<Issuer>, StoreError>;
}

/// Changing it.
#[async_trait]
pub trait IssuerWrites: Send {
    /// Keeps an issuer as it is now. If it was another, every group's gateways are told.
    async fn put_issuer(&mut self, issuer: &Issuer) -> Result<(), StoreError>;
    /// Forgets an issuer, so that gateways refuse its tokens.
    async fn remove_issuer(&mut self, name: &str) -> Result<(), StoreError>;
}
