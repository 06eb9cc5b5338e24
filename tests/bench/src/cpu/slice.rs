//! Short slices of load in random order, round after round.

use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    cpu::counter::{self, Machine},
    load::{
        Seen, Traffic,
        h2load::{self, Pace},
        wrk,
    },
    random::Random,
    report::{Failed, progress},
};

/// A slice in which the hypervisor took more than this share of one processor's time is dropped and counted. The kernel
/// counts it in hundredths of a second: in half a second two of them are allowed.
pub const MAX_STOLEN: f64 = 0.04;

/// A slice that took longer than its plan by this factor and this many seconds is dropped as well: the generator was not
/// stopped, or the machine stood still.
const LATE: (f64, f64) = (1.5, 0.5);

/// A load generator that used a larger share of a processor than this may have been what was slow.
pub const BUSY: f64 = 0.95;

/// A slice with fewer answers is dropped as well: the generator had hardly begun.
pub const FEW: u64 = 100;

/// Other work than the measured took more than this share of one processor: it fills the caches that are shared, and takes
/// Envoy off its processor. Such slices are kept, and counted in the report.
pub const DISTURBED: f64 = 0.25;

/// With which generator a lane is loaded.
#[derive(Clone, Copy, Debug)]
pub enum Generator {
    /// HTTP/1.1 over so many connections.
    Wrk(u32),
    /// HTTP/2 with so many streams over one connection.
    H2load(u32),
    /// HTTP/1.1 at a rate that is the same for all.
    Fixed {
        /// Requests per second over all connections.
        rate: u32,
        /// Connections.
        connections: u32,
    },
}

/// What is measured: an Envoy under one kind of traffic.
#[derive(Clone, Debug)]
pub struct Lane {
    /// In the report.
    pub name: String,
    /// Envoy.
    pub process: u32,
    /// The process that it asks, when it has one.
    pub companion: Option<u32>,
    /// Every process of the run besides Envoy: what they spend is no disturbance.
    pub around: Vec<u32>,
    /// What it gets.
    pub traffic: Traffic,
    /// From what.
    pub generator: Generator,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Slices per lane.
    pub rounds: usize,
    /// Of each.
    pub slice: Duration,
}

/// What came out for a lane, round by round; `None` where the slice was dropped.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// Envoy's microseconds for a request.
    pub envoy: Vec<Option<f64>>,
    /// Envoy's and its companion's.
    pub together: Vec<Option<f64>>,
    /// Slices that were dropped.
    pub dropped: usize,
    /// Of the slices in which the generator was [`BUSY`].
    pub busy: usize,
    /// Of the slices in which other work was [`DISTURBED`].
    pub disturbed: usize,
}

/// Measures all lanes side by side: in each round every lane once, in random order.
pub fn measure(lanes: &[Lane], plan: Plan, folder: &Path) -> Result<Vec<Track>, Failed> {
    let mut tracks = vec![Track::default(); lanes.len()];
    let mut random = Random::new(1);
    // Connections, caches and branch predictors are the warmer for a first slice that nobody counts.
    for lane in lanes {
        run(lane, plan.slice / 2, 0, folder)?;
    }
    for round in 0..plan.rounds {
        let mut order: Vec<usize> = (0..lanes.len()).collect();
        random.shuffle(&mut order);
        // The same draws for all lanes of a round, others in each round.
        let seed = random.number() >> 32;
        for place in order {
            tracks[place].add(&run(&lanes[place], plan.slice, seed, folder)?);
        }
        if (round + 1).is_multiple_of(10) {
            progress(&format!("  round {} of {}", round + 1, plan.rounds));
        }
    }
    Ok(tracks)
}

struct Slice {
    seen: Seen,
    envoy: u64,
    companion: u64,
    /// As a share of one processor.
    stolen: f64,
    /// Whether it took far longer than planned.
    late: bool,
    /// Of the load generator, as a share of one processor.
    busy: f64,
    /// Of all else, likewise.
    other: f64,
}

fn run(lane: &Lane, duration: Duration, seed: u64, folder: &Path) -> Result<Slice, Failed> {
    let earlier = Counted::now(lane)?;
    let started = Instant::now();
    let answers = match lane.generator {
        Generator::Wrk(connections) => {
            wrk::run(&lane.traffic, connections, duration, seed, folder)?
        }
        Generator::H2load(streams) => {
            let pace = Pace::Streams(streams);
            h2load::run(&lane.traffic, pace, duration, seed, folder)?.seen
        }
        Generator::Fixed { rate, connections } => {
            let pace = Pace::Fixed { rate, connections };
            h2load::run(&lane.traffic, pace, duration, seed, folder)?.seen
        }
    };
    let elapsed = started.elapsed().as_secs_f64();
    let later = Counted::now(lane)?;
    answers.verify(&lane.traffic)?;
    let (envoy, around) = (later.envoy - earlier.envoy, later.around - earlier.around);
    let generator = later.children - earlier.children;
    let known = (envoy + around) as f64 / 1e9 + generator;
    Ok(Slice {
        seen: answers,
        envoy,
        companion: later.companion - earlier.companion,
        stolen: later.machine.stolen_since(earlier.machine) / elapsed,
        late: elapsed > duration.as_secs_f64() * LATE.0 + LATE.1,
        busy: generator / elapsed,
        other: (later.machine.busy_since(earlier.machine) - known) / elapsed,
    })
}

struct Counted {
    machine: Machine,
    /// Seconds of the load generators.
    children: f64,
    envoy: u64,
    companion: u64,
    around: u64,
}

impl Counted {
    fn now(lane: &Lane) -> Result<Self, Failed> {
        let around = lane.around.iter().map(|process| counter::ran(*process));
        Ok(Self {
            machine: Machine::now()?,
            children: counter::children()?,
            around: around.sum::<Result<u64, Failed>>()?,
            companion: lane.companion.map_or(Ok(0), counter::ran)?,
            envoy: counter::ran(lane.process)?,
        })
    }
}

impl Track {
    fn add(&mut self, slice: &Slice) {
        let kept = slice.stolen <= MAX_STOLEN && slice.seen.answered >= FEW && !slice.late;
        let micros = |nanoseconds: u64| {
            let per_request = nanoseconds as f64 / slice.seen.answered as f64 / 1000.0;
            kept.then_some(per_request)
        };
        self.envoy.push(micros(slice.envoy));
        self.together.push(micros(slice.envoy + slice.companion));
        self.dropped += usize::from(!kept);
        self.busy += usize::from(slice.busy > BUSY);
        self.disturbed += usize::from(slice.other > DISTURBED);
    }

    /// What happened in some slices, in words.
    pub fn remarks(&self) -> String {
        let remarks = [
            (self.dropped, " dropped"),
            (self.disturbed, " with other work beside it"),
            (self.busy, " with a busy load generator"),
        ];
        let mut text = String::new();
        for (count, what) in remarks.into_iter().filter(|(count, _)| *count > 0) {
            write!(text, ", {count}{what}").expect("a text takes everything");
        }
        text
    }

    /// The slices that were kept.
    pub fn kept(&self) -> Vec<f64> {
        self.envoy.iter().copied().flatten().collect()
    }
}
