#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    ids::ObjectId,
    usage::{Lane, MAX_COUNTED, MAX_OPEN, MAX_USES, Tally, Use, UseOutcome, Used},
};

const NOW: u64 = 1_700_000_000_000;

fn key(number: u32) -> Used {
    Used {
        credential: ObjectId(u128::from(number).to_be_bytes()),
        version: 1,
        outcome: UseOutcome::Allowed,
    }
}

fn tally(numbers: impl Iterator<Item = u32>) -> Tally {
    let mut tally = Tally::default();
    for number in numbers {
        tally.count(key(number), NOW);
    }
    tally
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("few")
}

#[test]
fn a_tally_tells_each_use_apart_in_order() {
    let mut tally = Tally::default();
    assert!(tally.is_empty());
    let refused = Used {
        outcome: UseOutcome::Refused,
        ..key(1)
    };
    let rotated = Used {
        version: 2,
        ..key(1)
    };
    for (used, at_ms) in [
        (key(2), 5),
        (rotated, 7),
        (key(1), 9),
        (refused, 3),
        (key(1), 4),
        (key(1), 6),
    ] {
        tally.count(used, at_ms);
    }
    let told: Vec<_> = tally
        .uses()
        .iter()
        .map(|used| (used.used(), used.count, used.first_ms, used.last_ms))
        .collect();
    assert_eq!(
        told,
        [
            (key(1), 3, 4, 9),
            (refused, 1, 3, 3),
            (rotated, 1, 7, 7),
            (key(2), 1, 5, 5)
        ]
    );
    tally.clear();
    assert!(tally.is_empty() && tally.uses().is_empty());
}

#[test]
fn a_full_tally_counts_what_it_knows_and_loses_the_rest() {
    let mut tally = tally(0..count(MAX_COUNTED));
    assert_eq!(tally.lost(), 0);
    tally.count(key(u32::MAX), NOW);
    tally.count(key(0), NOW);
    assert_eq!(tally.lost(), 1);
    assert_eq!(tally.uses().len(), MAX_COUNTED);
    assert_eq!(tally.uses()[0].count, 2);
    tally.clear();
    assert_eq!(tally.lost(), 0);
}

#[test]
fn a_lane_adds_up_what_vms_counted() {
    let mut lane = Lane::made_at(NOW);
    let first = Use {
        first_ms: 3,
        last_ms: 8,
        count: 5,
        ..tally([1].into_iter()).uses()[0]
    };
    let second = Use {
        first_ms: 1,
        last_ms: 4,
        count: 2,
        ..first
    };
    assert_eq!(lane.merge(&[first], 0), 0);
    assert_eq!(lane.merge(&[second], 0), 0);
    assert_eq!(lane.merge(&tally([0, 2].into_iter()).uses(), 0), 0);
    assert!(lane.seal());
    let batch = lane.sealed(3).expect("sealed");
    assert_eq!((batch.lane, batch.sequence, batch.lost), (3, NOW + 1, 0));
    let numbers: Vec<_> = batch.uses.iter().map(Use::used).collect();
    assert_eq!(numbers, [key(0), key(1), key(2)]);
    let sum = Use {
        first_ms: 1,
        last_ms: 8,
        count: 7,
        ..first
    };
    assert_eq!(batch.uses[1], sum);
}

#[test]
fn a_sealed_batch_stays_as_it_is_until_the_registry_has_it() {
    let mut lane = Lane::made_at(NOW);
    assert!(!lane.seal(), "there is nothing");
    lane.merge(&tally(0..3).uses(), 0);
    assert!(lane.seal());
    let batch = lane.sealed(0).expect("sealed");
    lane.merge(&tally(0..9).uses(), 4);
    assert!(!lane.seal(), "one at a time");
    assert_eq!(lane.sealed(0), Some(batch.clone()));
    assert!(!lane.clear(batch.sequence - 1) && !lane.clear(batch.sequence + 1));
    assert_eq!(lane.sealed(0), Some(batch.clone()));
    assert!(lane.clear(batch.sequence));
    assert_eq!(lane.sealed(0), None);
    assert!(lane.seal());
    let next = lane.sealed(0).expect("sealed");
    assert_eq!(
        (next.sequence, next.lost, next.uses.len()),
        (batch.sequence + 1, 4, 9)
    );
    assert!(!lane.has_more());
}

