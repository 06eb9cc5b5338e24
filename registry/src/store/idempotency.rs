//! The verbs about requests that may be sent again.

use async_trait::async_trait;

use super::{IdempotentRequest, StoreError};

/// Reading requests that may be sent again.
#[async_trait]
pub trait IdempotencyReads: Send {
    /// The idempotent request with this key.
    async fn idempotent_request(
        &mut self,
        row: &[u8; 32],
    ) -> Result<Option<IdempotentRequest>, StoreError>;
}

/// Keeping and forgetting them.
#[async_trait]
pub trait IdempotencyWrites: Send {
    /// Adds an idempotent request, in place of an older one with the same key.
    async fn put_idempotent_request(
        &mut self,
        row: &[u8; 32],
        request: &IdempotentRequest,
    ) -> Result<(), StoreError>;
    /// Forgets an idempotent request.
    async fn delete_idempotent_request(&mut self, row: &[u8; 32]) -> Result<(), StoreError>;
    /// Forgets every idempotent request that has no answer.
    async fn delete_unanswered_requests(&mut self) -> Result<(), StoreError>;
}
