//! What credentials are used for reaches the registry, each use once, and costs no request a host call.

use std::collections::BTreeMap;

use counting_host::{
    entry::{Entry, Tally},
    gateway::{Gateway, KEY_AUTH, MAIN},
    process::{Call, WALL_START_MS},
    registry::Registry,
    secrets::api_key,
};
use filter_core::{
    ids::ObjectId,
    usage::{LANES, MAX_OPEN, MAX_USES, UsageBatch, Use, UseOutcome},
};
use serde_json::Value;

use crate::callers::key;

const WORKER: usize = 1;
/// How often the registry hears of usage.
const INTERVAL_MS: u64 = 10_000;
/// How often a VM pours its counts.
const POUR_MS: u64 = 1000;
/// The slowest timer.
const TICK_MS: u64 = 250;
/// A report's time, and what the host may be late.
const REPORT_MS: u64 = 5000 + 1000;
/// The first pause after a report that failed.
const PAUSE_MS: u64 = 1000;
/// A lease, and the tick after its end.
const LEASE_MS: u64 = 1000 + TICK_MS;

/// A gateway that has just looked for usage, and served each of these keys once.
fn serving(workers: usize, numbers: &[u32]) -> Gateway {
    let mut gateway = Gateway::ready(Registry::with_api_keys(10_000), workers, KEY_AUTH);
    gateway.advance(INTERVAL_MS);
    for worker in 1..=workers {
        request(&mut gateway, worker, numbers);
    }
    gateway.advance(INTERVAL_MS + POUR_MS);
    gateway.reports.clear();
    gateway
}

fn request(gateway: &mut Gateway, worker: usize, numbers: &[u32]) {
    for number in numbers {
        assert!(gateway.request(worker, key(&api_key(*number))).passes);
    }
}

fn usage(report: &Call) -> Vec<UsageBatch> {
    let json: Value = serde_json::from_slice(&report.body).expect("JSON");
    json.get("usage").map_or_else(Vec::new, |usage| {
        serde_json::from_value(usage.clone()).expect("batches")
    })
}

/// The batches of every report that was answered.
fn batches(gateway: &Gateway) -> Vec<UsageBatch> {
    gateway.reports.iter().flat_map(usage).collect()
}

/// The batches of the reports that have no answer yet.
fn under_way(gateway: &Gateway) -> Vec<UsageBatch> {
    let process = gateway.process.borrow();
    let reports = process.calls.values();
    reports
        .filter(|call| call.path() == "/v1/gateway/report")
        .flat_map(usage)
        .collect()
}

/// What a registry makes of them that applies each batch once.
fn applied(batches: &[UsageBatch]) -> BTreeMap<u32, u64> {
    let mut last: BTreeMap<u8, u64> = BTreeMap::new();
    let mut applied = BTreeMap::new();
    for batch in batches {
        let last = last.entry(batch.lane).or_default();
        if batch.sequence > *last {
            *last = batch.sequence;
            for used in &batch.uses {
                let number = u128::from_be_bytes(used.credential.0);
                let number = u32::try_from(number).expect("a numbered key");
                *applied.entry(number).or_default() += used.count;
            }
        }
    }
    applied
}

fn tally_of(entries: &[Entry]) -> Tally {
    let mut sum = Tally::default();
    for (call, count) in entries.iter().flat_map(|entry| entry.tally().0) {
        *sum.0.entry(call).or_default() += count;
    }
    sum
}

#[test]
fn uses_are_reported_with_their_times_and_outcomes() {
    let mut gateway = serving(1, &[]);
    let first_ms = WALL_START_MS + gateway.process.borrow().now_ms;
    request(&mut gateway, WORKER, &[7, 7]);
    gateway.advance(500);
    request(&mut gateway, WORKER, &[7]);
    let mut disabled = gateway.registry.api_key(9);
    disabled.enabled = false;
    gateway.registry.put(disabled);
    gateway.advance(100);
    assert!(!gateway.request(WORKER, key(&api_key(9))).passes);
    assert!(!gateway.request(WORKER, key("unknown")).passes);
    gateway.advance(INTERVAL_MS + POUR_MS);
    let batches = batches(&gateway);
    assert_eq!(batches.len(), 1, "{batches:?}");
    let used = |number: u32, outcome, count, first_ms, last_ms| Use {
        credential: ObjectId(u128::from(number).to_be_bytes()),
        version: 1,
        outcome,
        count,
        first_ms,
        last_ms,
    };
    assert_eq!(
        batches[0].uses,
        [
            used(7, UseOutcome::Allowed, 3, first_ms, first_ms + 500),
            used(9, UseOutcome::Refused, 1, first_ms + 600, first_ms + 600),
        ]
    );
    assert_eq!(batches[0].lost, 0);
}

