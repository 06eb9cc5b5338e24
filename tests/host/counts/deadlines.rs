//! Nothing wedges: whatever is asked of the registry is given up at its deadline, and so is what a removed listener
//! leaves behind. The clock is the test's.

use counting_host::{
    gateway::{Gateway, KEY_AUTH, MAIN},
    process::Call,
    registry::Registry,
    secrets::api_key,
};
use filter_core::{digest::SecretHash, feed::CredentialKind};

use crate::callers::{basic, key};

/// A poll's wait, the time for its answer, and what the host may be late.
const POLL_MS: u64 = 25_000 + 5000 + 1000;
/// A report's time, and what the host may be late.
const REPORT_MS: u64 = 5000 + 1000;
/// The time for verifying a password, and what the host may be late.
const VERIFY_MS: u64 = 5000 + 1000;
/// A root that is silent for so long has lost its listener.
const GONE_MS: u64 = 1500;
/// A lease, and the tick after its end.
const LEASE_MS: u64 = 1000 + 250;
/// Requests of one VM that wait for the registry.
const MAX_WAITING: usize = 64;
/// Polls in a row that may vanish before another VM tries. One more begins before the lease ends.
const LOST_POLLS: usize = 2;
/// The slowest timer.
const TICK_MS: u64 = 250;

fn calls(gateway: &Gateway, path: &str) -> Vec<Call> {
    let process = gateway.process.borrow();
    let calls = process.calls.values();
    calls
        .filter(|call| call.path().starts_with(path))
        .cloned()
        .collect()
}

fn polls(gateway: &Gateway) -> Vec<Call> {
    calls(gateway, "/v1/feed")
}

fn ready() -> Gateway {
    Gateway::ready(Registry::with_api_keys(1000), 2, KEY_AUTH)
}

#[test]
fn a_poll_that_is_never_answered_is_followed_by_another() {
    let mut gateway = ready();
    gateway.is_answering = false;
    gateway.advance(300_000);
    let polls = polls(&gateway);
    for pair in polls.windows(2) {
        let gap = pair[1].at_ms - pair[0].at_ms;
        assert!(
            gap <= POLL_MS + LEASE_MS + TICK_MS,
            "{gap} ms without a poll"
        );
    }
    let last = polls.last().expect("a poll");
    let now = gateway.process.borrow().now_ms;
    assert!(last.at_ms + POLL_MS + LEASE_MS + TICK_MS > now);
}

#[test]
fn another_vm_tries_when_polls_are_lost() {
    let mut gateway = ready();
    gateway.is_answering = false;
    gateway.advance(3 * (POLL_MS + LEASE_MS));
    let polls = polls(&gateway);
    let callers: Vec<usize> = polls.iter().map(|call| call.caller.0).collect();
    let own = callers.iter().take_while(|caller| **caller == MAIN).count();
    assert!(own <= LOST_POLLS + 1, "{callers:?}");
    assert!(callers.len() > own, "{callers:?}");
}

#[test]
fn an_answer_that_comes_after_its_deadline_changes_nothing() {
    let mut gateway = ready();
    gateway.is_answering = false;
    let (number, late) = {
        let process = gateway.process.borrow();
        let (number, call) = process.calls.first_key_value().expect("a poll");
        (*number, call.clone())
    };
    gateway.registry.remove(7);
    let page = gateway.registry.page(late.parameter("after"));
    gateway.advance(POLL_MS + TICK_MS);
    let body = page.encode().expect("memory");
    gateway.vms[MAIN].take_entries();
    gateway.vms[MAIN].answer(late.caller.1, number, 200, body);
    let entries = gateway.vms[MAIN].take_entries();
    assert!(entries[0].shared_writes.is_empty());
    assert_eq!(entries[0].count("proxy_http_call"), 0);
}

