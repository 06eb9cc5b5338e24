//! Tokens that name a key which the feed has not told of.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    decide::{Decision, Question},
    feed::{Issuer, Operation},
    gateway::access_tokens::{IssuerKeysAnswer, IssuerKeysQuestion},
    snapshot::PAUSE_MS,
};
use serde_json::{Value, json};

use crate::{
    tokens::{signed, token, with},
    world::{
        NOW, World, headers,
        registry::{ISSUER, issuer},
        serialize,
    },
};

const JWTS: &str = r#"{"bearer": {"accept": ["jwt"], "audiences": ["https://api.example"]}}]"#;
const ASKS: &str = "ask https://issuer.example for key-2";

/// A good token of the issuer's second key.
fn with_second_key(changes: &Value) -> String {
    let claims = json!({
        "iss": ISSUER, "aud": "https://api.example", "client_id": "client",
        "iat": NOW / 1000 - 10, "exp": NOW / 1000 + 600,
    });
    with(&signed(2, &json!({"typ": "at+jwt"}), claims, changes))
}

/// The question that the request comes to, noted as asked.
fn asked(world: &mut World, request: &str) -> IssuerKeysQuestion {
    let question = world.decide(&serialize(&headers(request)), |decision| match decision {
        Decision::Ask(Question::IssuerKeys(question)) => *question,
        other => panic!("{other:?}"),
    });
    world.snapshot.note_asked(&question, world.monotonic_ms);
    question
}

/// What the registry knows at that position in its log.
fn answer(numbers: &[u8], revision: u64) -> IssuerKeysAnswer {
    let keys = numbers
        .iter()
        .flat_map(|number| issuer(ISSUER, *number).keys);
    IssuerKeysAnswer {
        issuer: Issuer {
            keys: keys.collect(),
            ..issuer(ISSUER, 1)
        },
        revision,
    }
}

/// A world whose registry has told of the issuer's second key.
fn told() -> World {
    let mut world = World::new(JWTS);
    let question = asked(&mut world, &with_second_key(&json!({})));
    let answer = answer(&[1, 2], world.revision());
    world.snapshot.take_issuer_keys(&question, Some(answer));
    world
}

#[test]
fn a_key_that_is_not_known_is_asked_for_and_then_good() {
    let request = with_second_key(&json!({}));
    let mut world = World::new(JWTS);
    assert_eq!(world.says(&request), ASKS);
    let mut world = told();
    assert_eq!(world.says(&request), "pass bearer billing");
    let first = with(&token("client", &json!({})));
    assert_eq!(world.says(&first), "pass bearer billing");
}

#[test]
fn only_a_token_that_is_otherwise_good_is_worth_a_question() {
    for (changes, reason) in [
        (json!({"iss": "https://other.example"}), "issuer"),
        (json!({"aud": "another"}), "audience"),
        (json!({"exp": 1}), "expired"),
    ] {
        let mut world = World::new(JWTS);
        let expected = format!("401 keysmith_token_{reason}");
        assert_eq!(world.says(&with_second_key(&changes)), expected);
    }
}

#[test]
fn requests_join_the_question_that_is_open_and_later_ones_are_refused_for_a_while() {
    let request = with_second_key(&json!({}));
    let mut world = World::new(JWTS);
    let question = asked(&mut world, &request);
    assert_eq!(world.says(&request), ASKS);
    // There is no such key.
    let answered = answer(&[1], world.revision());
    world.snapshot.take_issuer_keys(&question, Some(answered));
    let unknown = "401 keysmith_token_key_unknown";
    assert_eq!(world.says(&request), unknown);
    world.wait(PAUSE_MS - 1);
    assert_eq!(world.says(&request), unknown);
    world.wait(1);
    assert_eq!(world.says(&request), ASKS);
}

