//! How much memory the processes have, over the run.

use std::{fs, sync::Arc, time::Duration};

use crate::{
    faults::{Moment, Span},
    tally::Violation,
    world::World,
};

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// One look: kilobytes that are resident.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    at: Moment,
    process: u32,
    kilobytes: u64,
}

/// What one process had in two parts of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Course {
    /// In the second quarter, the median, in kilobytes.
    pub(crate) second: u64,
    /// In the last quarter, the median, in kilobytes.
    pub(crate) last: u64,
    /// The most at any time, in kilobytes.
    pub(crate) peak: u64,
}

/// All looks at one process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<Sample>);

impl Samples {
    /// Notes one of the process with this number.
    pub(crate) fn push(&mut self, at: Moment, process: u32, kilobytes: u64) {
        self.0.push(Sample {
            at,
            process,
            kilobytes,
        });
    }

    /// The looks at each process by itself, from its beginning on, with the time that it was seen for: one that is
    /// killed and started again begins anew, and hides what the one before it had gathered.
    pub(crate) fn by_process(&self) -> Vec<(Duration, Self)> {
        let lives = self.0.chunk_by(|one, next| one.process == next.process);
        let alone = lives.map(|life| {
            let began = life[0].at;
            let own = life.iter().map(|sample| Sample {
                at: sample.at.saturating_sub(began),
                ..*sample
            });
            let lasted = life[life.len() - 1].at.saturating_sub(began);
            (lasted, Self(own.collect()))
        });
        alone.collect()
    }

    /// What they say of a run of this length; `None` when it was too short.
    pub(crate) fn course(&self, length: Moment) -> Option<Course> {
        let quarter = length / 4;
        Some(Course {
            second: self.median(quarter, 2 * quarter)?,
            last: self.median(3 * quarter, length)?,
            peak: self.0.iter().map(|sample| sample.kilobytes).max()?,
        })
    }

    fn median(&self, from: Moment, until: Moment) -> Option<u64> {
        let mut inside: Vec<u64> = self
            .0
            .iter()
            .filter(|sample| (from..until).contains(&sample.at))
            .map(|sample| sample.kilobytes)
            .collect();
        inside.sort_unstable();
        inside.get(inside.len() / 2).copied()
    }
}

impl Course {
    /// Whether the last quarter is within the margin: a tenth, and so many kilobytes more.
    pub(crate) fn is_flat(self, margin: u64) -> bool {
        self.last <= self.second + self.second / 10 + margin
    }
}

/// Looks until the run is over.
pub(crate) async fn watch(world: Arc<World>) {
    while !world.is_over() {
        let now = world.now();
        if let Some(kilobytes) = resident(world.envoy_id) {
            world
                .tally()
                .envoy_memory
                .push(now, world.envoy_id, kilobytes);
        } else {
            note_end(&world, now);
        }
        // While it is held, the registry is down.
        if let Ok(mut registry) = world.registry.try_lock() {
            let id = registry.process().id();
            drop(registry);
            if let Some(kilobytes) = resident(id) {
                world.tally().registry_memory.push(now, id, kilobytes);
            }
        }
        tokio::time::sleep(PERIOD).await;
    }
}

fn note_end(world: &World, now: Moment) {
    let span = Span {
        from: now,
        until: now,
    };
    let faults = world.faults().describe(span);
    world.tally().violate(Violation {
        span,
        request: "the gateway".to_owned(),
        expected: "Envoy runs".to_owned(),
        got: "its process is gone".to_owned(),
        faults,
    });
    world.end();
}

/// Kilobytes of a process that are resident; `None` when it is gone.
fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(kilobytes: impl Fn(u64) -> u64) -> Samples {
        let mut samples = Samples::default();
        for second in 0..100 {
            samples.push(Duration::from_secs(second), 1, kilobytes(second));
        }
        samples
    }

    #[test]
    fn a_peak_that_passes_leaves_the_course_flat() {
        let samples = samples(|second| if second == 90 { 9000 } else { 1000 });
        let course = samples
            .course(Duration::from_secs(100))
            .expect("long enough");
        assert_eq!(
            (course.second, course.last, course.peak),
            (1000, 1000, 9000)
        );
        assert!(course.is_flat(0));
    }

    #[test]
    fn each_process_has_a_course_of_its_own() {
        let mut samples = Samples::default();
        for second in 0..200 {
            let process = if second < 100 { 1 } else { 2 };
            samples.push(Duration::from_secs(second), process, 1000 + second % 100);
        }
        let lives = samples.by_process();
        assert_eq!(lives.len(), 2);
        for (length, life) in lives {
            assert_eq!(length, Duration::from_secs(99));
            let course = life.course(length).expect("long enough");
            assert!(course.last > course.second, "{course:?}");
        }
    }

    #[test]
    fn memory_that_grows_all_the_time_is_not_flat() {
        let samples = samples(|second| 1000 + 10 * second);
        let course = samples
            .course(Duration::from_secs(100))
            .expect("long enough");
        assert!(!course.is_flat(100));
    }
}
