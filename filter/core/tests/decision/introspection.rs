//! Tokens that say nothing by themselves, about which an issuer is asked.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    decide::{Decision, Question, TokenQuestion},
    digest::SecretHash,
    feed::{Issuer, Operation},
    gateway::access_tokens::{ActiveToken, IntrospectionAnswer},
    introspections::{ACTIVE_MS, INACTIVE_MS},
};

use crate::{
    tokens::with,
    world::{
        NOW, World, headers,
        registry::{ISSUER, OPAQUE_ISSUER, digest_of_client, issuer},
        serialize,
    },
};

const RULES: &str = r#"{"bearer": {"accept": ["introspection"], "issuers": ["https://opaque.example"],
    "audiences": ["https://api.example"]}}]"#;
const TOKEN: &str = "WuYNIV7PKfBsYTLY2H2m4tNi";
const ASKS: &str = "ask https://opaque.example about WuYNIV7PKfBsYTLY2H2m4tNi";
const PASSES: &str = "pass bearer billing";

fn active() -> ActiveToken {
    ActiveToken {
        issuer: OPAQUE_ISSUER.to_owned(),
        client_id: "client".to_owned(),
        scope: Some("orders:read other".to_owned()),
        audiences: vec!["https://api.example".to_owned()],
        expires_at: Some(NOW / 1000 + 600),
        not_before: None,
        issued_at: Some(NOW / 1000 - 10),
    }
}

/// Asks, and takes this answer.
fn answer(world: &mut World, answer: IntrospectionAnswer) {
    let request = serialize(&headers(&with(TOKEN)));
    let TokenQuestion { id, .. } = world.decide(&request, |decision| match decision {
        Decision::Ask(Question::Introspection(question)) => *question,
        other => panic!("{other:?}"),
    });
    let now_ms = world.monotonic_ms;
    world.snapshot.introspections.take(id, answer, now_ms);
}

/// A world whose issuer says this of the token.
fn told(token: ActiveToken) -> World {
    let mut world = World::new(RULES);
    answer(&mut world, IntrospectionAnswer::Active(token));
    world
}

#[test]
fn a_token_is_asked_about_and_remembered_for_a_minute() {
    assert_eq!(World::new(RULES).says(&with(TOKEN)), ASKS);
    let mut world = told(active());
    assert_eq!(world.says(&with(TOKEN)), PASSES);
    world.wait(ACTIVE_MS - 1);
    assert_eq!(world.says(&with(TOKEN)), PASSES);
    world.wait(1);
    assert_eq!(world.says(&with(TOKEN)), ASKS);
}

#[test]
fn a_token_never_outlives_its_end() {
    let mut world = told(active());
    world.now_ms = NOW + 600_000 - 1000;
    assert_eq!(world.says(&with(TOKEN)), PASSES);
    world.now_ms = NOW + 600_000;
    assert_eq!(world.says(&with(TOKEN)), "401 keysmith_token_expired");
    let mut endless = told(ActiveToken {
        expires_at: None,
        ..active()
    });
    assert_eq!(endless.says(&with(TOKEN)), PASSES);
}

#[test]
fn a_token_that_nobody_vouches_for_is_asked_about_again_after_ten_seconds() {
    let mut world = World::new(RULES);
    answer(&mut world, IntrospectionAnswer::Inactive);
    assert_eq!(world.says(&with(TOKEN)), "401 keysmith_token_inactive");
    world.wait(INACTIVE_MS - 1);
    assert_eq!(world.says(&with(TOKEN)), "401 keysmith_token_inactive");
    world.wait(1);
    assert_eq!(world.says(&with(TOKEN)), ASKS);
}