#[test]
fn an_issuer_that_the_registry_does_not_know_has_no_such_key() {
    let request = with_second_key(&json!({}));
    let mut world = World::new(JWTS);
    let question = asked(&mut world, &request);
    world.snapshot.take_issuer_keys(&question, None);
    assert_eq!(world.says(&request), "401 keysmith_token_key_unknown");
}

#[test]
fn while_nobody_can_be_asked_it_is_not_the_tokens_fault() {
    let request = with_second_key(&json!({}));
    let mut world = World::new(JWTS);
    let question = asked(&mut world, &request);
    world.snapshot.note_unanswered(&question);
    assert_eq!(world.says(&request), "503 keysmith_provider_unavailable");
    world.wait(PAUSE_MS);
    assert_eq!(world.says(&request), ASKS);
}

#[test]
fn an_answer_never_stands_before_what_the_feed_has_brought_since() {
    // The second key was withdrawn after the registry had answered.
    let request = with_second_key(&json!({}));
    let mut world = told();
    assert_eq!(world.says(&request), "pass bearer billing");
    world.change(Operation::PutIssuer(issuer(ISSUER, 1)));
    assert_eq!(world.says(&request), "401 keysmith_token_key_unknown");
    // And before the answer came.
    let mut world = World::new(JWTS);
    let question = asked(&mut world, &request);
    let late = answer(&[1, 2], world.revision());
    world.change(Operation::PutIssuer(issuer(ISSUER, 1)));
    assert_eq!(world.says(&request), ASKS);
    world.snapshot.take_issuer_keys(&question, Some(late));
    assert_eq!(world.says(&request), "401 keysmith_token_key_unknown");
}

#[test]
fn an_answer_counts_until_the_feed_has_come_as_far() {
    let request = with_second_key(&json!({}));
    let mut world = World::new(JWTS);
    let question = asked(&mut world, &request);
    let ahead = answer(&[1, 2], world.revision() + 2);
    world.snapshot.take_issuer_keys(&question, Some(ahead));
    // Something else happened first.
    world.change(Operation::RemoveIssuer("https://plain.example".to_owned()));
    assert_eq!(world.says(&request), "pass bearer billing");
    let mut both = issuer(ISSUER, 1);
    both.keys.extend(issuer(ISSUER, 2).keys);
    world.change(Operation::PutIssuer(both));
    assert_eq!(world.says(&request), "pass bearer billing");
    world.change(Operation::PutIssuer(issuer(ISSUER, 1)));
    assert_eq!(world.says(&request), "401 keysmith_token_key_unknown");
}

#[test]
fn an_answer_is_used_for_its_keys_alone() {
    let request = with_second_key(&json!({}));
    let mut world = World::new(JWTS);
    let question = asked(&mut world, &request);
    let mut lenient = answer(&[1, 2], world.revision());
    lenient.issuer.types_its_tokens = false;
    world.snapshot.take_issuer_keys(&question, Some(lenient));
    let claims = json!({
        "iss": ISSUER, "aud": "https://api.example", "client_id": "client", "exp": NOW / 1000 + 600,
    });
    let untyped = signed(2, &json!({"typ": "JWT"}), claims, &json!({}));
    assert_eq!(world.says(&with(&untyped)), "401 keysmith_token_type");
    assert_eq!(world.says(&request), "pass bearer billing");
    // Nor does it bring an issuer back that is gone.
    world.change(Operation::RemoveIssuer(ISSUER.to_owned()));
    assert_eq!(world.says(&request), "401 keysmith_token_issuer");
}

#[test]
fn an_answer_about_another_issuer_is_none() {
    let request = with_second_key(&json!({}));
    let mut world = World::new(JWTS);
    let question = asked(&mut world, &request);
    let mut other = answer(&[1, 2], world.revision());
    other.issuer.name = "https://other.example".to_owned();
    world.snapshot.take_issuer_keys(&question, Some(other));
    assert_eq!(world.says(&request), "401 keysmith_token_key_unknown");
}
