use alloc::vec::Vec;
use core::hash::{BuildHasherDefault, Hash, Hasher};
use std::collections::HashMap;

use super::{MAX_TIME_MS, Use, Used};

/// How many different uses one VM counts at most between two merges. A use is different when its credential, version or
/// outcome is.
pub const MAX_COUNTED: usize = 8192;

/// What one VM has counted since it last told the others. Once it has seen what it sees again and again, counting asks for
/// no memory.
#[derive(Debug, Default)]
pub struct Tally {
    counted: HashMap<Used, Times, BuildHasherDefault<Mix>>,
    lost: u64,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    count: u64,
    first_ms: u64,
    last_ms: u64,
}

/// Generated ids are random enough, and nobody can choose them so that they collide: one multiplication suffices, where
/// the standard library's hash would cost a request some percent more.
#[derive(Clone, Copy, Debug, Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
        let mixed = (self.0.rotate_left(23) ^ number).wrapping_mul(ODD);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Hash for Used {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let id = u128::from_le_bytes(self.credential.0);
        let low_half = (id ^ (id >> 64)) & u128::from(u64::MAX);
        let secret = u64::from(self.version) << 8 | u64::from(self.outcome.number());
        state.write_u64(u64::try_from(low_half).unwrap_or(0) ^ secret);
    }
}

impl Tally {
    /// Counts one use at this Unix time in milliseconds.
    pub fn count(&mut self, used: Used, at_ms: u64) {
        let at_ms = at_ms.min(MAX_TIME_MS);
        if let Some(known) = self.counted.get_mut(&used) {
            known.count = known.count.saturating_add(1);
            known.first_ms = known.first_ms.min(at_ms);
            known.last_ms = known.last_ms.max(at_ms);
        } else if self.counted.len() < MAX_COUNTED {
            let first = Times {
                count: 1,
                first_ms: at_ms,
                last_ms: at_ms,
            };
            self.counted.insert(used, first);
        } else {
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counted.is_empty() && self.lost == 0
    }

    /// What was counted, in order.
    #[must_use]
    pub fn uses(&self) -> Vec<Use> {
        let mut uses: Vec<Use> = self
            .counted
            .iter()
            .map(|(used, times)| Use {
                credential: used.credential,
                version: used.version,
                outcome: used.outcome,
                count: times.count,
                first_ms: times.first_ms,
                last_ms: times.last_ms,
            })
            .collect();
        uses.sort_unstable_by_key(Use::used);
        uses
    }

    /// How many uses found no place.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Starts again: what was counted is told.
    pub fn clear(&mut self) {
        self.counted.clear();
        self.lost = 0;
    }
}
