//! The verbs about what was done.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    audit::{AuditQuery, ChainState, KeptRecord, NumberedEntry, Record},
    clock::Timestamp,
    ids::OrganizationId,
};

/// Reading what was done.
#[async_trait]
pub trait AuditReads: Send {
    /// An organization's entries of what was done, the newest first.
    async fn audit_entries(
        &mut self,
        organization: OrganizationId,
        query: &AuditQuery,
    ) -> Result<Vec<NumberedEntry>, StoreError>;
    /// Where the chain begins and ends, as it is kept.
    async fn audit_state(&mut self) -> Result<Option<ChainState>, StoreError>;
    /// The records after this one of every organization, in their order, each as it is kept.
    async fn audit_records(
        &mut self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<KeptRecord>, StoreError>;
    /// The number of the last record that is kept, whatever the state says; 0 if there is none.
    async fn newest_audit_record(&mut self) -> Result<u64, StoreError>;
    /// The number of the last record before the first that is of this moment or later; 0 if there is none.
    async fn last_audit_record_before(&mut self, moment: Timestamp) -> Result<u64, StoreError>;
    /// Whether any record was ever chained.
    async fn is_audit_chained(&mut self) -> Result<bool, StoreError>;
}

/// Keeping what was done.
#[async_trait]
pub trait AuditWrites: Send {
    /// Adds a record of what this transaction does, after which the log is as `state` says. No verb changes one.
    async fn append_audit(&mut self, record: &Record, state: ChainState) -> Result<(), StoreError>;
    /// Chains a record that was written before records were chained.
    async fn chain_audit(&mut self, record: &Record) -> Result<(), StoreError>;
    /// Keeps where the chain begins and ends.
    async fn put_audit_state(&mut self, state: ChainState) -> Result<(), StoreError>;
    /// Removes the records up to this one.
    async fn delete_audit(&mut self, through: u64) -> Result<(), StoreError>;
}
