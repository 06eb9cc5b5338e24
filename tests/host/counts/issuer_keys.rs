//! What a token costs whose key nobody knows yet: one question, however many such tokens come.

use counting_host::gateway::{Gateway, Outcome};
use filter_core::gateway::access_tokens::{IssuerKeysAnswer, IssuerKeysQuestion};

use crate::{
    callers::{bearer, with},
    jwt::{ISSUER, RULES, WORKER, issuer, registry, token_by},
};

const PATH: &str = "/v1/gateway/issuer-keys";
/// The time for the answer, what the host may be late, and the slowest timer.
const ANSWER_MS: u64 = 5000 + 1000 + 250;
const PAUSE_MS: u64 = 10_000;

fn gateway() -> Gateway {
    let mut gateway = Gateway::ready(registry(), 1, RULES);
    gateway.request(WORKER, with(&[]));
    gateway
}

fn questions(gateway: &Gateway) -> Vec<IssuerKeysQuestion> {
    let process = gateway.process.borrow();
    let open = process.calls.values().filter(|call| call.path() == PATH);
    open.map(|call| serde_json::from_slice(&call.body).expect("a question"))
        .collect()
}

/// The registry knows these keys.
fn tell(gateway: &mut Gateway, keys: &[&str]) {
    let answer = IssuerKeysAnswer {
        issuer: issuer(keys),
        revision: gateway.registry.revision(),
    };
    let body = serde_json::to_vec(&answer).expect("JSON");
    gateway.answers.insert(PATH, (200, body));
}

fn waits(outcome: &Outcome) -> bool {
    !outcome.passes && outcome.stream.replies.is_empty()
}

#[test]
fn requests_with_an_unknown_key_wait_for_one_question() {
    let mut gateway = gateway();
    let outcomes: Vec<Outcome> = (0..5)
        .map(|number| gateway.request(WORKER, bearer(&token_by("second", &number.to_string()))))
        .collect();
    assert!(outcomes.iter().all(waits));
    let expected = IssuerKeysQuestion {
        issuer: ISSUER.to_owned(),
        key_id: "second".to_owned(),
    };
    assert_eq!(questions(&gateway), [expected]);
    tell(&mut gateway, &["first", "second"]);
    gateway.settle();
    for outcome in outcomes {
        assert!(gateway.vms[WORKER].stream(outcome.context).is_continued);
    }
    // From now on it is a key like any other.
    let later = gateway.request(WORKER, bearer(&token_by("second", "later")));
    assert!(later.passes);
    assert_eq!(later.decision().count("proxy_http_call"), 0);
}

#[test]
fn made_up_keys_cost_one_question_in_ten_seconds() {
    let mut gateway = gateway();
    let first = gateway.request(WORKER, bearer(&token_by("invented", "a")));
    assert!(waits(&first));
    tell(&mut gateway, &["first"]);
    gateway.settle();
    let refused = gateway.vms[WORKER].stream(first.context).replies.clone();
    assert_eq!(refused[0].status, 401);
    for number in 0..20 {
        let token = token_by(&format!("invented-{number}"), "a");
        let outcome = gateway.request(WORKER, bearer(&token));
        assert_eq!(outcome.reply(), (401, "keysmith_token_key_unknown"));
    }
    assert_eq!(gateway.questions.len(), 1);
    gateway.advance(PAUSE_MS);
    assert!(waits(
        &gateway.request(WORKER, bearer(&token_by("invented", "b")))
    ));
}

#[test]
fn without_the_registrys_word_the_request_is_to_be_tried_again() {
    for (status, expected) in [
        (503, (503, "keysmith_provider_unavailable")),
        (429, (503, "keysmith_provider_unavailable")),
        (200, (503, "keysmith_provider_unavailable")),
        (404, (401, "keysmith_token_key_unknown")),
    ] {
        let mut gateway = gateway();
        let outcome = gateway.request(WORKER, bearer(&token_by("second", "a")));
        gateway.answers.insert(PATH, (status, b"nonsense".to_vec()));
        gateway.settle();
        let stream = gateway.vms[WORKER].stream(outcome.context);
        let reply = &stream.replies[0];
        assert_eq!((reply.status, reply.details.as_str()), expected, "{status}");
        assert!(!stream.is_continued);
    }
}

#[test]
fn requests_that_wait_for_keys_are_refused_at_the_deadline() {
    let mut gateway = gateway();
    let outcomes: Vec<Outcome> = (0..3)
        .map(|number| gateway.request(WORKER, bearer(&token_by("second", &number.to_string()))))
        .collect();
    gateway.advance(ANSWER_MS);
    for outcome in outcomes {
        let stream = gateway.vms[WORKER].stream(outcome.context);
        assert_eq!(stream.replies.len(), 1);
        assert_eq!(stream.replies[0].status, 503);
    }
}
