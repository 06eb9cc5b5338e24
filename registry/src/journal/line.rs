//! One line: what it says, in JSON, and a tag over that and over the tag of the line before.

use serde::{Deserialize, Serialize};

use super::{CutOff, Revocation, Revoked, Switch, Turn};
use crate::{clock::Timestamp, secrets::Keys};

/// The layout of a journal.
const FORMAT: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    keysmith_journal: u32,
    /// Random, so that no two journals are taken for each other.
    journal: String,
    /// Unix milliseconds.
    began_at: u64,
}

/// Every further line. What does not belong there fails its tag.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// Counting from 1.
    number: u64,
    /// Unix milliseconds.
    at: u64,
    revision: u64,
    #[serde(flatten)]
    said: Said,
}

/// What a line says besides: that something was revoked, which way it was switched or turned, or from when on tokens count.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Said {
    Revoked {
        revoked: String,
    },
    Switched {
        switched: String,
        enabled: bool,
        count: u64,
    },
    Turned {
        turned: String,
        /// Unix milliseconds.
        until: Option<u64>,
        count: u64,
    },
    CutOff {
        cut_off: String,
        /// Unix milliseconds.
        from: u64,
    },
}

/// The lines so far, as far as the next one has to know them.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    tag: [u8; 32],
    number: u64,
}

impl Header {
    pub(super) fn new(id: [u8; 16], began_at: Timestamp) -> Self {
        Self {
            keysmith_journal: FORMAT,
            journal: format!("{:032x}", u128::from_be_bytes(id)),
            began_at: began_at.as_millis(),
        }
    }

    /// The journal's own id.
    pub(super) fn id(&self) -> Option<[u8; 16]> {
        let known = self.keysmith_journal == FORMAT && self.journal.len() == 32;
        let id = u128::from_str_radix(&self.journal, 16).ok();
        id.filter(|_| known).map(u128::to_be_bytes)
    }
}

impl Chain {
    /// Before the first line.
    pub(super) const fn new() -> Self {
        Self {
            tag: [0; 32],
            number: 0,
        }
    }

    /// How many revocations there were.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The text of the first line.
    pub(super) fn begin(&mut self, keys: &Keys, header: &Header) -> String {
        self.write(keys, &serde_json::to_string(header).unwrap_or_default())
    }

    /// The text of the line for one more revocation.
    pub(super) fn add(&mut self, keys: &Keys, revocation: &Revocation) -> String {
        self.number = self.number.saturating_add(1);
        let entry = Entry {
            number: self.number,
            at: revocation.at.as_millis(),
            revision: revocation.revision,
            said: revocation.what.into(),
        };
        // Plain values do not fail to be written; an empty line would be found when it is read.
        self.write(keys, &serde_json::to_string(&entry).unwrap_or_default())
    }

    fn write(&mut self, keys: &Keys, said: &str) -> String {
        self.tag = keys.journal_tag(&self.tag, said.as_bytes());
        let [high, low] = halves(self.tag);
        format!("{said} {high:032x}{low:032x}\n")
    }

    /// Reads the first line, without its end.
    pub(super) fn read_header(&mut self, keys: &Keys, line: &str) -> Option<Header> {
        let header: Header = serde_json::from_str(self.check(keys, line)?).ok()?;
        header.id().map(|_| header)
    }

    /// Reads a further line, without its end.
    pub(super) fn read(&mut self, keys: &Keys, line: &str) -> Option<Revocation> {
        let entry: Entry = serde_json::from_str(self.check(keys, line)?).ok()?;
        let what = entry.said.read()?;
        self.number = self.number.saturating_add(1);
        (entry.number == self.number).then_some(Revocation {
            what,
            at: Timestamp::from_millis(entry.at),
            revision: entry.revision,
        })
    }

    fn check<'a>(&mut self, keys: &Keys, line: &'a str) -> Option<&'a str> {
        let (said, tag) = line.rsplit_once(' ')?;
        let expected = keys.journal_tag(&self.tag, said.as_bytes());
        let [high, low] = halves(expected);
        self.tag = expected;
        // What is compared lies beside it in the same file: it is no secret, and its bytes may take different times.
        (format!("{high:032x}{low:032x}") == tag).then_some(said)
    }
}

impl From<Revoked> for Said {
    fn from(what: Revoked) -> Self {
        match what {
            Revoked::Switched(switch) => Self::Switched {
                switched: switch.what.to_string(),
                enabled: switch.enabled,
                count: switch.count,
            },
            Revoked::Turned(turn) => Self::Turned {
                turned: turn.secret.to_string(),
                until: turn.until.map(Timestamp::as_millis),
                count: turn.count,
            },
            Revoked::CutOff(cut_off) => Self::CutOff {
                cut_off: cut_off.credential.to_string(),
                from: cut_off.from.as_millis(),
            },
            what => Self::Revoked {
                revoked: what.to_string(),
            },
        }
    }
}

impl Said {
    fn read(self) -> Option<Revoked> {
        match self {
            Self::Revoked { revoked } => revoked.parse().ok(),
            Self::Switched {
                switched,
                enabled,
                count,
            } => Some(Revoked::Switched(Switch {
                what: switched.parse().ok()?,
                enabled,
                count,
            })),
            Self::Turned {
                turned,
                until,
                count,
            } => Some(Revoked::Turned(Turn {
                secret: turned.parse().ok()?,
                until: until.map(Timestamp::from_millis),
                count,
            })),
            Self::CutOff { cut_off, from } => Some(Revoked::CutOff(CutOff {
                credential: cut_off.parse().ok()?,
                from: Timestamp::from_millis(from),
            })),
        }
    }
}

fn halves(tag: [u8; 32]) -> [u128; 2] {
    let mut halves = [0; 2];
    for (half, bytes) in halves.iter_mut().zip(tag.as_chunks::<16>().0) {
        *half = u128::from_be_bytes(*bytes);
    }
    halves
}
