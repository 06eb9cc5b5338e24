//! The verbs about what credentials are used for.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    clock::Timestamp,
    ids::{CredentialId, GroupId},
    usage::{AppliedBatch, Day, DayCount, LostUsage, Reported, UsageCount},
};

/// Reading what gateways reported of use.
#[async_trait]
pub trait UsageReads: Send {
    /// How often the secrets of some credentials were used.
    async fn usage(&mut self, credentials: &[CredentialId]) -> Result<Vec<UsageCount>, StoreError>;
    /// How often a credential was used on each day from `from` on, where that is kept, at groups that exist; the last day
    /// first.
    async fn usage_days(
        &mut self,
        credential: CredentialId,
        from: Day,
    ) -> Result<Vec<DayCount>, StoreError>;
    /// Credentials with a retiring secret that may end by silence.
    async fn ending_by_silence(&mut self) -> Result<Vec<CredentialId>, StoreError>;
    /// What gateways lost since.
    async fn lost_usage(&mut self, since: Timestamp) -> Result<Vec<LostUsage>, StoreError>;
    /// What there is to know of those of the credentials that exist, to judge what the group's gateways report of them.
    async fn reported(
        &mut self,
        group: GroupId,
        credentials: &[CredentialId],
    ) -> Result<Vec<Reported>, StoreError>;
    /// Of how many lanes of a group's gateways it is known what was applied; no more than `most` are counted.
    async fn lanes(&mut self, group: GroupId, most: u64) -> Result<u64, StoreError>;
    /// The sequence of the last batch that was applied of a lane of a gateway.
    async fn applied_batch(
        &mut self,
        group: GroupId,
        instance: &[u8; 16],
        lane: u8,
    ) -> Result<Option<u64>, StoreError>;
}

/// Keeping what gateways report of use.
#[async_trait]
pub trait UsageWrites: Send {
    /// Adds to counters, and says anew of `used` when they were used last. Nothing may occur twice.
    async fn add_usage(
        &mut self,
        secrets: &[UsageCount],
        days: &[DayCount],
        used: &[CredentialId],
    ) -> Result<(), StoreError>;
    /// Adds to what a group's gateways lost.
    async fn add_lost_usage(&mut self, lost: &LostUsage) -> Result<(), StoreError>;
    /// Keeps which batch was applied last of a lane of a gateway.
    async fn put_applied_batch(&mut self, applied: &AppliedBatch) -> Result<(), StoreError>;
    /// Forgets usage of the days before that of this moment, so many rows at most; says how many.
    async fn prune_usage_days(&mut self, before: Timestamp, most: u32) -> Result<u64, StoreError>;
}
