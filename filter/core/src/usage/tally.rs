use alloc::vec::Vec;
use core::hash::BuildHasherDefault;
use std::{collections::HashMap, hash::DefaultHasher};

use super::{MAX_TIME_MS, Use, Used};

/// How many different uses one VM counts at most between two merges. A use is different when its credential, version or
/// outcome is.
pub const MAX_COUNTED: usize = 8192;

/// What one VM has counted since it last told the others. Once it has seen what it sees again and again, counting asks for
/// no memory.
#[derive(Debug, Default)]
pub struct Tally {
    // The keys are the registry's own: nobody can choose them so that they collide.
    counted: HashMap<Used, Times, BuildHasherDefault<DefaultHasher>>,
    lost: u64,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    count: u64,
    first_ms: u64,
    last_ms: u64,
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
