//! What credentials are used for: how gateways count it, and how they tell the registry.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::ids::{CREDENTIAL_PREFIX, ObjectId};

/// Into how many parts the counts of one gateway are divided, so that its VMs seldom write the same one.
pub const LANES: u8 = 16;

/// Uses at most in one batch.
pub const MAX_USES: usize = 1000;

/// Batches at most in one report.
pub const MAX_BATCHES: usize = 8;

/// The highest count: JSON's readers agree on whole numbers up to here.
pub const MAX_COUNT: u64 = (1 << 53) - 1;

const MAX_TIME_MS: u64 = (1 << 48) - 1;

/// What a use of a credential came to. Wrong passwords and unknown values are nobody's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UseOutcome {
    /// The request passed: 0 on the wire.
    Allowed,
    /// The credential is good, but may not: 1 on the wire.
    Forbidden,
    /// The credential is known, but disabled, expired, not yet valid, or its application disabled: 2 on the wire.
    Refused,
}

impl UseOutcome {
    /// Every one, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Allowed, Self::Forbidden, Self::Refused];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Allowed => 0,
            Self::Forbidden => 1,
            Self::Refused => 2,
        }
    }

    /// The outcome with this [`Self::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Uses of one secret of a credential, all with one outcome. In JSON
/// `[credential, version, outcome, count, first_ms, last_ms]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Row", try_from = "Row")]
pub struct Use {
    /// The credential.
    pub credential: ObjectId,
    /// Which of its secrets: [`crate::feed::Credential::version`].
    pub version: u32,
    /// What they came to.
    pub outcome: UseOutcome,
    /// How many: at least one, at most [`MAX_COUNT`].
    pub count: u64,
    /// When the first was, in Unix milliseconds.
    pub first_ms: u64,
    /// When the last was, in Unix milliseconds.
    pub last_ms: u64,
}

type Row = (String, u32, u8, u64, u64, u64);

/// What is wrong with a gateway's word on usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUsage {
    /// Not the text of a credential's id.
    #[error("must begin with a credential's id (cred_...)")]
    Credential,
    /// An unknown outcome.
    #[error("outcome must be 0, 1 or 2")]
    Outcome,
    /// Nothing, or more than can be counted.
    #[error("count must be 1 to {MAX_COUNT}")]
    Count,
    /// Times that cannot be.
    #[error("first_ms must not be after last_ms, and both be Unix milliseconds")]
    Times,
    /// No such lane.
    #[error("lane must be less than {LANES}")]
    Lane,
    /// More uses than a batch holds.
    #[error("uses must be at most {MAX_USES}")]
    Uses,
    /// More lost than can be counted.
    #[error("lost must be at most {MAX_COUNT}")]
    Lost,
}

impl From<Use> for Row {
    fn from(used: Use) -> Self {
        (
            used.credential.with_prefix(CREDENTIAL_PREFIX),
            used.version,
            used.outcome.number(),
            used.count,
            used.first_ms,
            used.last_ms,
        )
    }
}

impl TryFrom<Row> for Use {
    type Error = InvalidUsage;

    fn try_from(
        (credential, version, outcome, count, first_ms, last_ms): Row,
    ) -> Result<Self, InvalidUsage> {
        let credential = credential
            .strip_prefix(CREDENTIAL_PREFIX)
            .and_then(ObjectId::parse)
            .ok_or(InvalidUsage::Credential)?;
        let outcome = UseOutcome::from_number(outcome).ok_or(InvalidUsage::Outcome)?;
        if !(1..=MAX_COUNT).contains(&count) {
            return Err(InvalidUsage::Count);
        }
        if first_ms > last_ms || last_ms > MAX_TIME_MS {
            return Err(InvalidUsage::Times);
        }
        Ok(Self {
            credential,
            version,
            outcome,
            count,
            first_ms,
            last_ms,
        })
    }
}

/// Part of a report: what one lane held when it was sealed. The same batch may come several times, and always has the same
/// sequence then: it counts once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedBatch")]
pub struct UsageBatch {
    /// Which lane: less than [`LANES`].
    pub lane: u8,
    /// Rises from batch to batch of a lane, within one start of the process.
    pub sequence: u64,
    /// How many uses could not be counted by credential, because too many credentials were used.
    pub lost: u64,
    /// The uses, each credential, version and outcome once; at most [`MAX_USES`].
    pub uses: Vec<Use>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedBatch {
    lane: u8,
    sequence: u64,
    lost: u64,
    uses: Vec<Use>,
}

impl TryFrom<UncheckedBatch> for UsageBatch {
    type Error = InvalidUsage;

    fn try_from(batch: UncheckedBatch) -> Result<Self, InvalidUsage> {
        if batch.lane >= LANES {
            return Err(InvalidUsage::Lane);
        }
        if batch.uses.len() > MAX_USES {
            return Err(InvalidUsage::Uses);
        }
        if batch.lost > MAX_COUNT {
            return Err(InvalidUsage::Lost);
        }
        Ok(Self {
            lane: batch.lane,
            sequence: batch.sequence,
            lost: batch.lost,
            uses: batch.uses,
        })
    }
}
