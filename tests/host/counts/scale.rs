//! A request costs the same, however many credentials there are.

use counting_host::{
    entry::Entry,
    gateway::{Gateway, KEY_AUTH},
    registry::Registry,
    secrets::api_key,
};
use filter_core::segment::{HEADER_LENGTH, credentials::RECORD_LENGTH};

use crate::callers::key;

const WORKER: usize = 1;
const FEW: u32 = 1000;
const MANY: u32 = 100_000;

/// What the first and the second request with each of some keys cost.
fn requests(count: u32) -> (Vec<Entry>, Vec<Entry>) {
    let mut gateway = Gateway::ready(Registry::with_api_keys(count), 1, KEY_AUTH);
    let mut decide = |number| {
        let outcome = gateway.request(WORKER, key(&api_key(number)));
        assert!(outcome.passes);
        outcome.decision().clone()
    };
    // The first request of all makes the worker known; it is not counted.
    decide(0);
    let numbers = || (1..FEW).step_by(97);
    let first = numbers().map(&mut decide).collect();
    (first, numbers().map(&mut decide).collect())
}

#[test]
fn a_request_costs_the_same_at_a_thousand_and_at_a_hundred_thousand_credentials() {
    let (first_of_few, of_few) = requests(FEW);
    let (first_of_many, of_many) = requests(MANY);
    for (few, many) in of_few.iter().zip(&of_many) {
        assert_eq!(few.calls, many.calls);
        assert_eq!(few.bytes_in, many.bytes_in, "the headers");
    }
    for (few, many) in first_of_few.iter().zip(&first_of_many) {
        assert!(few.count("proxy_get_shared_data") <= 2);
        assert!(many.count("proxy_get_shared_data") <= 2);
    }
    // A segment of a hundred credentials takes a few steps of its binary search more than one of one.
    let mean = |entries: &[Entry]| -> u64 {
        let sum: u64 = entries.iter().map(|entry| entry.instructions).sum();
        sum / u64::try_from(entries.len()).expect("few")
    };
    let (few, many) = (mean(&of_few), mean(&of_many));
    assert!(
        many * 100 <= few * PER_CENT,
        "{many} against {few} instructions"
    );
}

/// Instructions of a request at a hundred thousand credentials, of those at a thousand.
const PER_CENT: u64 = 110;

#[test]
fn what_a_first_request_copies_is_bounded_by_its_segment() {
    let (first, _) = requests(MANY);
    // At a hundred thousand a segment holds 24 on average.
    let bound = HEADER_LENGTH + 64 * RECORD_LENGTH;
    for entry in first {
        let longest = entry.shared_reads.iter().max().copied().unwrap_or(0);
        assert!(longest <= bound, "{longest} bytes copied");
        assert!(longest <= 64 * 1024 + HEADER_LENGTH);
    }
}
