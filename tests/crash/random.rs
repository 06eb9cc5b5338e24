//! Chance that can be had again: everything that a run chooses follows from its seed.

use std::time::Duration;

/// A stream of numbers (`SplitMix64`). Good enough to choose by, and for nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// A stream of its own for one part of the run.
    pub(crate) fn new(seed: u64, part: u64) -> Self {
        let mut own = Self(seed ^ part.rotate_left(32));
        own.0 = own.next();
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
        usize::try_from(self.next() % end as u64).expect("below a size")
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// A time up to this, in milliseconds.
    pub(crate) fn up_to_ms(&mut self, longest: usize) -> Duration {
        Duration::from_micros(self.below(longest * 1000) as u64)
    }

    /// One of them; `None` when there is none.
    pub(crate) fn choose<T>(&mut self, all: impl IntoIterator<Item = T>) -> Option<T> {
        let mut all: Vec<T> = all.into_iter().collect();
        (!all.is_empty()).then(|| all.swap_remove(self.below(all.len())))
    }

    /// A value that nobody else has, of this many hexadecimal digits times 16.
    pub(crate) fn text(&mut self, parts: usize) -> String {
        let parts = (0..parts).map(|_| format!("{:016x}", self.next()));
        parts.collect::<Vec<_>>().concat()
    }
}
