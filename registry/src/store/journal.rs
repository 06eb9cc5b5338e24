//! The verbs about the journal of revocations.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    clock::Timestamp,
    ids::SecretId,
    journal::{Revoked, Switch, Turn},
    secret::Secret,
};

/// Where revocations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokedSource {
    /// Secrets, also of credentials and applications that are gone.
    Secrets,
    /// Tokens.
    Tokens,
    /// Credentials that were switched off or on.
    Credentials,
    /// Applications that were switched off or on.
    Applications,
    /// Secrets that began to retire, or are the current ones again.
    Turns,
    /// Credentials whose tokens count only from a moment on.
    CutOffs,
}

/// Reading what was revoked.
#[async_trait]
pub trait JournalReads: Send {
    /// One secret.
    async fn secret(&mut self, id: SecretId) -> Result<Option<Secret>, StoreError>;
    /// Whether it does not work here: it is revoked, or not there. Of a switch or a turn: whether it was carried out here, and maybe others
    /// after it.
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
    /// Says that something was switched as often as the switch says, after it was switched again.
    async fn set_switch(&mut self, switch: &Switch) -> Result<(), StoreError>;
    /// Says the same of a secret that turned.
    async fn set_turn(&mut self, turn: &Turn) -> Result<(), StoreError>;
    /// Forgets which journals there were.
    async fn forget_journals(&mut self) -> Result<(), StoreError>;
    /// Lets registries start on a database that was restored.
    async fn end_restore(&mut self) -> Result<(), StoreError>;
}