#[test]
fn what_the_issuer_says_is_held_against_the_rule() {
    let other = |text: &str| text.to_owned();
    for (token, reason) in [
        (
            ActiveToken {
                audiences: vec![other("https://other.example")],
                ..active()
            },
            "token_audience",
        ),
        (
            ActiveToken {
                audiences: Vec::new(),
                ..active()
            },
            "token_audience",
        ),
        (
            ActiveToken {
                not_before: Some(NOW / 1000 + 31),
                ..active()
            },
            "token_not_yet_valid",
        ),
        (
            ActiveToken {
                issuer: other(ISSUER),
                ..active()
            },
            "token_issuer",
        ),
        (
            ActiveToken {
                client_id: other("stranger"),
                ..active()
            },
            "client_unknown",
        ),
        (
            ActiveToken {
                client_id: other("renewed"),
                ..active()
            },
            "token_superseded",
        ),
    ] {
        let said = format!("{token:?}");
        let expected = format!("401 keysmith_{reason}");
        assert_eq!(told(token).says(&with(TOKEN)), expected, "{said}");
    }
    let needs = |scope: &str| {
        let rules = format!(r#"{{"required_scopes": ["{scope}"], {}"#, &RULES[1..]);
        let mut world = World::new(&rules);
        answer(&mut world, IntrospectionAnswer::Active(active()));
        world.says(&with(TOKEN))
    };
    assert_eq!(needs("orders:read"), PASSES);
    assert_eq!(needs("other"), "403 keysmith_scope_missing");
}

#[test]
fn a_client_that_is_deleted_takes_its_remembered_tokens_with_it() {
    let mut world = told(active());
    assert_eq!(world.says(&with(TOKEN)), PASSES);
    world.change(Operation::RemoveCredential(digest_of_client(
        OPAQUE_ISSUER,
        "client",
    )));
    assert_eq!(world.says(&with(TOKEN)), "401 keysmith_client_unknown");
}

#[test]
fn a_remembered_token_that_is_revoked_is_refused() {
    let mut world = told(active());
    let hash = SecretHash::of_value(TOKEN.as_bytes());
    let (digest, _) = hash.expose().split_at(16);
    world.change(Operation::PutIssuer(Issuer {
        introspects: true,
        revoked: vec![digest.try_into().expect("a half")],
        ..issuer(OPAQUE_ISSUER, 1)
    }));
    assert_eq!(world.says(&with(TOKEN)), "401 keysmith_token_revoked");
}

#[test]
fn an_issuer_that_is_not_asked_any_more_vouches_for_nothing() {
    let mut world = told(active());
    world.change(Operation::PutIssuer(issuer(OPAQUE_ISSUER, 1)));
    assert_eq!(world.says(&with(TOKEN)), "401 keysmith_token_issuer");
    let another = "aDifferentTokenOfTheSameIssuer";
    assert_eq!(world.says(&with(another)), "401 keysmith_token_issuer");
}

#[test]
fn nobody_is_asked_about_what_is_known_here_or_could_be_made_here() {
    for (token, expected) in [
        // Of this shape, but mistyped.
        ("ks_bt_invented", "401 keysmith_credential_malformed"),
        // Another's token, a key, and a key of the caller's own.
        ("$token", "401 keysmith_credential_unknown"),
        ("$stranger", "401 keysmith_credential_unknown"),
        ("$own", "401 keysmith_credential_unknown"),
        // In the form of a JWT.
        ("a.b.c", "401 keysmith_credential_unknown"),
        ("not a token", "401 keysmith_credential_malformed"),
    ] {
        assert_eq!(World::new(RULES).says(&with(token)), expected, "{token}");
    }
    let both = RULES.replace(r#"["introspection"]"#, r#"["introspection", "api_key"]"#);
    assert_eq!(World::new(&both).says(&with("$own")), PASSES);
    assert_eq!(World::new(&both).says(&with(TOKEN)), ASKS);
    let long = "x".repeat(8 * 1024 + 1);
    let too_long = "401 keysmith_token_too_long";
    assert_eq!(World::new(RULES).says(&with(&long)), too_long);
}

#[test]
fn a_no_of_one_rules_issuers_says_nothing_about_anothers() {
    let rules = r#"{"paths": [{"prefix": "/a"}], "bearer": {"accept": ["introspection"],
        "issuers": ["https://opaque.example"], "audiences": ["https://api.example"]}},
        {"bearer": {"accept": ["introspection"], "issuers": ["https://issuer.example", "https://opaque.example"],
        "audiences": ["https://api.example"]}}]"#;
    let mut world = World::new(rules);
    let first = format!("GET api/a | authorization: Bearer {TOKEN}");
    let request = serialize(&headers(&first));
    let question = world.decide(&request, |decision| match decision {
        Decision::Ask(Question::Introspection(question)) => *question,
        other => panic!("{other:?}"),
    });
    let now_ms = world.monotonic_ms;
    let inactive = IntrospectionAnswer::Inactive;
    world
        .snapshot
        .introspections
        .take(question.id, inactive, now_ms);
    assert_eq!(world.says(&first), "401 keysmith_token_inactive");
    // Of its two issuers one is asked: the other says of itself that it answers no such question.
    assert_eq!(world.says(&with(TOKEN)), ASKS);
}

#[test]
fn a_question_about_a_token_answers_others_about_the_same_one() {
    let mut world = World::new(RULES);
    let mut ask = |token: &str| {
        world.decide(
            &serialize(&headers(&with(token))),
            |decision| match decision {
                Decision::Ask(question) => question,
                other => panic!("{other:?}"),
            },
        )
    };
    let (one, same, other) = (ask(TOKEN), ask(TOKEN), ask("another"));
    assert!(one.is_answered_with(&same));
    assert!(!one.is_answered_with(&other));
}