#[test]
fn a_batch_takes_a_thousand_uses_and_leaves_the_rest_for_the_next() {
    let mut lane = Lane::made_at(NOW);
    lane.merge(&tally(0..count(MAX_USES + 1)).uses(), 0);
    assert!(lane.seal());
    assert_eq!(lane.sealed(0).map(|batch| batch.uses.len()), Some(MAX_USES));
    assert!(lane.has_more());
    assert!(lane.clear(NOW + 1) && lane.seal());
    assert_eq!(lane.sealed(0).map(|batch| batch.uses.len()), Some(1));
}

#[test]
fn a_full_lane_counts_what_it_knows_and_loses_the_rest() {
    let mut lane = Lane::made_at(NOW);
    assert_eq!(lane.merge(&tally(1..count(MAX_OPEN + 1)).uses(), 0), 0);
    // One that is new, and one that is known.
    assert_eq!(lane.merge(&tally([0, 0, 5].into_iter()).uses(), 3), 5);
    assert!(lane.encode().len() < 400_000);
    assert!(lane.seal());
    let batch = lane.sealed(0).expect("sealed");
    assert_eq!(batch.lost, 5);
    assert_eq!(batch.uses[4].count, 2);
}

#[test]
fn what_is_lost_is_told_also_when_there_is_nothing_else() {
    let mut lane = Lane::made_at(NOW);
    lane.merge(&[], 2);
    assert!(lane.has_more() && lane.seal() && !lane.has_more());
    let batch = lane.sealed(0).expect("sealed");
    assert_eq!((batch.lost, batch.uses.len()), (2, 0));
}

#[test]
fn shared_data_gives_a_lane_back_as_it_was_written() {
    let mut lane = Lane::made_at(NOW);
    assert_eq!(Lane::decode(&lane.encode()), Some(lane.clone()));
    lane.merge(&tally(0..2500).uses(), 7);
    assert_eq!(Lane::decode(&lane.encode()), Some(lane.clone()));
    lane.seal();
    lane.merge(&tally(0..1).uses(), 9);
    assert_eq!(Lane::decode(&lane.encode()), Some(lane));
}

#[test]
fn what_is_no_lane_is_not_read_as_one() {
    let mut lane = Lane::made_at(NOW);
    lane.merge(&tally(0..5).uses(), 0);
    lane.seal();
    lane.merge(&tally(0..5).uses(), 0);
    let good = lane.encode();
    assert_eq!(Lane::decode(&[]), None);
    for cut in 1..good.len() {
        assert_eq!(Lane::decode(&good[..cut]), None, "{cut}");
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert_eq!(Lane::decode(&longer), None);
    // Any byte may be another: then it is a lane all the same, or none.
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] = !bad[at];
        let _ = Lane::decode(&bad).map(|lane| lane.sealed(0));
    }
}

#[test]
fn a_lane_that_is_made_anew_goes_on_above_what_it_sent() {
    let mut lane = Lane::made_at(NOW);
    for _ in 0..100 {
        lane.merge(&tally(0..1).uses(), 0);
        lane.seal();
        let sequence = lane.sealed(0).expect("sealed").sequence;
        assert!(lane.clear(sequence));
    }
    let mut anew = Lane::made_at(NOW + 1000);
    anew.merge(&tally(0..1).uses(), 0);
    anew.seal();
    assert!(anew.sealed(0).expect("sealed").sequence > NOW + 100);
}
