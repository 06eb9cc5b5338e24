//! The verbs about the journal of revocations.

use async_trait::async_trait;

use super::StoreError;
use crate::{clock::Timestamp, ids::SecretId, journal::Revoked, secret::Secret};

/// Where revocations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokedSource {
    /// Secrets, also of credentials and applications that are gone.
    Secrets,
    /// Tokens.
    Tokens,
}

/// Reading what was revoked.
#[async_trait]
pub trait JournalReads: Send {
    /// One secret.
    async fn secret(&mut self, id: SecretId) -> Result<Option<Secret>, StoreError>;
    /// Whether it does not work here: it is revoked, or not there.
    async fn is_revoked(&mut self, what: &Revoked) -> Result<bool, StoreError>;
    /// What was revoked after this moment and, at that moment, after this id; in that order.
    async fn revoked_after(
        &mut self,
        source: RevokedSource,
        after: &(Timestamp, String),
        limit: usize,
    ) -> Result<Vec<(Revoked, Timestamp)>, StoreError>;
    /// Up to which line the journal is known to be true here; 0 for one that is not known.
    async fn journal_mark(&mut self, journal: &[u8; 16]) -> Result<u64, StoreError>;
}

/// Writing what a start found.
#[async_trait]
pub trait JournalWrites: Send {
    /// Notes that the journal is true here up to this line.
    async fn set_journal_mark(&mut self, journal: &[u8; 16], number: u64)
    -> Result<(), StoreError>;
    /// Lets registries start on a database that was restored.
    async fn end_restore(&mut self) -> Result<(), StoreError>;
}
