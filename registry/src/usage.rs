//! What credentials are used for, as gateways count it.
//!
//! Gateways count in their memory and report batches. Each batch is applied exactly once, whatever is sent again; the
//! answer to a report comes after what it told is on the disk, so that the gateway may forget it.

use std::time::Duration;

use filter_core::usage::UseOutcome;

use crate::{
    clock::Timestamp,
    credential::secrets_of_version,
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
/// any case. A first batch whose uses are older is not applied: it may have been, before that was forgotten. One that tells
/// of nothing but loss has no time, and may count twice as loss: that errs on the safe side.
pub const BATCHES_KEPT: Duration = Duration::from_hours(7 * 24);

/// Lanes of gateways at most of one group of which it is known what was applied: of 4,096 starts, within
/// [`BATCHES_KEPT`]. What further ones report is lost.
const MAX_LANES_OF_GROUP: u64 = if cfg!(test) { 64 } else { 65_536 };

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
    /// When last, by the gateways' clocks.
    pub last: Timestamp,
    /// When the registry last heard of one: later than it was, whatever the gateways' clocks say.
    pub received: Timestamp,
}

/// A credential that a gateway reports of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Its id.
    pub credential: CredentialId,
    /// The last version given to any of its secrets.
    pub secret_version: u32,
    /// Whether it has a shared secret.
    pub is_paired: bool,
    /// Whether the gateway's group has it, or had it, or used it.
    pub is_seen: bool,
}

impl Reported {
    /// Whether gateways of the group can have used a record of this version.
    fn had(&self, version: u32) -> bool {
        let (value, shared) = secrets_of_version(self.is_paired, version);
        let was_given = |one: u32| (1..=self.secret_version).contains(&one);
        self.is_seen && was_given(value) && shared.is_none_or(was_given)
    }
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

/// Uses that a group's gateways could not tell apart by credential, or that the registry could not count.
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
