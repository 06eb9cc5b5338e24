//! Whether a run has tested anything: a run in which nothing happened, or everything was excused, finds nothing wrong.

use std::time::Duration;

use crate::{
    faults::{FaultLog, Kind},
    judge::Outcome,
    memory::Samples,
    tally::Tally,
};

#[cfg(test)]
mod tests;

/// How much of the run, in percent, nothing may excuse a 503, and nothing a late change.
const NO_503_EXCUSED: u64 = 50;
const FEED_DUE: u64 = 20;
/// In so many seconds at least one, on average: an admitted request, a refused one, an acknowledged change, and a change
/// that was followed to every worker while no fault was near. A run makes five times as many on a busy machine.
const PER_ADMITTED: f64 = 0.1;
const PER_REFUSED: f64 = 0.1;
const PER_CHANGE: f64 = 1.0;
const PER_FOLLOWED: f64 = 5.0;
/// From this length on every kind of fault has its turn.
const HAS_EVERY_FAULT: Duration = Duration::from_mins(10);

/// What is missing, each in a few words; nothing when the run was worth something.
pub(crate) fn missing(tally: &Tally, faults: &FaultLog, length: Duration) -> Vec<String> {
    let mut missing = Vec::new();
    let looks = tally.looks;
    for (what, seen, needed) in [
        ("no 503 was excused", looks.no_503_excused, NO_503_EXCUSED),
        ("no late change was excused", looks.feed_was_due, FEED_DUE),
    ] {
        if looks.all == 0 || 100 * seen < needed * looks.all {
            let share = 100 * seen / looks.all.max(1);
            missing.push(format!("{what} for {share} % of the time, not {needed} %"));
        }
    }
    counts(&mut missing, tally, length);
    kinds(&mut missing, tally, faults, length);
    for (name, samples) in processes(tally) {
        if samples.course(length).is_none() {
            missing.push(format!("the memory of {name} was not seen in two quarters"));
        }
    }
    missing
}

fn counts(missing: &mut Vec<String>, tally: &Tally, length: Duration) {
    let followed = tally.propagated.iter().filter(|change| !change.disturbed);
    for (what, seen, seconds) in [
        (
            "requests admitted",
            tally.with(Outcome::Admitted),
            PER_ADMITTED,
        ),
        (
            "requests refused",
            tally.with(Outcome::Refused),
            PER_REFUSED,
        ),
        ("changes acknowledged", tally.changes_made, PER_CHANGE),
        (
            "changes followed to every worker with no fault near",
            followed.count() as u64,
            PER_FOLLOWED,
        ),
    ] {
        let needed = Duration::from_secs_f64(seconds);
        let least = (length.as_millis() / needed.as_millis()).max(1);
        if u128::from(seen) < least {
            missing.push(format!("{seen} {what}, not {least}"));
        }
    }
}

fn kinds(missing: &mut Vec<String>, tally: &Tally, faults: &FaultLog, length: Duration) {
    let was_made = |kind| faults.all().iter().any(|fault| fault.kind == kind);
    if length >= HAS_EVERY_FAULT {
        let all = Kind::ORDINARY.into_iter().chain([Kind::DatabaseRolledBack]);
        missing.extend(
            all.filter(|kind| !was_made(*kind))
                .map(|kind| format!("never made: {}", kind.name())),
        );
    }
    for (kind, trapped) in [
        (Kind::WorkerTraps, tally.workers_trapped),
        (Kind::LeaderTraps, tally.leaders_trapped),
    ] {
        if was_made(kind) && trapped == 0 {
            missing.push(format!("{}, but no VM did", kind.name()));
        }
    }
}

/// The processes whose memory is watched.
pub(crate) fn processes(tally: &Tally) -> [(&'static str, &Samples); 2] {
    [
        ("Envoy", &tally.envoy_memory),
        ("registry", &tally.registry_memory),
    ]
}