#[test]
fn every_report_says_how_stale_a_gateway_may_be() {
    let gateway = Gateway::ready(Registry::with_api_keys(10), 1, KEY_AUTH);
    assert!(!gateway.reports.is_empty());
    for report in &gateway.reports {
        let json: Value = serde_json::from_slice(&report.body).expect("JSON");
        assert_eq!(json["max_staleness_seconds"], 86_400);
        assert_eq!(json.get("usage"), None);
    }
}

#[test]
fn a_tick_pours_what_was_used_by_one_read_and_one_write_a_second_and_otherwise_touches_nothing() {
    let mut gateway = serving(1, &[7]);
    let mut calls_of_two_seconds = |numbers: &[u32]| {
        gateway.take_entries();
        let mut ticks = Vec::new();
        for _ in 0..8 {
            request(&mut gateway, WORKER, numbers);
            gateway.advance(TICK_MS);
            let entries = gateway.vms[WORKER].take_entries();
            ticks.extend(
                entries
                    .into_iter()
                    .filter(|entry| entry.callback == "proxy_on_tick"),
            );
        }
        tally_of(&ticks)
    };
    let without = calls_of_two_seconds(&[]);
    let with = calls_of_two_seconds(&[7]);
    let mut expected = without.clone();
    for call in ["proxy_get_shared_data", "proxy_set_shared_data"] {
        *expected.0.entry(call).or_default() += 2;
    }
    // The counters of requests, which are there with or without usage.
    expected.0.insert("proxy_increment_metric", 8);
    assert_eq!(with, expected);
}

#[test]
fn the_leader_looks_at_every_lane_once_in_an_interval() {
    let mut gateway = serving(1, &[]);
    gateway.vms[MAIN].take_entries();
    gateway.advance(INTERVAL_MS);
    let entries = gateway.vms[MAIN].take_entries();
    let reads: Vec<usize> = entries
        .iter()
        .map(|entry| entry.shared_reads.len())
        .collect();
    let usual = reads.iter().min().expect("ticks");
    let looks = reads.iter().filter(|reads| **reads >= usize::from(LANES));
    assert!(*usual <= 8, "{reads:?}");
    assert_eq!(looks.count(), 1, "{reads:?}");
}

#[test]
fn a_batch_that_the_registry_could_not_take_is_sent_again_as_it_was() {
    let mut gateway = serving(2, &[1, 2]);
    gateway.report_status = 503;
    request(&mut gateway, 1, &[1, 2, 3]);
    request(&mut gateway, 2, &[3]);
    gateway.advance(INTERVAL_MS + POUR_MS + TICK_MS);
    let refused = batches(&gateway);
    assert!(!refused.is_empty());
    // What is used meanwhile waits for the next batch.
    request(&mut gateway, 1, &[1]);
    gateway.reports.clear();
    gateway.report_status = 204;
    gateway.advance(4 * PAUSE_MS + INTERVAL_MS);
    let taken = batches(&gateway);
    for batch in &refused {
        assert!(taken.contains(batch), "{batch:?} is not among {taken:?}");
    }
    let all = [refused, taken].concat();
    assert_eq!(applied(&all), BTreeMap::from([(1, 2), (2, 1), (3, 2)]));
}

