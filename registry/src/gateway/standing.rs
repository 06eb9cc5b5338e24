//! How a gateway stands to a position in the log.

use std::time::Duration;

use super::{MaxStaleness, seen::Seen};
use crate::clock::Timestamp;

/// After which a gateway that was not heard of is silent: a poll waits up to 25 seconds unless configured otherwise, and
/// reports come every ten.
pub const SILENT_AFTER: Duration = Duration::from_secs(40);

/// How long a gateway that does not say serves without an answer of the registry: what the filter does unless configured
/// otherwise.
const USUAL_STALENESS: Duration = Duration::from_hours(24);

/// What is to be reached, and when it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The log's identity.
    pub(crate) epoch: [u8; 16],
    /// The position in it.
    pub(crate) revision: u64,
    /// When it was committed, while the log remembers.
    pub(crate) committed_at: Option<Timestamp>,
}

/// How a gateway that may admit requests stands to a position in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: State,
    /// The position that it reported in this log.
    pub(crate) revision: Option<u64>,
    /// When it acknowledged the position, if that is remembered.
    pub(crate) acknowledged_at: Option<Timestamp>,
    /// Whether it began when the position had been committed: it never had anything older.
    pub(crate) began_after: bool,
    /// Until when it may decide by what it has, if it hears nothing more; `None` for ever.
    pub(crate) may_admit_until: Option<Timestamp>,
}

/// Whether a gateway has a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// All its workers have it.
    Applied,
    /// It does not, and is heard of.
    Pending(Lack),
    /// It does not, and was not heard of for [`SILENT_AFTER`].
    Silent,
}

/// What a gateway has instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// It has reported nothing yet.
    Nothing,
    /// It has no complete snapshot.
    Incomplete,
    /// A position of another log.
    OtherLog,
    /// An earlier position.
    Behind,
}

impl Seen {
    /// How it stands to the position; `None` once it cannot admit anything any more, because it is silent for longer than it
    /// serves without the registry.
    pub(crate) fn standing(&self, wanted: &Wanted, now: Timestamp) -> Option<Standing> {
        let may_admit_until = self.may_admit_until();
        if may_admit_until.is_some_and(|end| end <= now) {
            return None;
        }
        let position = self.position(&wanted.epoch);
        let state = match position {
            Ok(revision) if revision >= wanted.revision => State::Applied,
            _ if self.is_silent(now) => State::Silent,
            Ok(_) => State::Pending(Lack::Behind),
            Err(lack) => State::Pending(lack),
        };
        let began_after = match (self.began_at, wanted.committed_at) {
            (Some(began), Some(committed)) => began > committed,
            _ => false,
        };
        Some(Standing {
            state,
            revision: position.ok(),
            acknowledged_at: self.acknowledged.at(wanted.revision),
            began_after,
            may_admit_until,
        })
    }

    /// The position that all its workers have in this log.
    fn position(&self, epoch: &[u8; 16]) -> Result<u64, Lack> {
        let last = self.last.as_ref().ok_or(Lack::Nothing)?;
        if !last.report.complete {
            return Err(Lack::Incomplete);
        }
        if last.report.epoch != *epoch || self.is_ahead {
            return Err(Lack::OtherLog);
        }
        Ok(last.report.revision)
    }

    pub(crate) fn is_silent(&self, now: Timestamp) -> bool {
        self.at.after(SILENT_AFTER) <= now
    }

    /// Until when it may decide by what it has, if it hears nothing more; `None` for ever.
    pub(crate) fn may_admit_until(&self) -> Option<Timestamp> {
        let staleness = self
            .last
            .as_ref()
            .and_then(|last| last.report.max_staleness);
        match staleness {
            Some(MaxStaleness::Unbounded) => None,
            Some(MaxStaleness::Bounded(longest)) => Some(self.answered_by.after(longest)),
            None => Some(self.answered_by.after(USUAL_STALENESS)),
        }
    }
}