#[test]
fn removing_the_listener_that_polled_leaves_the_polling_to_another() {
    let mut gateway = ready();
    let polled = polls(&gateway)[0].caller;
    gateway.configure(KEY_AUTH);
    gateway.advance(1000);
    gateway.remove_root(polled.0, polled.1);
    assert!(polls(&gateway).is_empty());
    gateway.advance(GONE_MS + TICK_MS);
    assert_eq!(polls(&gateway)[0].caller, (MAIN, gateway.root(MAIN)));
    gateway.registry.remove(7);
    gateway.advance(100);
    assert_eq!(gateway.request(1, key(&api_key(7))).reply().0, 401);
}

#[test]
fn a_vm_without_a_listener_loses_the_lease() {
    let mut gateway = ready();
    gateway.remove_root(MAIN, gateway.root(MAIN));
    gateway.advance(LEASE_MS + TICK_MS);
    assert_ne!(polls(&gateway)[0].caller.0, MAIN);
    gateway.registry.remove(7);
    gateway.advance(100);
    assert_eq!(gateway.request(1, key(&api_key(7))).reply().0, 401);
}

#[test]
fn a_report_that_is_never_answered_is_sent_again() {
    let mut gateway = ready();
    gateway.is_answering = false;
    gateway.advance(10_000 + 2 * (REPORT_MS + 2 * TICK_MS));
    let reports = calls(&gateway, "/v1/gateway/report");
    assert!(reports.len() >= 2, "{reports:?}");
    for pair in reports.windows(2) {
        let gap = pair[1].at_ms - pair[0].at_ms;
        assert!(gap <= REPORT_MS + TICK_MS, "{gap} ms without a report");
    }
}

/// A gateway where a request waits for the registry's word about a chosen password.
fn waiting() -> (Gateway, u32) {
    let mut registry = Registry::with_api_keys(1000);
    let hash = SecretHash::of_username(b"bob");
    registry.put(registry.credential(150, CredentialKind::BasicChosen, &hash));
    let mut gateway = Gateway::ready(registry, 1, r#"[{"basic_auth": {}}]"#);
    gateway.is_answering = false;
    let outcome = gateway.request(1, basic("bob", "correct horse"));
    assert!(!outcome.passes && outcome.stream.replies.is_empty());
    assert_eq!(calls(&gateway, "/v1/gateway/verify").len(), 1);
    (gateway, outcome.context)
}

#[test]
fn a_request_that_waits_for_the_registry_is_refused_at_its_deadline() {
    let (mut gateway, context) = waiting();
    gateway.advance(VERIFY_MS + TICK_MS);
    let stream = gateway.vms[1].stream(context);
    assert_eq!(stream.replies.len(), 1);
    assert_eq!(stream.replies[0].status, 503);
    assert!(!stream.is_continued);
}

#[test]
fn requests_that_wait_are_bounded() {
    let (mut gateway, _) = waiting();
    for number in 1..MAX_WAITING {
        let outcome = gateway.request(1, basic("bob", &format!("guess {number}")));
        assert!(!outcome.passes && outcome.stream.replies.is_empty());
    }
    let outcome = gateway.request(1, basic("bob", "one more"));
    assert_eq!(outcome.reply().0, 503);
    assert_eq!(calls(&gateway, "/v1/gateway/verify").len(), MAX_WAITING);
}

#[test]
fn a_request_whose_call_went_with_its_listener_is_refused() {
    let (mut gateway, context) = waiting();
    let root = gateway.root(1);
    gateway.configure(KEY_AUTH);
    gateway.remove_root(1, root);
    gateway.advance(GONE_MS + 2 * TICK_MS);
    let stream = gateway.vms[1].stream(context);
    assert_eq!(stream.replies.len(), 1);
    assert_eq!(stream.replies[0].status, 503);
}

#[test]
fn nothing_is_said_about_a_request_whose_client_has_left() {
    let (mut gateway, context) = waiting();
    gateway.vms[1].end_stream(context);
    gateway.vms[1].take_entries();
    gateway.advance(VERIFY_MS + TICK_MS);
    for entry in gateway.vms[1].take_entries() {
        assert_eq!(entry.count("proxy_send_local_response"), 0);
        assert_eq!(entry.count("proxy_continue_stream"), 0);
    }
}
