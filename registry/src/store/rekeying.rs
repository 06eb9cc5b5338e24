//! The verbs by which a group's digest key is replaced.

use async_trait::async_trait;

use super::{Deployed, SealedDigestKey, StoreError};
use crate::{
    clock::Timestamp,
    ids::{CredentialId, GroupId},
};

/// The replacing of a group's digest key, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rekeying {
    /// Whose key.
    pub group: GroupId,
    /// The version that is replaced.
    pub from: u32,
    /// The version that takes its place.
    pub to: u32,
    /// What is being done.
    pub phase: Phase,
    /// Up to which digest under the old key it is done; `None` at the phase's beginning.
    pub done_to: Option<[u8; 16]>,
    /// How many records there were to begin with.
    pub records: u64,
    /// How many of them were added under the new key.
    pub added: u64,
    /// How many were removed under the old key.
    pub removed: u64,
    /// When it began.
    pub begun_at: Timestamp,
}

/// What is being done to replace a group's digest key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Every record is added under the new key. Gateways look up under the old one.
    Adding,
    /// Gateways are told of the new key at this position in the log; some may still look up under the old one.
    Switched {
        /// The position in the log.
        revision: u64,
    },
    /// No gateway looks up under the old key any more: what is found under it is removed.
    Removing,
}

impl Rekeying {
    /// The version whose key a snapshot begins with.
    #[must_use]
    pub const fn told(&self) -> u32 {
        match self.phase {
            Phase::Adding => self.from,
            Phase::Switched { .. } | Phase::Removing => self.to,
        }
    }
}

/// A record of a group that is found under one of its keys, with its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeployedRecord {
    /// The record.
    pub deployed: Deployed,
    /// Whose it is.
    pub credential: CredentialId,
}

/// Reading how far digest keys have been replaced.
#[async_trait]
pub trait RekeyingReads: Send {
    /// The replacing of the group's digest key, if that is under way.
    async fn rekeying(&mut self, group: GroupId) -> Result<Option<Rekeying>, StoreError>;
    /// All that are under way, in order of group.
    async fn rekeyings(&mut self) -> Result<Vec<Rekeying>, StoreError>;
    /// The keys under which what is deployed now is found: one for each group, and two while one of them replaces the other.
    async fn deploying_keys(&mut self) -> Result<Vec<SealedDigestKey>, StoreError>;
    /// How many records the group's gateways hold under a version of its key.
    async fn count_records(&mut self, group: GroupId, version: u32) -> Result<u64, StoreError>;
    /// The group's records under a version of its key after this digest, in order of digest.
    async fn records_under(
        &mut self,
        group: GroupId,
        version: u32,
        after: Option<&[u8; 16]>,
        limit: usize,
    ) -> Result<Vec<DeployedRecord>, StoreError>;
}

/// Replacing digest keys.
#[async_trait]
pub trait RekeyingWrites: Send {
    /// Begins, with the key that is to come.
    async fn begin_rekeying(
        &mut self,
        rekeying: &Rekeying,
        key: &SealedDigestKey,
    ) -> Result<(), StoreError>;
    /// Notes how far it has come.
    async fn set_rekeying(&mut self, rekeying: &Rekeying) -> Result<(), StoreError>;
    /// Has the record at `from` found under another key of the group's as well, at the place that `copy` names. Receipts of the
    /// credential stay as they are: nothing of it changes. Nothing happens if it is there already.
    async fn copy_record(&mut self, from: &[u8; 16], copy: &Deployed) -> Result<(), StoreError>;
    /// Takes a record from the group's gateways that has a copy under another key.
    async fn remove_copy(&mut self, group: GroupId, digest: &[u8; 16]) -> Result<(), StoreError>;
    /// Tells the group's gateways that they look up under this version of the key from now on.
    async fn tell_key(&mut self, group: GroupId, version: u32) -> Result<(), StoreError>;
    /// Ends it, and forgets the old key.
    async fn end_rekeying(&mut self, rekeying: &Rekeying) -> Result<(), StoreError>;
}
