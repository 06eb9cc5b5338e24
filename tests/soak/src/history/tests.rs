use std::time::Duration;

use super::*;
use crate::{bounds::PROPAGATION, faults::Kind};

fn at(seconds: u64) -> Moment {
    Duration::from_secs(seconds)
}

fn request(from: Moment) -> Span {
    Span { from, until: from }
}

/// Made at 10 and deleted at 20, each acknowledged a second later.
fn made_and_deleted() -> History {
    let mut history = History::new();
    let made = history.begin(true, at(10));
    history.acknowledge(made, at(11));
    let deleted = history.begin(false, at(20));
    history.acknowledge(deleted, at(21));
    history
}

fn may_be(history: &History, moment: Moment, faults: &FaultLog) -> (bool, bool) {
    let span = request(moment);
    (
        history.explain(true, 0, span, faults).is_some(),
        history.explain(false, 0, span, faults).is_some(),
    )
}

const EITHER: (bool, bool) = (true, true);
const ADMITTED: (bool, bool) = (true, false);
const REFUSED: (bool, bool) = (false, true);

#[test]
fn a_key_is_either_while_a_change_is_on_its_way_and_settled_before_and_after() {
    let history = made_and_deleted();
    let faults = FaultLog::default();
    let just = Duration::from_millis(1);
    for (moment, expected) in [
        (at(9), REFUSED),
        (at(10), EITHER),
        (at(11) + PROPAGATION, EITHER),
        (at(11) + PROPAGATION + just, ADMITTED),
        (at(19), ADMITTED),
        (at(20), EITHER),
        (at(21) + PROPAGATION, EITHER),
        (at(21) + PROPAGATION + just, REFUSED),
        (at(99), REFUSED),
    ] {
        assert_eq!(may_be(&history, moment, &faults), expected, "{moment:?}");
    }
}

#[test]
fn a_change_that_was_never_acknowledged_may_have_happened_or_not() {
    let mut history = made_and_deleted();
    history.begin(true, at(50));
    assert_eq!(may_be(&history, at(90), &FaultLog::default()), EITHER);
}

#[test]
fn a_fault_of_the_feed_leaves_a_change_open_for_longer() {
    let mut faults = FaultLog::default();
    faults.begin(Kind::HeldAnswers, at(19));
    assert_eq!(may_be(&made_and_deleted(), at(60), &faults), EITHER);
}

#[test]
fn a_request_that_lasts_across_a_change_may_see_either() {
    let span = Span {
        from: at(18),
        until: at(20),
    };
    let history = made_and_deleted();
    let faults = FaultLog::default();
    assert_eq!(history.explain(true, 0, span, &faults), Some(1));
    assert_eq!(history.explain(false, 0, span, &faults), Some(2));
}

#[test]
fn a_refusal_at_first_is_explained_by_the_time_before_the_key() {
    let history = made_and_deleted();
    let found = history.explain(false, 0, request(at(10)), &FaultLog::default());
    assert_eq!(found, Some(0));
}

#[test]
fn a_change_that_was_asked_for_before_and_answered_after_a_copy_may_not_be_in_the_copy() {
    let mut history = made_and_deleted();
    assert!(!history.may_have_changed_since(at(21)));
    assert!(history.may_have_changed_since(at(20)));
    history.begin(true, at(30));
    assert!(history.may_have_changed_since(at(90)));
}
