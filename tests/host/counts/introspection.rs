//! What a token costs about which its issuer is asked: one question a minute, however often it comes, and in between what
//! an API key costs.

use counting_host::{
    entry::Tally,
    gateway::{Gateway, Outcome},
    registry::Registry,
};
use filter_core::{
    digest::SecretHash,
    feed::{CredentialKind, Issuer},
    gateway::access_tokens::{ActiveToken, IntrospectionAnswer, IntrospectionQuestion},
};

use crate::{
    callers::{basic, bearer, with},
    jwt::{ISSUER, WORKER, issuer},
};

const PATH: &str = "/v1/gateway/introspect";
const TOKEN: &str = "WuYNIV7PKfBsYTLY2H2m4tNi-9Yx1a0Zb3uQ5c7d_2E";
const RULES: &str = r#"[{"bearer": {"accept": ["introspection"],
    "issuers": ["https://issuer.example"], "audiences": ["https://api.example"]}}]"#;
const MAX_WAITING: usize = 64;

fn registry() -> Registry {
    let mut registry = Registry::with_api_keys(1000);
    registry.put_issuer(Issuer {
        introspects: true,
        ..issuer(&[])
    });
    let hash = SecretHash::of_client(ISSUER, "client");
    registry.put(registry.credential(150, CredentialKind::OauthClient, &hash));
    let chosen = SecretHash::of_username(b"bob");
    registry.put(registry.credential(151, CredentialKind::BasicChosen, &chosen));
    registry
}

fn gateway() -> Gateway {
    let mut gateway = Gateway::ready(registry(), 1, RULES);
    gateway.request(WORKER, with(&[]));
    gateway
}

/// What the registry answers to every question from now on.
fn tell(gateway: &mut Gateway, answer: &IntrospectionAnswer) {
    let body = serde_json::to_vec(answer).expect("JSON");
    gateway.answers.insert(PATH, (200, body));
}

fn active() -> IntrospectionAnswer {
    IntrospectionAnswer::Active(ActiveToken {
        issuer: ISSUER.to_owned(),
        client_id: "client".to_owned(),
        scope: None,
        audiences: vec!["https://api.example".to_owned()],
        expires_at: None,
        not_before: None,
        issued_at: None,
    })
}

fn waits(outcome: &Outcome) -> bool {
    !outcome.passes && outcome.stream.replies.is_empty()
}

/// A gateway that knows the token.
fn told() -> Gateway {
    let mut gateway = gateway();
    tell(&mut gateway, &active());
    let outcome = gateway.request(WORKER, bearer(TOKEN));
    assert!(waits(&outcome), "{outcome:?}");
    gateway.settle();
    assert!(gateway.vms[WORKER].stream(outcome.context).is_continued);
    gateway
}

#[test]
fn requests_with_one_token_wait_for_one_question() {
    let mut gateway = gateway();
    let outcomes: Vec<Outcome> = (0..5)
        .map(|_| gateway.request(WORKER, bearer(TOKEN)))
        .collect();
    assert!(outcomes.iter().all(waits));
    tell(&mut gateway, &active());
    gateway.settle();
    for outcome in outcomes {
        assert!(gateway.vms[WORKER].stream(outcome.context).is_continued);
    }
    let [question] = gateway.questions.as_slice() else {
        panic!("not one question: {:?}", gateway.questions);
    };
    let question: IntrospectionQuestion = serde_json::from_slice(&question.body).expect("JSON");
    assert_eq!(question.token.as_str(), TOKEN);
    assert_eq!(question.issuers, [ISSUER]);
}

#[test]
fn a_token_that_was_asked_about_costs_what_a_key_costs() {
    let mut gateway = told();
    let outcome = gateway.request(WORKER, bearer(TOKEN));
    assert!(outcome.passes);
    let decision = outcome.decision();
    assert_eq!(
        decision.tally(),
        Tally::from([
            ("proxy_get_header_map_pairs", 1),
            ("proxy_get_current_time_nanoseconds", 1),
            ("proxy_replace_header_map_value", 2),
        ])
    );
    assert_eq!(decision.landings, 1, "calls that return data");
}

/// Of a token that is remembered, three hashes more than a key takes; 89,051 when this was written.
const INSTRUCTIONS: u64 = 95_000;

#[test]
fn a_token_that_was_asked_about_takes_few_instructions() {
    let mut gateway = told();
    gateway.request(WORKER, bearer(TOKEN));
    let outcome = gateway.request(WORKER, bearer(TOKEN));
    let taken = outcome.decision().instructions;
    assert!(taken <= INSTRUCTIONS, "{taken}");
}

#[test]
fn a_client_that_is_gone_is_refused_at_once_although_its_token_is_remembered() {
    let mut gateway = told();
    let hash = SecretHash::of_client(ISSUER, "client");
    let mut client = gateway
        .registry
        .credential(150, CredentialKind::OauthClient, &hash);
    client.enabled = false;
    gateway.registry.put(client);
    gateway.advance(100);
    let outcome = gateway.request(WORKER, bearer(TOKEN));
    assert_eq!(outcome.reply(), (401, "keysmith_credential_disabled"));
    assert_eq!(gateway.questions.len(), 1);
}

#[test]
fn a_token_is_asked_about_again_after_a_minute() {
    let mut gateway = told();
    gateway.advance(60_000);
    assert!(waits(&gateway.request(WORKER, bearer(TOKEN))));
    tell(&mut gateway, &IntrospectionAnswer::Inactive);
    gateway.settle();
    let outcome = gateway.request(WORKER, bearer(TOKEN));
    assert_eq!(outcome.reply(), (401, "keysmith_token_inactive"));
    gateway.advance(10_000);
    assert!(waits(&gateway.request(WORKER, bearer(TOKEN))));
}

#[test]
fn without_the_issuers_word_the_request_is_to_be_tried_again() {
    for (status, details) in [
        (503, "keysmith_provider_unavailable"),
        (500, "keysmith_provider_unavailable"),
        (200, "keysmith_provider_unavailable"),
        (429, "keysmith_provider_overloaded"),
    ] {
        let mut gateway = gateway();
        let outcome = gateway.request(WORKER, bearer(TOKEN));
        gateway.answers.insert(PATH, (status, b"nonsense".to_vec()));
        gateway.settle();
        let reply = &gateway.vms[WORKER].stream(outcome.context).replies[0];
        assert_eq!((reply.status, reply.details.as_str()), (503, details));
    }
}

#[test]
fn tokens_that_are_made_up_keep_nobody_with_a_password_waiting() {
    let rules = RULES.replace(r#"[{"bearer""#, r#"[{"basic_auth": {}, "bearer""#);
    let mut gateway = Gateway::ready(registry(), 1, &rules);
    gateway.is_answering = false;
    for number in 0..MAX_WAITING {
        let outcome = gateway.request(WORKER, bearer(&format!("guess-{number}")));
        assert!(waits(&outcome));
    }
    let outcome = gateway.request(WORKER, bearer("one-more"));
    assert_eq!(outcome.reply(), (503, "keysmith_provider_overloaded"));
    assert!(waits(&gateway.request(WORKER, basic("bob", "correct"))));
}

#[test]
fn many_tokens_are_remembered_within_bounds() {
    let mut gateway = told();
    let before = gateway.vms[WORKER].memory_bytes();
    for number in 0..20_000 {
        let token = format!("token-{number:050}");
        gateway.request(WORKER, bearer(&token));
        gateway.settle();
    }
    let grown = gateway.vms[WORKER].memory_bytes() - before;
    assert!(grown <= 32 * 1024 * 1024, "{grown}");
}
