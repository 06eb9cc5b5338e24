use std::time::Duration;

use super::*;
use crate::faults::{Kind, Moment};

const OWNER: &str = "jack";

fn at(seconds: u64) -> Moment {
    Duration::from_secs(seconds)
}

fn answered(status: u16) -> Answered {
    Answered {
        status: Some(status),
        consumer: if status == 200 { OWNER } else { "" }.to_owned(),
        ..Answered::default()
    }
}

fn unavailable_because(details: &str, has_retry_after: bool) -> Answered {
    Answered {
        details: details.to_owned(),
        has_retry_after,
        ..answered(503)
    }
}

/// A key that was made long ago, and deleted at 100.
fn deleted_key() -> History {
    let mut history = History::new();
    let made = history.begin(true, at(1));
    history.acknowledge(made, at(1));
    let deleted = history.begin(false, at(100));
    history.acknowledge(deleted, at(100));
    history
}

fn judged(
    asked: Asked<'_>,
    answered: &Answered,
    moment: Moment,
    order: &mut Order,
    faults: &FaultLog,
) -> Result<Outcome, &'static str> {
    let span = Span {
        from: moment,
        until: moment,
    };
    judge(asked, answered, span, order, faults).map_err(|wrong| wrong.expected)
}

fn by_key(history: &History) -> Asked<'_> {
    Asked::Key {
        key: 7,
        owner: OWNER,
        history,
    }
}

fn alone(asked: Asked<'_>, answered: &Answered, moment: Moment) -> Result<Outcome, &'static str> {
    let mut order = Order::default();
    judged(asked, answered, moment, &mut order, &FaultLog::default())
}

#[test]
fn a_good_key_is_admitted_and_never_refused() {
    let history = deleted_key();
    let key = by_key(&history);
    assert_eq!(alone(key, &answered(200), at(50)), Ok(Outcome::Admitted));
    assert!(alone(key, &answered(401), at(50)).is_err());
}

#[test]
fn a_deleted_key_is_refused_and_never_admitted() {
    let history = deleted_key();
    let key = by_key(&history);
    assert_eq!(alone(key, &answered(401), at(150)), Ok(Outcome::Refused));
    assert!(alone(key, &answered(200), at(150)).is_err());
}

#[test]
fn another_identity_is_wrong_although_the_key_is_good() {
    let history = deleted_key();
    let other = Answered {
        consumer: "rose".to_owned(),
        ..answered(200)
    };
    assert!(alone(by_key(&history), &other, at(50)).is_err());
}

#[test]
fn strangers_are_refused() {
    assert_eq!(
        alone(Asked::Stranger, &answered(401), at(50)),
        Ok(Outcome::Refused)
    );
    assert!(alone(Asked::Stranger, &answered(200), at(50)).is_err());
}

#[test]
fn a_worker_that_has_refused_a_deleted_key_never_admits_it_again() {
    let history = deleted_key();
    let key = by_key(&history);
    let faults = FaultLog::default();
    let mut order = Order::default();
    // Either answer is right while the deletion is on its way, but not in this order.
    let moment = at(101);
    assert_eq!(
        judged(key, &answered(200), moment, &mut order, &faults),
        Ok(Outcome::Admitted)
    );
    assert_eq!(
        judged(key, &answered(401), moment, &mut order, &faults),
        Ok(Outcome::Refused)
    );
    assert!(judged(key, &answered(200), moment, &mut order, &faults).is_err());
    // Another worker may not know yet.
    let mut other = Order::default();
    assert_eq!(
        judged(key, &answered(200), moment, &mut other, &faults),
        Ok(Outcome::Admitted)
    );
}

#[test]
fn a_503_needs_an_excuse_a_reason_and_the_filters_a_time_to_try_again() {
    let mut faults = FaultLog::default();
    faults.begin(Kind::WorkerTraps, at(40));
    let mut order = Order::default();
    let mut during = |answer: &Answered| {
        judged(Asked::Stranger, answer, at(50), &mut order, &faults).map_err(|_| ())
    };
    let of_envoy = unavailable_because("wasm_fail_stream", false);
    let of_filter = unavailable_because("keysmith_snapshot_never_complete", true);
    let unkind = unavailable_because("keysmith_snapshot_never_complete", false);
    let unknown = unavailable_because("overload", true);
    assert_eq!(during(&of_envoy), Ok(Outcome::VmTrapped));
    assert_eq!(during(&of_filter), Ok(Outcome::Unavailable));
    assert_eq!(during(&unkind), Err(()));
    assert_eq!(during(&unknown), Err(()));
    assert!(alone(Asked::Stranger, &of_envoy, at(50)).is_err());
}

#[test]
fn no_answer_is_right_only_while_listeners_move() {
    let none = Answered::default();
    assert!(alone(Asked::Stranger, &none, at(50)).is_err());
    let mut faults = FaultLog::default();
    faults.begin(Kind::ListenerUpdate, at(40));
    let mut order = Order::default();
    assert_eq!(
        judged(Asked::Stranger, &none, at(50), &mut order, &faults),
        Ok(Outcome::Cut)
    );
}

#[test]
fn other_answers_are_wrong_whatever_happens() {
    let mut faults = FaultLog::default();
    for kind in Kind::ORDINARY {
        faults.begin(kind, at(40));
    }
    let mut order = Order::default();
    for status in [400, 403, 404, 500, 502, 504] {
        let judged = judged(
            Asked::Stranger,
            &answered(status),
            at(50),
            &mut order,
            &faults,
        );
        assert!(judged.is_err(), "{status}");
    }
}

#[test]
fn a_right_answer_may_be_late_only_near_a_fault() {
    let judged = |lasted: Duration, faults: &FaultLog| {
        let span = Span {
            from: at(50),
            until: at(50) + lasted,
        };
        let mut order = Order::default();
        judge(Asked::Stranger, &answered(401), span, &mut order, faults).is_ok()
    };
    let late = ANSWER + Duration::from_millis(1);
    let mut faults = FaultLog::default();
    assert!(judged(ANSWER, &faults));
    assert!(!judged(late, &faults));
    faults.begin(Kind::GatewayFrozen, at(51));
    assert!(judged(late, &faults));
}
