//! What can be wrong with the log, and how it is said.

use std::fmt;

use crate::{
    audit::{Head, KeptRecord, Record},
    clock::Timestamp,
};

/// A record, as far as it can be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its number.
    pub sequence: u64,
    /// When it says that it was written, in Unix milliseconds, and what it says was done; absent where it is unreadable or
    /// missing.
    pub says: Option<(i64, String)>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The record; `None` if it is about the log as a whole.
    pub record: Option<Named>,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is not what was written, or does not follow the record before it.
    Altered,
    /// Columns hold what the registry never writes.
    Unreadable,
    /// It has no MAC.
    NotChained,
    /// No key has its version.
    UnknownKey(u32),
    /// It, and what follows up to this number, is not there.
    MissingUpTo(u64),
    /// It was written as the record of this number.
    OutOfOrder(u64),
    /// The log begins after it: what was before was pruned.
    BeforeBeginning,
    /// The log ends before it.
    AfterEnd,
    /// It is the first that is missing at the end: the log had records up to this number.
    CutOff(u64),
    /// When it was written, the log did not end where the registry had ended it.
    EndLost,
    /// It is the first that is missing at the end: the head proves that there was more.
    CutBeforeHead(Head),
    /// The head does not fit, although every record follows the one before it: between this record, the last that is
    /// proven, and the head's, the log was written anew by somebody who has the master key. Or the head is of another log.
    RewrittenSince(u64, Head),
    /// After the export's last head there is something, or a head in it is older than what is before it.
    ExportCut,
    /// What the registry notes of the log's beginning and end is gone.
    StateGone,
    /// What the registry notes of the log's beginning and end is not what it noted.
    StateForged,
}

/// Something that is not wrong, and limits what was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The head's record was pruned.
    HeadPruned(Head),
    /// The log is broken before the head's record.
    HeadNotReached(Head),
    /// What is before this record was written by a version that did not chain records.
    ChainedLater(Named),
}

impl Finding {
    pub(super) const fn of_log(why: Why) -> Self {
        Self { record: None, why }
    }

    pub(super) const fn of(record: Named, why: Why) -> Self {
        Self {
            record: Some(record),
            why,
        }
    }
}

impl Named {
    pub(super) const fn missing(sequence: u64) -> Self {
        Self {
            sequence,
            says: None,
        }
    }
}

impl From<&Record> for Named {
    fn from(record: &Record) -> Self {
        Self {
            sequence: record.sequence,
            says: Some((record.at, record.action.clone())),
        }
    }
}

impl From<&KeptRecord> for Named {
    fn from(kept: &KeptRecord) -> Self {
        match kept {
            KeptRecord::Read(record) => record.into(),
            KeptRecord::Unreadable(sequence) => Self::missing(*sequence),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}", self.sequence)?;
        if let Some((at, action)) = &self.says {
            // What was altered may hold anything; a terminal is not to obey it.
            write!(f, " ({}, {})", moment(*at), action.escape_debug())?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(record) = &self.record {
            write!(f, "{record}: ")?;
        }
        self.why.fmt(f)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered => f.write_str("altered, or not what followed the record before it"),
            Self::Unreadable => f.write_str("altered: it holds what the registry never writes"),
            Self::NotChained => f.write_str("altered: it has no MAC"),
            Self::UnknownKey(version) => {
                write!(f, "altered: the registry has no audit key of version {version}")
            }
            Self::MissingUpTo(last) => write!(f, "missing, with all up to record {last}"),
            Self::OutOfOrder(was) => write!(f, "out of order: it was record {was}"),
            Self::BeforeBeginning => f.write_str("does not belong to the log, which begins later"),
            Self::AfterEnd => f.write_str("does not belong to the log, which ends before it"),
            Self::CutOff(last) => write!(f, "missing: the log is cut off, it went on to record {last}"),
            Self::EndLost => f.write_str(
                "the registry found here that the log did not end where it had ended it: records before were removed or added",
            ),
            Self::CutBeforeHead(head) => write!(
                f,
                "missing: the log is cut off, the head of {} had record {}",
                seconds(head), head.sequence
            ),
            Self::RewrittenSince(proven, head) => write!(
                f,
                "the head of {} does not fit: records after {proven} and up to {} were written anew since, under the right \
                 key (or the head is of another log)",
                seconds(head), head.sequence
            ),
            Self::ExportCut => f.write_str("the export does not end with a head of its last record: it was cut off"),
            Self::StateGone => f.write_str(
                "the registry's note of where the log begins and ends is gone: records may be missing at the end",
            ),
            Self::StateForged => f.write_str(
                "the registry's note of where the log begins and ends was altered: records may be missing at both ends",
            ),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeadPruned(head) => write!(
                f,
                "the head of {} says nothing: its record {} was pruned",
                seconds(head),
                head.sequence
            ),
            Self::HeadNotReached(head) => write!(
                f,
                "the head of {} was not compared: the log is broken before its record {}",
                seconds(head),
                head.sequence
            ),
            Self::ChainedLater(record) => write!(
                f,
                "{record}: what is before it was written by a version that did not chain records, and is as it was then"
            ),
        }
    }
}

fn seconds(head: &Head) -> String {
    moment(i64::try_from(head.at.saturating_mul(1000)).unwrap_or(i64::MAX))
}

fn moment(millis: i64) -> String {
    let known = u64::try_from(millis).ok().map(Timestamp::from_millis);
    let text = known.and_then(|at| {
        super::super::fields::moment(Some(at))
            .as_str()
            .map(str::to_owned)
    });
    text.unwrap_or_else(|| format!("{millis} ms"))
}
