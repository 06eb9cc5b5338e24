use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{LANES, MAX_COUNT, MAX_TIME_MS, MAX_USES, Use, UseOutcome};
use crate::ids::{CREDENTIAL_PREFIX, ObjectId};

/// A [`Use`] in JSON.
pub(super) type Row = (String, u32, u8, u64, u64, u64);

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
