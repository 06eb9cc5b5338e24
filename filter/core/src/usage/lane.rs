use alloc::vec::Vec;
use core::mem;

use super::{LANES, MAX_COUNT, MAX_TIME_MS, MAX_USES, UsageBatch, Use, UseOutcome};
use crate::{
    ids::ObjectId,
    segment::{array, push_short, short_number},
};

/// How many different uses a lane holds at most beside its sealed batch.
pub const MAX_OPEN: usize = 8192;

const HEADER_LENGTH: usize = 40;
const USE_LENGTH: usize = 41;

/// Part of what a gateway's VMs have counted, as it lies in shared data: changed by compare-and-swap alone.
///
/// ```text
/// sequence u64 | lost u64 | sealed sequence u64, 0 for none | sealed lost u64 | sealed u32 | open u32 | uses
/// id 16 bytes | version u32 | outcome u8 | count u64 | first ms 6 bytes | last ms 6 bytes        (little endian)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// That of the batch that was sealed last.
    sequence: u64,
    /// In order, each use once.
    open: Vec<Use>,
    lost: u64,
    sealed: Option<Sealed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Sealed {
    sequence: u64,
    lost: u64,
    uses: Vec<Use>,
}

impl Lane {
    /// An empty lane, made at this Unix time in milliseconds. Its sequences begin there, so that a lane which had to be made
    /// anew begins above all that the registry has seen of it: no batch takes less than a millisecond.
    #[must_use]
    pub const fn made_at(now_ms: u64) -> Self {
        Self {
            sequence: if now_ms < MAX_TIME_MS {
                now_ms
            } else {
                MAX_TIME_MS
            },
            open: Vec::new(),
            lost: 0,
            sealed: None,
        }
    }

    /// Takes in what a VM has counted, `uses` in order and each once. Returns how many uses are lost by this, those that
    /// were `lost` before among them: a lane that is full still counts what it knows.
    pub fn merge(&mut self, uses: &[Use], lost: u64) -> u64 {
        let mut lost = lost;
        let mut room = MAX_OPEN.saturating_sub(self.open.len());
        let mut merged = Vec::with_capacity(self.open.len().saturating_add(uses.len().min(room)));
        let mut known = mem::take(&mut self.open).into_iter().peekable();
        for new in uses {
            while let Some(before) = known.next_if(|own| own.used() < new.used()) {
                merged.push(before);
            }
            if let Some(mut same) = known.next_if(|own| own.used() == new.used()) {
                same.add(new);
                merged.push(same);
            } else if room > 0 {
                room = room.saturating_sub(1);
                merged.push(*new);
            } else {
                lost = lost.saturating_add(new.count);
            }
        }
        merged.extend(known);
        self.open = merged;
        self.lost = self.lost.saturating_add(lost).min(MAX_COUNT);
        lost
    }

    /// Closes a batch, unless one is closed already or there is nothing for one. True when the lane has changed.
    pub fn seal(&mut self) -> bool {
        if self.sealed.is_some() || !self.has_more() {
            return false;
        }
        let uses = self.open.drain(..self.open.len().min(MAX_USES)).collect();
        self.sequence = self.sequence.saturating_add(1);
        self.sealed = Some(Sealed {
            sequence: self.sequence,
            lost: mem::take(&mut self.lost),
            uses,
        });
        true
    }

    /// The batch that is closed, to be sent as it is until the registry has it. `lane` is this lane's number.
    #[must_use]
    pub fn sealed(&self, lane: u8) -> Option<UsageBatch> {
        debug_assert!(lane < LANES);
        self.sealed.as_ref().map(|sealed| UsageBatch {
            lane,
            sequence: sealed.sequence,
            lost: sealed.lost,
            uses: sealed.uses.clone(),
        })
    }

    /// Whether there is something for a further batch.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.open.is_empty() || self.lost > 0
    }

    /// Drops the closed batch, if it is this one: the registry has it. True when the lane has changed.
    pub fn clear(&mut self, sequence: u64) -> bool {
        let is_this = self.sealed.take_if(|sealed| sealed.sequence == sequence);
        is_this.is_some()
    }

    /// Encodes it for shared data.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (sequence, lost, closed) = self
            .sealed
            .as_ref()
            .map_or((0, 0, [].as_slice()), |sealed| {
                (sealed.sequence, sealed.lost, sealed.uses.as_slice())
            });
        let uses = closed.len().saturating_add(self.open.len());
        let length = uses
            .saturating_mul(USE_LENGTH)
            .saturating_add(HEADER_LENGTH);
        let mut bytes = Vec::with_capacity(length);
        for number in [self.sequence, self.lost, sequence, lost] {
            bytes.extend(number.to_le_bytes());
        }
        for count in [closed.len(), self.open.len()] {
            bytes.extend(u32::try_from(count).unwrap_or(0).to_le_bytes());
        }
        for used in closed.iter().chain(&self.open) {
            push_use(used, &mut bytes);
        }
        bytes
    }

    /// Decodes it; `None` when the bytes are not a lane.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let number = |at| array(bytes, at).map(u64::from_le_bytes);
        let count = |at| usize::try_from(u32::from_le_bytes(array(bytes, at)?)).ok();
        let (sequence, closed, open) = (number(16)?, count(32)?, count(36)?);
        let mut uses = bytes.get(HEADER_LENGTH..)?.chunks_exact(USE_LENGTH);
        let is_whole = uses.len() == closed.checked_add(open)? && uses.remainder().is_empty();
        if !is_whole || closed > MAX_USES || open > MAX_OPEN {
            return None;
        }
        let sealed = read_uses(uses.by_ref().take(closed))?;
        Some(Self {
            sequence: number(0)?,
            open: read_uses(uses)?,
            lost: number(8)?.min(MAX_COUNT),
            sealed: (sequence != 0).then_some(Sealed {
                sequence,
                lost: number(24)?.min(MAX_COUNT),
                uses: sealed,
            }),
        })
    }
}

fn push_use(used: &Use, bytes: &mut Vec<u8>) {
    bytes.extend(used.credential.0);
    bytes.extend(used.version.to_le_bytes());
    bytes.push(used.outcome.number());
    bytes.extend(used.count.to_le_bytes());
    push_short::<6>(bytes, used.first_ms);
    push_short::<6>(bytes, used.last_ms);
}

/// `None` unless all can be, and are in order.
fn read_uses<'a>(records: impl Iterator<Item = &'a [u8]>) -> Option<Vec<Use>> {
    let uses = records.map(read_use).collect::<Option<Vec<Use>>>()?;
    uses.is_sorted_by(|one, next| one.used() < next.used())
        .then_some(uses)
}

fn read_use(bytes: &[u8]) -> Option<Use> {
    let used = Use {
        credential: ObjectId(array(bytes, 0)?),
        version: u32::from_le_bytes(array(bytes, 16)?),
        outcome: UseOutcome::from_number(*bytes.get(20)?)?,
        count: u64::from_le_bytes(array(bytes, 21)?),
        first_ms: short_number::<6>(bytes, 29)?,
        last_ms: short_number::<6>(bytes, 35)?,
    };
    ((1..=MAX_COUNT).contains(&used.count) && used.first_ms <= used.last_ms).then_some(used)
}
