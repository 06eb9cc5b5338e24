//! The verbs that read the log, and what gateways may know.

use async_trait::async_trait;

use super::{ApplicationRow, ChangeRow, CommittedChange, Head, RenderedCredential, StoreError};
use crate::{clock::Timestamp, ids::GroupId};

/// Reading what the feed tells.
#[async_trait]
pub trait FeedReads: Send {
    /// The log's identity and end.
    async fn head(&mut self) -> Result<Head, StoreError>;
    /// The random id of the changes at the revision, if the log reaches back to it.
    async fn change_id(&mut self, revision: u64) -> Result<Option<[u8; 16]>, StoreError>;
    /// What was committed at the revision, if the log still knows.
    async fn change(&mut self, revision: u64) -> Result<Option<CommittedChange>, StoreError>;
    /// When the revision was committed, if the log reaches back to it.
    async fn committed_at(&mut self, revision: u64) -> Result<Option<Timestamp>, StoreError>;
    /// The revisions after one and up to another that changed something for the group, and when they were committed.
    async fn commits_of(
        &mut self,
        group: GroupId,
        after: u64,
        to: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Timestamp)>, StoreError>;
    /// The group's changes after the revision, with the present state of what they are about, in order.
    async fn group_changes(
        &mut self,
        group: GroupId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ChangeRow>, StoreError>;
    /// The applications that the group admits, from this bucket on, in order of bucket.
    async fn group_applications(
        &mut self,
        group: GroupId,
        from_bucket: u16,
        limit: usize,
    ) -> Result<Vec<ApplicationRow>, StoreError>;
    /// The secrets deployed to the group, from this digest on, in order of digest.
    async fn group_credentials(
        &mut self,
        group: GroupId,
        from_digest: &[u8; 16],
        limit: usize,
    ) -> Result<Vec<RenderedCredential>, StoreError>;
}
