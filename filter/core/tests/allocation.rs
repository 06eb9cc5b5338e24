//! The common path of a request asks for no memory: not to read the headers, not to decide, not to name who it is from.
//!
//! What the host returns lands in a buffer that is used again (see the filter's ABI), so that a VM that has served some
//! requests asks for none at all when it lets one pass. To decide that one is refused asks for none either; its answer
//! is put together in memory. This file is a test program of its own, because counting needs an allocator of its own.

#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[path = "decision/world.rs"]
#[expect(dead_code, reason = "the tables of decisions use the rest")]
mod world;

#[path = "decision/tokens.rs"]
mod tokens;

use filter_core::{
    decide::{Decision, Question, decide},
    gateway::access_tokens::{ActiveToken, IntrospectionAnswer},
    request::{Request, pairs::Pairs},
};
use serde_json::json;
use world::{NOW, World, basic, headers, registry::OPAQUE_ISSUER, serialize};

const KEYS: &str = r#"{"key_auth": {"hide_credentials": true}}]"#;
const PAIRS: &str = r#"{"key_auth": {"secret_header": "x-secret", "hide_credentials": true}}]"#;
const TOKENS: &str = r#"{"bearer": {}}]"#;
const PASSWORDS: &str = r#"{"basic_auth": {"hide_credentials": true}}]"#;

const JWTS: &str = r#"{"bearer": {"accept": ["jwt"], "audiences": ["https://api.example"]}}]"#;
const OPAQUE: &str = r#"{"bearer": {"accept": ["introspection"], "issuers": ["https://opaque.example"],
    "audiences": ["https://api.example"]}}]"#;

/// What a browser or a client library sends beside the credential.
const USUAL: &str = "user-agent: curl/8.5.0 | accept: */* | x-forwarded-proto: https | x-request-id: \
                     c1b0b0b2-7ff5-4bd4-9cbb-9a1e6f0f6a7e";

/// How often the filter asks for memory between the host's bytes and its own calls to the host. `expected` is the
/// decision in one line, and is reached with every part of the snapshot copied.
fn allocations(rules: &str, request: &str, expected: &str) -> u64 {
    let mut world = World::new(rules);
    let request = format!("{request} | {USUAL}");
    assert_eq!(world.says(&request), expected, "{request} under {rules}");
    let bytes = serialize(&headers(&request));
    let counted = allocation_counter::measure(|| handle(&world, &bytes));
    counted.count_total
}

/// As the filter does for each request: every byte that it would hand to the host is looked at.
fn handle(world: &World, bytes: &[u8]) {
    let pairs = Pairs::parse(bytes).expect("well-formed");
    let request = Request::read(pairs);
    let decision = decide(
        &world.config.policy,
        &world.snapshot,
        &request,
        world.now_ms,
    );
    let mut handed_over = 0;
    match &decision {
        Decision::Allow(allow) => {
            for name in allow.edits.removed_headers() {
                handed_over += name.len();
            }
            handed_over += allow.edits.path().map_or(0, <[u8]>::len);
            for (name, value) in allow.identity_headers() {
                handed_over += name.len() + value.as_bytes().len();
            }
        }
        Decision::Deny(denial) => {
            handed_over += denial.details().len() + denial.content_type().len();
            handed_over += denial.challenges().map(str::len).sum::<usize>();
        }
        Decision::Document(json) => handed_over += json.len(),
        other => panic!("{other:?}"),
    }
    std::hint::black_box(handed_over);
}

#[test]
fn an_accepted_key_asks_for_no_memory() {
    let passes = "pass key_auth billing -apikey";
    assert_eq!(allocations(KEYS, "GET api/ | apikey: $key", passes), 0);
    assert_eq!(
        allocations(KEYS, "GET api/a/b?c=d | apikey: $own", passes),
        0
    );
}

#[test]
fn an_accepted_pair_asks_for_no_memory() {
    let request = "GET api/ | apikey: $paired | x-secret: $shared";
    let passes = "pass key_auth billing -apikey -x-secret";
    assert_eq!(allocations(PAIRS, request, passes), 0);
}

