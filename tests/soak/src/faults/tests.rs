use super::*;

fn at(seconds: f64) -> Moment {
    Duration::from_secs_f64(seconds)
}

fn log(faults: &[(Kind, f64, Option<f64>)]) -> FaultLog {
    let mut log = FaultLog::default();
    for (kind, began, ended) in faults {
        let number = log.begin(*kind, at(*began));
        if let Some(ended) = ended {
            log.end(number, at(*ended));
        }
    }
    log
}

#[test]
fn without_faults_a_change_is_due_after_the_bound_of_propagation() {
    assert_eq!(log(&[]).deadline(at(10.0)), Some(at(10.0) + PROPAGATION));
}

#[test]
fn while_a_fault_lasts_nothing_is_due() {
    let log = log(&[(Kind::HeldAnswers, 9.0, None)]);
    assert_eq!(log.deadline(at(10.0)), None);
}

#[test]
fn after_a_fault_a_change_is_due_when_the_feed_must_have_come_back() {
    let log = log(&[(Kind::RegistryKilled, 9.0, Some(12.0))]);
    let settled = at(12.0) + feed_stop(Kind::RegistryKilled);
    assert_eq!(log.deadline(at(10.0)), Some(settled + PROPAGATION));
}

#[test]
fn a_fault_that_began_before_the_change_was_through_delays_it() {
    let log = log(&[(Kind::HeldAnswers, 11.0, Some(20.0))]);
    let settled = at(20.0) + feed_stop(Kind::HeldAnswers);
    assert_eq!(log.deadline(at(10.0)), Some(settled + PROPAGATION));
}

#[test]
fn a_fault_that_began_when_the_change_was_due_does_not_delay_it() {
    let log = log(&[(Kind::HeldAnswers, 12.5, None)]);
    assert_eq!(log.deadline(at(10.0)), Some(at(10.0) + PROPAGATION));
}

#[test]
fn a_fault_that_was_settled_before_the_change_does_not_delay_it() {
    let log = log(&[(Kind::HeldAnswers, 1.0, Some(2.0))]);
    assert_eq!(log.deadline(at(100.0)), Some(at(100.0) + PROPAGATION));
}

#[test]
fn faults_one_after_the_other_add_up() {
    let first = at(11.0) + feed_stop(Kind::AnotherModule);
    let log = log(&[
        (Kind::AnotherModule, 10.0, Some(11.0)),
        (Kind::LeaderTraps, (first + at(1.0)).as_secs_f64(), None),
    ]);
    assert_eq!(log.deadline(at(10.5)), None);
}

#[test]
fn only_traps_and_a_gateway_without_listeners_excuse_503() {
    let excused: Vec<Kind> = Kind::ORDINARY
        .into_iter()
        .filter(|kind| {
            let span = Span {
                from: at(2.0),
                until: at(2.0),
            };
            log(&[(*kind, 1.0, None)]).excuse_503(span)
        })
        .collect();
    let expected = [Kind::WorkerTraps, Kind::LeaderTraps, Kind::AllListeners];
    assert_eq!(excused, expected);
}

#[test]
fn an_excuse_ends_some_time_after_the_fault() {
    let log = log(&[(Kind::WorkerTraps, 1.0, Some(2.0))]);
    let request = |from: Moment| Span { from, until: from };
    assert!(!log.excuse_503(request(at(0.5))));
    assert!(log.excuse_503(request(at(2.0) + RELOAD)));
    assert!(!log.excuse_503(request(at(2.1) + RELOAD)));
    assert!(!log.excuse_cut(request(at(1.5))));
}

#[test]
fn an_error_of_the_registry_needs_a_fault_of_the_registry_itself() {
    let excuse = |kind, status, seconds| {
        let span = Span {
            from: at(seconds),
            until: at(seconds),
        };
        log(&[(kind, 10.0, Some(12.0))]).excuse_registry(status, span)
    };
    for kind in [
        Kind::RegistryFrozen,
        Kind::RegistryKilled,
        Kind::DatabaseRolledBack,
    ] {
        assert!(!excuse(kind, None, 9.0));
        assert!(excuse(kind, None, 11.0));
        assert!(excuse(kind, Some(500), 13.0));
        assert!(!excuse(kind, Some(500), 13.5));
    }
    // The proxy that breaks answers stands before the gateway's feed, not before the registry's API.
    for kind in [Kind::ErrorAnswers, Kind::GatewayFrozen] {
        assert!(!excuse(kind, Some(500), 11.0), "{kind:?}");
    }
}

#[test]
fn what_was_made_since_the_copy_may_be_unknown_for_longer() {
    let excuse = |kind, status| {
        let span = Span {
            from: at(20.0),
            until: at(20.0),
        };
        log(&[(kind, 10.0, Some(12.0))]).excuse_registry(Some(status), span)
    };
    assert!(excuse(Kind::DatabaseRolledBack, 404));
    assert!(!excuse(Kind::DatabaseRolledBack, 500));
    assert!(!excuse(Kind::RegistryKilled, 404));
}
