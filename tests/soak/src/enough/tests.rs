use super::*;
use crate::tally::{Class, Propagated};

const LENGTH: Duration = Duration::from_secs(100);

/// A run that saw enough of everything that is counted.
fn good_run() -> Tally {
    let mut tally = Tally::default();
    for second in 0..100 {
        let at = Duration::from_secs(second);
        tally.note_look(true, false);
        tally.changes_made += 8;
        for _ in 0..20 {
            tally.note(Class::Steady, Outcome::Admitted, "");
            tally.note(Class::Gone, Outcome::Refused, "");
        }
        tally.propagated.push(Propagated {
            at,
            took: Duration::from_millis(5),
            after: None,
            during: false,
            disturbed: false,
        });
        tally.envoy_memory.push(at, 1, 1000);
        tally.registry_memory.push(at, 2, 1000);
    }
    tally
}

fn missing_after(spoil: impl FnOnce(&mut Tally)) -> Vec<String> {
    let mut tally = good_run();
    spoil(&mut tally);
    missing(&tally, &FaultLog::default(), LENGTH)
}

fn log(kinds: &[Kind]) -> FaultLog {
    let mut log = FaultLog::default();
    for kind in kinds {
        log.begin(*kind, Duration::ZERO);
    }
    log
}

#[test]
fn a_run_that_saw_enough_of_everything_misses_nothing() {
    assert_eq!(missing_after(|_| {}), Vec::<String>::new());
}

#[test]
fn a_run_in_which_nothing_happened_misses_everything() {
    let found = missing(&Tally::default(), &FaultLog::default(), LENGTH);
    assert_eq!(found.len(), 8, "{found:#?}");
}

#[test]
fn a_run_that_was_excused_nearly_all_the_time_is_not_enough() {
    let looks = |due, excused| {
        missing_after(|tally| {
            for _ in 0..900 {
                tally.note_look(due, excused);
            }
        })
    };
    assert_eq!(
        looks(false, false),
        ["no late change was excused for 10 % of the time, not 20 %"]
    );
    assert_eq!(
        looks(true, true),
        ["no 503 was excused for 10 % of the time, not 50 %"]
    );
}

#[test]
fn changes_that_were_only_followed_near_faults_are_not_enough() {
    let found = missing_after(|tally| {
        for change in &mut tally.propagated[10..] {
            change.disturbed = true;
        }
    });
    let expected = "10 changes followed to every worker with no fault near, not 20";
    assert_eq!(found, [expected]);
}

#[test]
fn a_run_without_changes_or_without_the_memory_of_a_process_is_not_enough() {
    let found = missing_after(|tally| {
        tally.changes_made = 99;
        tally.registry_memory = Samples::default();
    });
    let expected = [
        "99 changes acknowledged, not 100",
        "the memory of registry was not seen in two quarters",
    ];
    assert_eq!(found, expected);
}

#[test]
fn traps_that_trap_nobody_are_not_enough() {
    let tally = good_run();
    let faults = log(&[Kind::WorkerTraps, Kind::LeaderTraps]);
    let expected = ["worker traps, but no VM did", "leader traps, but no VM did"];
    assert_eq!(missing(&tally, &faults, LENGTH), expected);
}

#[test]
fn a_long_run_needs_every_kind_of_fault() {
    let mut tally = good_run();
    (tally.workers_trapped, tally.leaders_trapped) = (1, 1);
    let mut faults = log(&Kind::ORDINARY);
    let mut found = Vec::new();
    kinds(&mut found, &tally, &faults, HAS_EVERY_FAULT);
    assert_eq!(found, ["never made: database rolled back"]);
    faults.begin(Kind::DatabaseRolledBack, Duration::ZERO);
    found.clear();
    kinds(&mut found, &tally, &faults, HAS_EVERY_FAULT);
    assert_eq!(found, Vec::<String>::new());
}
