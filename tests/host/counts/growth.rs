//! What one callback of the leader does for a page, however many parts the page touches and however large they are.

use counting_host::{
    entry::Dearest,
    gateway::{Gateway, KEY_AUTH, MAIN},
    registry::Registry,
};
use filter_core::feed::MAX_PAGE_RECORDS;

/// Bytes that the leader writes for a page full of changes.
fn bytes_of_a_page_of_changes(count: u32) -> usize {
    let mut gateway = Gateway::ready(Registry::with_api_keys(count), 1, KEY_AUTH);
    let changes = u32::try_from(MAX_PAGE_RECORDS).expect("fits");
    for number in 0..changes {
        gateway.registry.remove(number);
    }
    gateway.settle();
    Dearest::of(&gateway.take_entries()[MAIN]).shared_bytes_written
}

/// What is written in one step, and the part with which that is reached.
const MAX_STEP_BYTES: usize = 256 * 1024 + 64 * 1024;

#[test]
fn a_page_of_changes_is_written_in_bounded_steps_whatever_the_number_of_credentials() {
    for count in [20_000, 100_000] {
        let bytes = bytes_of_a_page_of_changes(count);
        assert!(bytes <= MAX_STEP_BYTES, "{count} credentials: {bytes} bytes");
    }
}
