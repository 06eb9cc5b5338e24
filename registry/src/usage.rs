//! What credentials are used for, as gateways count it.
//!
//! Gateways count in their memory and report batches. Each batch is applied exactly once, whatever is sent again; the
//! answer to a report comes after what it told is on the disk, so that the gateway may forget it.

use std::time::Duration;

use filter_core::usage::UseOutcome;

use crate::{
    clock::Timestamp,
    ids::{CredentialId, GroupId},
};

mod apply;
mod intake;
mod receive;
mod shown;
mod silence;

#[cfg(test)]
mod tests;

pub use intake::Intake;
pub use receive::receive;
pub use shown::{Contender, Grace, SecretUse, Successor, UsageTotals};
pub use silence::end_silent;

/// For how long usage by day is kept unless configured otherwise.
pub const USAGE_KEPT: Duration = Duration::from_hours(35 * 24);

/// For how long it is known which batches of a gateway were applied, at least; for as long as the gateway is known in
/// any case. A first batch whose uses are older is not applied: it may have been, before that was forgotten.
pub const BATCHES_KEPT: Duration = Duration::from_hours(7 * 24);

/// For how long it is known that usage was lost: longer than a grace period can be.
pub const LOST_KEPT: Duration = Duration::from_hours(100 * 24);

/// The highest count that is kept: what JSON's readers agree on. More is not counted.
pub const MAX_COUNT: u64 = filter_core::usage::MAX_COUNT;

/// Milliseconds in a day.
const DAY: u64 = 24 * 3600 * 1000;

/// A day, in UTC, counted from the first of January 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

impl Day {
    /// The day of a moment.
    #[must_use]
    pub fn of(moment: Timestamp) -> Self {
        Self(u32::try_from(moment.as_millis() / DAY).unwrap_or(u32::MAX))
    }

    /// When it begins.
    #[must_use]
    pub fn begin(self) -> Timestamp {
        Timestamp::from_millis(u64::from(self.0).saturating_mul(DAY))
    }
}

/// How often one secret of a credential was used, with one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageCount {
    /// The credential.
    pub credential: CredentialId,
    /// The version of the record by which gateways know the secret, or the pair of secrets.
    pub version: u32,
    /// What came of it.
    pub outcome: UseOutcome,
    /// How often.
    pub count: u64,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
}

/// How often a credential was used at a gateway group on one day, with one outcome. Uses that a gateway counted over
/// midnight belong to the day of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCount {
    /// The credential.
    pub credential: CredentialId,
    /// The day.
    pub day: Day,
    /// The group.
    pub group: GroupId,
    /// What came of it.
    pub outcome: UseOutcome,
    /// How often.
    pub count: u64,
    /// When last.
    pub last: Timestamp,
}

/// Uses that a group's gateways could not tell apart by credential, or that came too late to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostUsage {
    /// The group.
    pub group: GroupId,
    /// The day on which they were reported.
    pub day: Day,
    /// How many; 0 for a gateway that fell silent, and may have had some.
    pub count: u64,
    /// When it last happened on that day.
    pub last: Timestamp,
}

/// Which batch of a gateway was applied last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedBatch {
    /// The gateway's group.
    pub group: GroupId,
    /// The start of the gateway's process.
    pub instance: [u8; 16],
    /// The gateway's lane.
    pub lane: u8,
    /// The batch's sequence.
    pub sequence: u64,
    /// When it was applied.
    pub at: Timestamp,
}

/// Whether it was used, as people understand it: with a good credential.
#[must_use]
pub const fn is_use(outcome: UseOutcome) -> bool {
    matches!(outcome, UseOutcome::Allowed | UseOutcome::Forbidden)
}
