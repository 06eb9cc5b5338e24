//! Bounded work for each callback: while a snapshot loads, and while it changes. Nothing that the leader or a worker does
//! in one go grows with the number of credentials.
//!
//! Instructions are the interpreter's; the bounds leave room for other compilers.

use counting_host::{
    entry::{Dearest, Entry},
    gateway::{Gateway, KEY_AUTH},
    registry::Registry,
    secrets::api_key,
};
use filter_core::feed::{
    APPLICATION_BUCKETS, CREDENTIAL_SEGMENTS, MAX_PAGE_BYTES, MAX_PAGE_RECORDS,
};

use crate::callers::{assert_not_admitted, key};

const FEW: u32 = 1000;
const MANY: u32 = 100_000;
const WORKERS: usize = 2;

/// Reads, writes or calls of a callback beyond those for parts: the head, lease, slots and contact, the clocks, a wake-up
/// for each worker, and the next call to the registry.
const OTHER: usize = 40;
/// Parts that a worker copies again at a wake-up.
const REFRESHED: usize = 64;
/// The head with its list of the latest changes, or the slots of all VMs.
const BOOKKEEPING: usize = 16 * 1024;
/// Bytes of the longest segment at a hundred thousand credentials.
const SEGMENT: usize = 64 * 56;

/// The leader takes one page: it reads and writes each of its parts once.
const LEADER: Dearest = Dearest {
    calls: 2 * MAX_PAGE_RECORDS + 2 * OTHER,
    shared_reads: MAX_PAGE_RECORDS + OTHER,
    shared_bytes_read: 2 * MAX_PAGE_BYTES,
    shared_writes: MAX_PAGE_RECORDS + OTHER,
    shared_bytes_written: 2 * MAX_PAGE_BYTES,
    longest_value: SEGMENT,
    bytes_in: MAX_PAGE_BYTES + 2 * MAX_PAGE_BYTES,
    instructions: 50_000_000,
};

/// A worker takes note of the head, and copies again what it held and what changed.
const WORKER: Dearest = Dearest {
    calls: REFRESHED + 2 * OTHER,
    shared_reads: REFRESHED + OTHER,
    shared_bytes_read: REFRESHED * SEGMENT + BOOKKEEPING,
    shared_writes: 4,
    shared_bytes_written: BOOKKEEPING,
    longest_value: SEGMENT,
    bytes_in: REFRESHED * SEGMENT + BOOKKEEPING,
    instructions: 3_000_000,
};

/// The dearest callback of the VM on the main thread, and of any worker.
fn dearest(gateway: &mut Gateway) -> (Dearest, Dearest) {
    let entries = gateway.take_entries();
    let of = |vms: &[Vec<Entry>]| Dearest::of(vms.iter().flatten());
    let (main, workers) = entries.split_at(1);
    (of(main), of(workers))
}

fn check(what: &str, actual: Dearest, bound: &Dearest) {
    assert!(
        actual.is_within(bound),
        "{what}: {actual:#?} above {bound:#?}"
    );
}

/// A gateway whose workers serve, and hold what these keys need.
fn serving(count: u32, rules: &str, numbers: &[u32]) -> Gateway {
    let mut gateway = Gateway::ready(Registry::with_api_keys(count), WORKERS, rules);
    for worker in 1..=WORKERS {
        for number in numbers {
            assert!(gateway.request(worker, key(&api_key(*number))).passes);
        }
    }
    gateway.advance(1000);
    gateway.take_entries();
    gateway
}

/// What a removal cost the leader and the dearest worker. A bound holds for those who do nothing too, so the leader must
/// have written, and every worker must refuse what was removed.
fn dearest_of_removing(gateway: &mut Gateway, removed: &[u32]) -> (Dearest, Dearest) {
    for number in removed {
        gateway.registry.remove(*number);
    }
    gateway.settle();
    let (leader, workers) = dearest(gateway);
    assert!(leader.shared_writes > 0, "the leader wrote nothing");
    assert!(workers.shared_reads > 0, "no worker read anything");
    for worker in 1..=WORKERS {
        for number in removed {
            assert_not_admitted(gateway, worker, *number);
        }
    }
    (leader, workers)
}

#[test]
fn loading_takes_one_page_for_each_callback() {
    let mut gateway = Gateway::start(Registry::with_api_keys(MANY), WORKERS, KEY_AUTH);
    gateway.advance(60);
    for worker in 1..=WORKERS {
        gateway.request(worker, key(&api_key(1)));
    }
    gateway.advance(2000);
    assert!(gateway.request(1, key(&api_key(1))).passes);
    assert!(gateway.longest_page <= MAX_PAGE_RECORDS);
    let (leader, workers) = dearest(&mut gateway);
    check("leader", leader, &LEADER);
    check("worker", workers, &WORKER);
}