#[test]
fn an_accepted_token_asks_for_no_memory() {
    let request = "GET api/ | authorization: Bearer $token";
    assert_eq!(allocations(TOKENS, request, "pass bearer billing"), 0);
}

#[test]
fn a_jwt_that_is_known_asks_for_memory_only_to_say_its_scopes() {
    let request = |scope| tokens::with(&tokens::token("client", &json!({"scope": scope})));
    let passes = "pass bearer billing";
    assert_eq!(allocations(JWTS, &request("orders:read"), passes), JOINED);
    assert_eq!(allocations(JWTS, &request(""), passes), 0);
}

/// The scopes that client and token have in common.
const JOINED: u64 = 1;

#[test]
fn a_token_that_was_asked_about_asks_for_memory_only_to_say_its_scopes() {
    let mut world = World::new(OPAQUE);
    let request = tokens::with("WuYNIV7PKfBsYTLY2H2m4tNi");
    let bytes = serialize(&headers(&request));
    let id = world.decide(&bytes, |decision| match decision {
        Decision::Ask(Question::Introspection(question)) => question.id,
        other => panic!("{other:?}"),
    });
    let answer = IntrospectionAnswer::Active(ActiveToken {
        issuer: OPAQUE_ISSUER.to_owned(),
        client_id: "client".to_owned(),
        scope: Some("orders:read other".to_owned()),
        audiences: vec!["https://api.example".to_owned()],
        expires_at: None,
        not_before: None,
        issued_at: None,
    });
    world.snapshot.introspections.take(id, answer, NOW);
    assert_eq!(world.says(&request), "pass bearer billing");
    let counted = allocation_counter::measure(|| handle(&world, &bytes));
    assert_eq!(counted.count_total, JOINED);
}

#[test]
fn what_is_told_about_a_resource_asks_for_no_memory() {
    let rules = r#"{"bearer": {"resource": "https://api/orders"}}]"#;
    let expected = r#"{"resource":"https://api/orders","bearer_methods_supported":["header"]}"#;
    let request = "GET api/.well-known/oauth-protected-resource/orders";
    assert_eq!(allocations(rules, request, expected), 0);
}

#[test]
fn a_generated_password_asks_for_memory_only_to_be_decoded() {
    let request = format!("GET api/ | authorization: {}", basic("ann:$password"));
    let passes = "pass basic_auth billing -authorization";
    assert_eq!(allocations(PASSWORDS, &request, passes), DECODED);
}

/// User name and password, out of base64.
const DECODED: u64 = 1;

#[test]
fn deciding_a_refusal_asks_for_no_memory() {
    let refusal = |rules, request, expected| assert_eq!(allocations(rules, request, expected), 0);
    refusal(KEYS, "GET api/", "401 keysmith_key_missing");
    refusal(
        KEYS,
        "GET api/ | apikey: $stranger",
        "401 keysmith_credential_unknown",
    );
    refusal(
        KEYS,
        "GET api/ | apikey: ks_ak_invented",
        "401 keysmith_credential_malformed",
    );
    refusal(
        KEYS,
        "GET api/ | apikey: $disabled",
        "401 keysmith_credential_disabled",
    );
    refusal(
        KEYS,
        "GET api/ | apikey: $key | apikey: $key",
        "400 keysmith_credential_repeated",
    );
    refusal(
        TOKENS,
        "GET api/ | authorization: Bearer nonsense",
        "401 keysmith_credential_unknown",
    );
}

#[test]
fn a_request_that_needs_no_credential_asks_for_no_memory() {
    let rules = r#"{"public": true}]"#;
    assert_eq!(allocations(rules, "GET api/", "pass none"), 0);
    let rules = r#"{"key_auth": {}, "anonymous": "guest"}]"#;
    assert_eq!(allocations(rules, "GET api/", "pass anonymous guest"), 0);
}
