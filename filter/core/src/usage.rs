//! What credentials are used for: how gateways count it, and how they tell the registry.
//!
//! Every VM counts in its own [`Tally`] and pours that into a [`Lane`] in shared data about once a second. One VM at a time
//! sends what the lanes hold: it seals part of a lane as a [`UsageBatch`] under a sequence that never comes again, and
//! drops the batch once the registry has it. A batch that may or may not have arrived is sent again as it is, by whichever
//! VM leads then, and the registry counts it once. Everything is bounded; what finds no place is counted as lost.

mod lane;
mod tally;
mod wire;

use serde::{Deserialize, Serialize};

pub use lane::{Lane, MAX_OPEN};
pub use tally::{MAX_COUNTED, Tally};
pub use wire::{InvalidUsage, UsageBatch};

use crate::ids::ObjectId;
use wire::Row;

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

/// One use of a secret of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Used {
    /// The credential.
    pub credential: ObjectId,
    /// Which of its secrets.
    pub version: u32,
    /// What it came to.
    pub outcome: UseOutcome,
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

impl Use {
    /// What all of them were.
    #[must_use]
    pub const fn used(&self) -> Used {
        Used {
            credential: self.credential,
            version: self.version,
            outcome: self.outcome,
        }
    }

    /// Takes in others of the same.
    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count).min(MAX_COUNT);
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
    }
}