#[test]
fn a_batch_whose_answer_is_lost_is_sent_again_as_it_was() {
    let mut gateway = serving(1, &[7]);
    request(&mut gateway, WORKER, &[7]);
    gateway.advance(POUR_MS + TICK_MS);
    gateway.is_answering = false;
    gateway.advance(INTERVAL_MS);
    let sent = under_way(&gateway);
    assert_eq!(sent.len(), 1);
    gateway.advance(REPORT_MS + PAUSE_MS + 2 * TICK_MS);
    let again = under_way(&gateway);
    assert!(again.len() >= 2, "{again:?}");
    assert!(again.iter().all(|batch| *batch == sent[0]), "{again:?}");
}

#[test]
fn another_leader_sends_the_batch_that_the_last_one_sealed() {
    let mut gateway = serving(1, &[7]);
    request(&mut gateway, WORKER, &[7, 7, 8]);
    gateway.advance(POUR_MS + TICK_MS);
    gateway.is_answering = false;
    gateway.advance(INTERVAL_MS);
    let sealed = under_way(&gateway);
    assert_eq!(sealed.len(), 1);
    for is_trap in [false, true] {
        if is_trap {
            gateway.trap(MAIN);
        }
        gateway.stalled.insert(MAIN);
        request(&mut gateway, WORKER, &[7]);
        gateway.is_answering = true;
        gateway.reports.clear();
        gateway.advance(LEASE_MS + 2 * TICK_MS);
        if is_trap {
            continue;
        }
        let taken = batches(&gateway);
        assert_eq!(taken.first(), Some(&sealed[0]), "{taken:?}");
        gateway.stalled.clear();
        gateway.advance(INTERVAL_MS + POUR_MS);
    }
}

#[test]
fn a_trap_takes_the_counts_of_its_last_second_and_no_more() {
    let mut gateway = serving(2, &[7]);
    request(&mut gateway, 1, &[7, 7, 7]);
    gateway.advance(POUR_MS + TICK_MS);
    request(&mut gateway, 1, &[7, 7]);
    gateway.trap(1);
    gateway.trap(MAIN);
    request(&mut gateway, 1, &[7]);
    gateway.advance(2 * INTERVAL_MS);
    assert_eq!(applied(&batches(&gateway)), BTreeMap::from([(7, 4)]));
}

#[test]
fn more_uses_than_a_batch_holds_go_one_batch_after_the_other() {
    let numbers: Vec<u32> = (0..2500).collect();
    let mut gateway = serving(1, &[]);
    request(&mut gateway, WORKER, &numbers);
    gateway.advance(INTERVAL_MS + POUR_MS);
    let sizes: Vec<usize> = batches(&gateway)
        .iter()
        .map(|batch| batch.uses.len())
        .collect();
    assert_eq!(sizes, [MAX_USES, MAX_USES, 500]);
    let applied = applied(&batches(&gateway));
    assert_eq!((applied.len(), applied.values().sum::<u64>()), (2500, 2500));
}

#[test]
fn a_registry_that_is_away_costs_bounded_memory_and_what_is_lost_is_declared() {
    let mut gateway = serving(1, &[]);
    gateway.is_answering = false;
    let before = gateway.process.borrow().shared_bytes();
    let numbers: Vec<u32> = (0..10_000).collect();
    for numbers in numbers.chunks(2500) {
        request(&mut gateway, WORKER, numbers);
        gateway.advance(POUR_MS + TICK_MS);
    }
    gateway.advance(6 * INTERVAL_MS);
    for numbers in numbers.chunks(2500) {
        request(&mut gateway, WORKER, numbers);
        gateway.advance(POUR_MS + TICK_MS);
    }
    let grown = gateway.process.borrow().shared_bytes() - before;
    // The rest is what the VMs say of themselves.
    assert!(grown <= (MAX_OPEN + MAX_USES) * 41 + 1024, "{grown} bytes");
    let lost = gateway.process.borrow().counter("keysmith_usage_lost");
    assert!(lost > 0);
    gateway.is_answering = true;
    gateway.advance(60_000);
    let batches = batches(&gateway);
    let distinct: BTreeMap<_, _> = batches
        .iter()
        .map(|batch| ((batch.lane, batch.sequence), batch.lost))
        .collect();
    let declared: u64 = distinct.values().sum();
    assert_eq!(i64::try_from(declared), Ok(lost));
    let applied: u64 = applied(&batches).values().sum();
    assert_eq!(applied + declared, 20_000);
}
