//! What one callback of the leader does for a page, however many parts the page touches and however large they are.

use counting_host::{
    entry::Dearest,
    gateway::{Gateway, KEY_AUTH, MAIN},
    registry::Registry,
};
use filter_core::feed::MAX_PAGE_RECORDS;

use crate::callers::assert_not_admitted;

/// What the leader writes for a page full of changes: the most in one callback, and how many callbacks were
/// large.
fn writes_for_a_page_of_changes(count: u32) -> (usize, usize) {
    let mut gateway = Gateway::ready(Registry::with_api_keys(count), 1, KEY_AUTH);
    let changes = u32::try_from(MAX_PAGE_RECORDS).expect("fits");
    for number in 0..changes {
        gateway.registry.remove(number);
    }
    gateway.advance(2000);
    let entries = gateway.take_entries();
    for number in [0, changes - 1] {
        assert_not_admitted(&mut gateway, 1, number);
    }
    let leader = &entries[MAIN];
    let steps = leader
        .iter()
        .filter(|entry| entry.shared_writes.iter().sum::<usize>() > STEP_BYTES / 2);
    (Dearest::of(leader).shared_bytes_written, steps.count())
}

/// What is written in one step; the part with which it is reached comes on top.
const STEP_BYTES: usize = 256 * 1024;
const LONGEST_PART: usize = 64 * 1024;

#[test]
fn a_page_of_changes_is_written_in_bounded_steps_whatever_the_number_of_credentials() {
    for count in [20_000, 100_000] {
        let (bytes, steps) = writes_for_a_page_of_changes(count);
        let bound = STEP_BYTES + LONGEST_PART;
        assert!(bytes <= bound, "{count} credentials: {bytes} bytes");
        // A bound that nothing reaches says nothing.
        assert!(count < 100_000 || steps > 1, "{count}: {steps} large steps");
    }
}
