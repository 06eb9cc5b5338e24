//! When a gateway acknowledged which position in the log.

use std::collections::VecDeque;

use crate::clock::Timestamp;

/// Acknowledgements that are remembered of one gateway.
const REMEMBERED: usize = 64;

/// The last acknowledgements of one start of a gateway.
#[derive(Clone, Debug, Default)]
pub(super) struct Acknowledged {
    /// Up to here it is not known when.
    unknown_to: u64,
    /// Rising in both.
    known: VecDeque<(u64, Timestamp)>,
}

impl Acknowledged {
    /// Of a gateway that had this position before.
    pub(super) const fn since(revision: u64) -> Self {
        Self {
            unknown_to: revision,
            known: VecDeque::new(),
        }
    }

    pub(super) fn note(&mut self, revision: u64, at: Timestamp) {
        let last = self.known.back().map_or(self.unknown_to, |last| last.0);
        if revision <= last {
            return;
        }
        self.known.push_back((revision, at));
        if self.known.len() > REMEMBERED
            && let Some((revision, _)) = self.known.pop_front()
        {
            self.unknown_to = revision;
        }
    }

    /// When the position was reached; `None` if it was not, or if that is not known any more.
    pub(super) fn at(&self, revision: u64) -> Option<Timestamp> {
        if revision <= self.unknown_to {
            return None;
        }
        let reached = self.known.iter().find(|known| known.0 >= revision);
        reached.map(|known| known.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_position_was_reached_with_the_first_that_is_not_before_it() {
        let mut acknowledged = Acknowledged::since(10);
        for (revision, millis) in [(12, 100), (12, 150), (15, 200), (11, 300)] {
            acknowledged.note(revision, at(millis));
        }
        for (revision, reached) in [
            (10, None),
            (11, Some(100)),
            (12, Some(100)),
            (13, Some(200)),
            (15, Some(200)),
            (16, None),
        ] {
            assert_eq!(acknowledged.at(revision), reached.map(at), "{revision}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut acknowledged = Acknowledged::default();
        for revision in 1..=1000 {
            acknowledged.note(revision, at(revision));
        }
        assert_eq!(acknowledged.known.len(), REMEMBERED);
        assert_eq!(acknowledged.at(1000), Some(at(1000)));
        assert_eq!(acknowledged.at(937), Some(at(937)));
        assert_eq!(acknowledged.at(936), None, "not known any more");
    }
}
