//! Which faults a run makes, and when: all of it follows from the seed.

use std::time::Duration;

use crate::{faults::Kind, random::Random};

/// One fault, or two at a time.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// How long nothing is broken before.
    pub(crate) calm: Duration,
    /// What is broken.
    pub(crate) kinds: Vec<Kind>,
    /// For how long, where that is for the soak to choose.
    pub(crate) lasts: Duration,
}

/// An endless list of steps, in which every kind comes before any comes again.
#[derive(Debug)]
pub(crate) struct Plan {
    random: Random,
    bag: Vec<Kind>,
}

impl Plan {
    /// The plan of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::for_part(seed, "plan", 0),
            bag: Vec::new(),
        }
    }

    fn draw(&mut self) -> Kind {
        if self.bag.is_empty() {
            self.bag = Kind::ORDINARY.to_vec();
            self.random.shuffle(&mut self.bag);
        }
        self.bag.pop().expect("just filled")
    }

    /// Now and then the next fault meets what the last one left; mostly everything has to be right again in between.
    fn calm(&mut self) -> Duration {
        if self.random.percent(30) {
            self.random.between_ms(500, 4000)
        } else {
            self.random.between_ms(8000, 20_000)
        }
    }

    /// A second fault that can be made at the same time: one is in Envoy, the other in what answers it.
    fn draw_another(&mut self, first: Kind) -> Option<Kind> {
        let at = self
            .bag
            .iter()
            .position(|kind| kind.is_in_envoy() != first.is_in_envoy())?;
        Some(self.bag.swap_remove(at))
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let first = self.draw();
        let second = if self.random.percent(30) {
            self.draw_another(first)
        } else {
            None
        };
        Some(Step {
            calm: self.calm(),
            kinds: [first].into_iter().chain(second).collect(),
            lasts: self.random.between_ms(300, 4000),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_faults() {
        let steps = |seed| {
            let steps: Vec<String> = Plan::new(seed)
                .take(40)
                .map(|step| format!("{step:?}"))
                .collect();
            steps
        };
        assert_eq!(steps(1), steps(1));
        assert_ne!(steps(1), steps(2));
    }

    #[test]
    fn every_kind_comes_before_any_comes_again() {
        let mut kinds: Vec<Kind> = Plan::new(7)
            .flat_map(|step| step.kinds)
            .take(Kind::ORDINARY.len())
            .collect();
        kinds.sort_unstable();
        assert_eq!(kinds, Kind::ORDINARY);
    }

    #[test]
    fn two_faults_at_a_time_do_not_get_in_each_others_way() {
        for step in Plan::new(7).take(200) {
            if let [first, second] = step.kinds[..] {
                assert_ne!(first.is_in_envoy(), second.is_in_envoy());
            }
        }
    }
}