#[test]
fn a_second_snapshot_over_the_first_takes_no_more() {
    let mut gateway = serving(MANY, KEY_AUTH, &[1, 2, 3]);
    gateway.registry = Registry::of_epoch(2, MANY);
    gateway.advance(26_000);
    assert!(gateway.request(1, key(&api_key(1))).passes);
    let (leader, workers) = dearest(&mut gateway);
    check("leader", leader, &LEADER);
    check("worker", workers, &WORKER);
}

#[test]
fn a_page_of_few_credentials_writes_every_segment_at_most_once() {
    let mut gateway = serving(FEW, KEY_AUTH, &[1]);
    gateway.registry = Registry::of_epoch(2, FEW);
    gateway.advance(26_000);
    let parts = usize::from(CREDENTIAL_SEGMENTS);
    let bound = Dearest {
        calls: 2 * parts + 2 * OTHER,
        shared_reads: parts + OTHER,
        shared_writes: parts + OTHER,
        shared_bytes_read: 4 * MAX_PAGE_BYTES,
        shared_bytes_written: 4 * MAX_PAGE_BYTES,
        bytes_in: 5 * MAX_PAGE_BYTES,
        instructions: 200_000_000,
        ..LEADER
    };
    let (leader, workers) = dearest(&mut gateway);
    check("leader", leader, &bound);
    check("worker", workers, &WORKER);
}

#[test]
fn a_change_costs_one_segment() {
    let mut gateway = serving(MANY, KEY_AUTH, &[1, 2, 3]);
    let (leader, workers) = dearest_of_removing(&mut gateway, &[1]);
    let bound = Dearest {
        calls: OTHER,
        shared_reads: 12,
        shared_bytes_read: SEGMENT + BOOKKEEPING,
        shared_writes: 4,
        shared_bytes_written: SEGMENT + BOOKKEEPING,
        longest_value: SEGMENT,
        bytes_in: SEGMENT + BOOKKEEPING,
        instructions: 1_000_000,
    };
    check("leader", leader, &bound);
    check("worker", workers, &bound);
}

#[test]
fn a_page_of_changes_rewrites_at_most_as_many_segments() {
    let mut gateway = serving(MANY, KEY_AUTH, &[1, 2, 3]);
    let removed: Vec<u32> = (1000..2000).collect();
    let (leader, workers) = dearest_of_removing(&mut gateway, &removed);
    let bound = Dearest {
        // Each change is in another segment, which is read and written whole: 1.4 KB at this number of credentials.
        shared_bytes_read: MAX_PAGE_RECORDS * 2048,
        shared_bytes_written: MAX_PAGE_RECORDS * 2048,
        bytes_in: MAX_PAGE_RECORDS * 2048 + MAX_PAGE_BYTES,
        instructions: 150_000_000,
        ..LEADER
    };
    check("leader", leader, &bound);
    check("worker", workers, &WORKER);
}

#[test]
fn a_worker_copies_at_most_64_parts_again_however_many_changed() {
    let numbers: Vec<u32> = (1000..1200).collect();
    let mut gateway = serving(MANY, KEY_AUTH, &numbers);
    let (_, workers) = dearest_of_removing(&mut gateway, &numbers);
    assert!(workers.shared_reads >= REFRESHED, "{workers:#?}");
    check("worker", workers, &WORKER);
}

/// Where rules name an anonymous application, a worker that missed many changes copies every bucket of applications in
/// one go, not 64 at a time.
#[test]
fn a_worker_whose_rules_name_an_application_copies_every_bucket_at_most_once() {
    let rules = r#"[{"key_auth": {}, "anonymous": "application-1"}]"#;
    let mut gateway = serving(MANY, rules, &[1, 2, 3]);
    let removed: Vec<u32> = (1000..2000).collect();
    let (_, workers) = dearest_of_removing(&mut gateway, &removed);
    let buckets = usize::from(APPLICATION_BUCKETS);
    let bound = Dearest {
        calls: buckets + REFRESHED + 2 * OTHER,
        shared_reads: buckets + REFRESHED + OTHER,
        shared_bytes_read: 4 * MAX_PAGE_BYTES,
        bytes_in: 4 * MAX_PAGE_BYTES,
        instructions: 20_000_000,
        ..WORKER
    };
    check("worker", workers, &bound);
}
