//! Wake-ups and timers: a worker has one message waiting at most, however much changes before it comes to it, and when
//! nothing changes little is done.

use counting_host::{
    entry::Tally,
    gateway::{Gateway, KEY_AUTH, MAIN},
    registry::Registry,
    secrets::api_key,
};

use crate::callers::key;

const WORKERS: usize = 2;

fn serving() -> Gateway {
    let mut gateway = Gateway::ready(Registry::with_api_keys(1000), WORKERS, KEY_AUTH);
    for worker in 1..=WORKERS {
        assert!(gateway.request(worker, key(&api_key(1))).passes);
    }
    gateway.advance(1000);
    gateway.take_entries();
    gateway.process.borrow_mut().deepest_queue = 0;
    gateway
}

#[test]
fn a_change_wakes_each_worker_once() {
    let mut gateway = serving();
    gateway.registry.remove(1);
    gateway.settle();
    for (vm, entries) in gateway.take_entries().iter().enumerate() {
        let woken = entries
            .iter()
            .filter(|entry| entry.callback == "proxy_on_queue_ready");
        let expected = if vm == MAIN { WORKERS } else { 1 };
        assert_eq!(woken.count(), expected, "VM {vm}");
    }
    for worker in 1..=WORKERS {
        assert_eq!(gateway.request(worker, key(&api_key(1))).reply().0, 401);
    }
}

#[test]
fn a_stalled_worker_has_one_message_however_much_changes() {
    let mut gateway = serving();
    gateway.stalled.extend(1..=WORKERS);
    for number in 100..150 {
        gateway.registry.remove(number);
        gateway.advance(10);
    }
    assert_eq!(gateway.process.borrow().deepest_queue, 1);
    gateway.stalled.clear();
    gateway.advance(10);
    for number in 100..150 {
        assert_eq!(gateway.request(1, key(&api_key(number))).reply().0, 401);
    }
}

#[test]
fn a_quiet_registry_wakes_nobody() {
    let mut gateway = serving();
    gateway.advance(5000);
    for entries in gateway.take_entries() {
        assert!(
            entries
                .iter()
                .all(|entry| entry.callback != "proxy_on_queue_ready")
        );
    }
}

#[test]
fn a_tick_of_a_quiet_vm_costs_a_few_small_calls() {
    let mut gateway = serving();
    gateway.advance(1000);
    let tick = |reads, writes| {
        Tally::from([
            ("clock_time_get", 1),
            ("proxy_get_current_time_nanoseconds", 1),
            ("proxy_get_shared_data", reads),
            ("proxy_set_shared_data", writes),
        ])
    };
    for (vm, entries) in gateway.take_entries().iter().enumerate() {
        // Contact, head, slots and lease; the leader looks at head and slots again, and renews its lease.
        let expected = if vm == MAIN { tick(6, 2) } else { tick(4, 1) };
        assert_eq!(entries.len(), 4, "VM {vm} ticks four times a second");
        for entry in entries {
            assert_eq!(entry.tally(), expected, "VM {vm}");
            assert!(entry.bytes_in <= QUIET_BYTES, "{} bytes", entry.bytes_in);
        }
    }
}

/// The head and the slots, some of them twice.
const QUIET_BYTES: usize = 4096;
