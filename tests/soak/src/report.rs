//! The summary.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use crate::{
    bounds::{PROPAGATION, feed_stop},
    enough::processes,
    faults::{FaultLog, Kind},
    judge::Outcome,
    memory::Course,
    tally::{Propagated, Tally},
};

/// How much more memory than a tenth is no growth: VMs come and go, and each has some megabytes.
pub(crate) const MEMORY_MARGIN: u64 = 24 * 1024;

/// The same for one process of the registry, from its second quarter to its last, in kilobytes.
pub(crate) const REGISTRY_MARGIN: u64 = 8 * 1024;

/// How long a process of the registry has to live for its own course to say something.
const A_LIFE: Duration = Duration::from_mins(1);

const OUTCOMES: [(Outcome, &str); 5] = [
    (Outcome::Admitted, "admitted, rightly"),
    (Outcome::Refused, "refused (401), rightly"),
    (Outcome::Unavailable, "503 of the filter, excused"),
    (Outcome::VmTrapped, "503 for a trapped VM, excused"),
    (Outcome::Cut, "connection closed, excused"),
];

/// The table for the end of a run of this length.
pub(crate) fn table(tally: &Tally, faults: &FaultLog, keys: usize, length: Duration) -> String {
    let mut out = String::new();
    requests(&mut out, tally, length);
    changes(&mut out, tally, keys);
    faults_and_stops(&mut out, tally, faults);
    memory(&mut out, tally, length);
    out
}

fn row(out: &mut String, what: &str, value: impl std::fmt::Display) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "  {what:<44} {value}");
}

fn requests(out: &mut String, tally: &Tally, length: Duration) {
    let seconds = length.as_secs().max(1);
    let _ = writeln!(out, "Requests");
    let all = tally.requests();
    row(out, "sent", format!("{all} ({} a second)", all / seconds));
    for (outcome, name) in OUTCOMES {
        row(out, name, tally.with(outcome));
    }
    for (reason, times) in &tally.reasons {
        row(out, &format!("  503 {reason}"), times);
    }
    row(out, "not judged (database rolled back)", tally.left_out);
    row(out, "wrong", tally.violated);
    let looks = tally.looks;
    let share = |part: u64| format!("{} % of the time", 100 * part / looks.all.max(1));
    row(out, "no 503 was excused", share(looks.no_503_excused));
    row(out, "no late change was excused", share(looks.feed_was_due));
}

fn changes(out: &mut String, tally: &Tally, keys: usize) {
    let _ = writeln!(out, "Changes");
    row(out, "keys made", keys);
    row(out, "acknowledged by the registry", tally.changes_made);
    let failed: u64 = tally.changes_failed.values().sum();
    row(out, "given up (no answer, or an error)", failed);
    row(out, "keys left out after the rollback", tally.keys_left_out);
    let mut calm: Vec<Propagated> = tally
        .propagated
        .iter()
        .filter(|change| !change.disturbed)
        .copied()
        .collect();
    calm.sort_unstable_by_key(|change| change.took);
    if let Some(slowest) = calm.last() {
        let at = |percent: usize| calm[(calm.len() - 1) * percent / 100].took;
        let text = format!(
            "{:.1?} median, {:.1?} for 99 % of {}",
            at(50),
            at(99),
            calm.len()
        );
        row(out, "obeyed by every worker, no fault near", text);
        let text = format!("{:.1?}, at {} s", slowest.took, slowest.at.as_secs());
        row(out, "  slowest", text);
        row(out, "  bound", format!("{PROPAGATION:?}"));
    }
    let slowest = tally.propagated.iter().map(|change| change.took).max();
    row(
        out,
        "slowest of all, faults included",
        format!("{:.1?}", slowest.unwrap_or_default()),
    );
}

fn faults_and_stops(out: &mut String, tally: &Tally, faults: &FaultLog) {
    let _ = writeln!(
        out,
        "Faults {:>38} {:>14} {:>14}",
        "times", "feed stopped", "bound"
    );
    let mut times: BTreeMap<Kind, usize> = BTreeMap::new();
    for fault in faults.all() {
        *times.entry(fault.kind).or_default() += 1;
    }
    let stops = longest_stops(&tally.propagated);
    for (kind, times) in times {
        let stop = stops.get(&kind).copied();
        let bound = feed_stop(kind) + PROPAGATION;
        let _ = writeln!(
            out,
            "  {:<36} {times:>6} {:>14} {:>14}",
            kind.name(),
            stop.map_or_else(|| "-".to_owned(), |stop| format!("{stop:.1?}")),
            format!("{bound:.2?}"),
        );
    }
    row(out, "workers trapped", tally.workers_trapped);
    row(out, "leaders trapped", tally.leaders_trapped);
}

/// For each kind the longest time, counted from the end of the fault, that a change still took.
fn longest_stops(propagated: &[Propagated]) -> BTreeMap<Kind, Duration> {
    let mut longest = BTreeMap::new();
    let ended = propagated.iter().filter(|change| !change.during);
    for (kind, took) in ended.filter_map(|change| change.after) {
        let known = longest.entry(kind).or_insert(took);
        *known = (*known).max(took);
    }
    longest
}

fn memory(out: &mut String, tally: &Tally, length: Duration) {
    let _ = writeln!(
        out,
        "Memory (MB resident) {:>24} {:>14} {:>14}",
        "2nd quarter", "last quarter", "peak"
    );
    let lives = registry_lives(tally).into_iter();
    let lives = lives.map(|life| ("  one life of it", life));
    for (name, course) in courses(tally, length).into_iter().chain(lives) {
        let megabytes =
            |kilobytes: u64| format!("{}.{}", kilobytes / 1024, kilobytes % 1024 * 10 / 1024);
        let _ = writeln!(
            out,
            "  {name:<28} {:>14} {:>14} {:>14}",
            megabytes(course.second),
            megabytes(course.last),
            megabytes(course.peak),
        );
    }
}

/// The memory of each process over the whole run.
pub(crate) fn courses(tally: &Tally, length: Duration) -> Vec<(&'static str, Course)> {
    processes(tally)
        .into_iter()
        .filter_map(|(name, samples)| Some((name, samples.course(length)?)))
        .collect()
}

/// The memory of each process that the registry was, from its own beginning on.
pub(crate) fn registry_lives(tally: &Tally) -> Vec<Course> {
    let lives = tally.registry_memory.by_process().into_iter();
    lives
        .filter(|(length, _)| *length >= A_LIFE)
        .filter_map(|(length, samples)| samples.course(length))
        .collect()
}
