//! Chance that can be had again: everything that a run chooses follows from its seed.

use std::time::Duration;

/// A stream of numbers (`SplitMix64`). Good enough to choose by, and for nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A stream of its own for one part of the run, so that the parts do not change each other's choices.
    pub(crate) fn for_part(seed: u64, part: &str, number: usize) -> Self {
        let mut own = Self(seed ^ number as u64);
        for byte in part.bytes() {
            own.0 = own.next() ^ u64::from(byte);
        }
        own
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a size");
        usize::try_from(self.next() % end).expect("below a size")
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// A time between these, in milliseconds.
    pub(crate) fn between_ms(&mut self, shortest: usize, longest: usize) -> Duration {
        let more = self.below(longest - shortest + 1);
        Duration::from_millis((shortest + more) as u64)
    }

    /// One of them; `None` when there is none.
    pub(crate) fn choose<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        (!all.is_empty()).then(|| &all[self.below(all.len())])
    }

    /// Puts them in another order.
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last + 1));
        }
    }
}
