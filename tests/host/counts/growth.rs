//! What grows with the number of credentials and should not. A test here is expected to fail; once what it describes is
//! mended it is reported, because it does not fail any more, and its `should_panic` goes.

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

/// Each change rewrites its whole segment, and segments hold more the more credentials there are: at a million, a page of
/// a thousand changes rewrites 13 MB within one callback of the leader. Bounded would be: so many bytes, and the rest of
/// the page at the next tick.
#[test]
#[should_panic(expected = "grows with the set")]
fn a_page_of_changes_writes_as_much_whatever_the_number_of_credentials() {
    let few = bytes_of_a_page_of_changes(20_000);
    let many = bytes_of_a_page_of_changes(100_000);
    assert!(
        many < 2 * few,
        "grows with the set: {few}, then {many} bytes"
    );
}
