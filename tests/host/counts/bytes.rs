//! Bytes per credential: in shared data, once for the process, and in the memory of each VM that has used all of them.

use std::collections::BTreeMap;

use counting_host::{
    gateway::{Gateway, KEY_AUTH, MAIN},
    registry::Registry,
    secrets::api_key,
};
use filter_core::{
    feed::{APPLICATION_BUCKETS, CREDENTIAL_SEGMENTS},
    usage::LANES,
};

use crate::callers::key;

const MANY: u32 = 100_000;
const WORKER: usize = 1;

/// Of a generated credential, in shared data: its record of 56 bytes, and its share of its application and of its segment's
/// name and header.
const SHARED_PER_CREDENTIAL: usize = 61;
/// The same in a VM's memory, with what the allocator rounds up: 56 when this was written.
const VM_PER_CREDENTIAL: usize = 60;
/// Of a VM that has copied nothing yet.
const VM_AT_FIRST: usize = 2 << 20;
/// In which a VM counts uses, however many credentials there are: 8,192 at most at a time.
const VM_COUNTS: usize = 1 << 20;
/// The same in shared data, for each VM.
const SHARED_COUNTS: usize = 9192 * 41;
/// Names in shared data at most: the parts, the lanes, and head, lease, slots, contact and instance.
const NAMES: usize =
    CREDENTIAL_SEGMENTS as usize + 2 * APPLICATION_BUCKETS as usize + LANES as usize + 5;

/// One key of every segment.
fn keys(registry: &Registry) -> Vec<u32> {
    let by_segment: BTreeMap<u16, u32> = (0..MANY)
        .map(|number| (registry.segment(number), number))
        .collect();
    by_segment.into_values().collect()
}

fn touch(gateway: &mut Gateway, keys: &[u32]) {
    for number in keys {
        assert!(gateway.request(WORKER, key(&api_key(*number))).passes);
    }
}

#[test]
fn shared_data_and_memory_hold_few_bytes_for_each_credential_also_after_a_reset() {
    let mut gateway = Gateway::ready(Registry::with_api_keys(MANY), 1, KEY_AUTH);
    let many = usize::try_from(MANY).expect("fits");
    let first = gateway.vms[WORKER].memory_bytes();
    assert!(first <= VM_AT_FIRST, "{first} bytes at first");
    let shared = gateway.process.borrow().shared_bytes();
    assert!(
        shared <= many * SHARED_PER_CREDENTIAL,
        "{shared} bytes shared"
    );

    let keys_of_all = keys(&gateway.registry);
    touch(&mut gateway, &keys_of_all);
    let full = gateway.vms[WORKER].memory_bytes();
    assert!(
        full - first <= many * VM_PER_CREDENTIAL + VM_COUNTS,
        "{} bytes",
        full - first
    );

    // Another database: every credential has another digest, and so lies in another segment.
    gateway.registry = Registry::of_epoch(2, MANY);
    gateway.advance(30_000);
    let keys_of_all = keys(&gateway.registry);
    touch(&mut gateway, &keys_of_all);
    let process = gateway.process.borrow();
    assert!(
        process.shared.len() <= NAMES,
        "{} names",
        process.shared.len()
    );
    let shared = process.shared_bytes();
    // The applications of the first log lie in their own table until the next reset.
    assert!(
        shared <= many * (SHARED_PER_CREDENTIAL + 1) + SHARED_COUNTS,
        "{shared} bytes shared"
    );
    let after = gateway.vms[WORKER].memory_bytes();
    assert!(
        after - first <= many * VM_PER_CREDENTIAL + VM_COUNTS,
        "{} bytes",
        after - first
    );
}

#[test]
fn the_vm_on_the_main_thread_keeps_no_table() {
    let mut gateway = Gateway::ready(Registry::with_api_keys(MANY), 1, KEY_AUTH);
    let loaded = gateway.vms[MAIN].memory_bytes();
    assert!(loaded <= LEADER_BYTES, "{loaded} bytes");
    gateway.registry = Registry::of_epoch(2, MANY);
    gateway.advance(30_000);
    let again = gateway.vms[MAIN].memory_bytes();
    assert!(again <= LEADER_BYTES, "{again} bytes");
}

/// What the leader's VM needs for one page and its parts.
const LEADER_BYTES: usize = 4 << 20;
