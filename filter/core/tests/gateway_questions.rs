//! What gateways ask about access tokens, and what they are answered, as it is written.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    feed::Issuer,
    gateway::access_tokens::{
        ActiveToken, IntrospectionAnswer, IntrospectionQuestion, IssuerKeysAnswer,
        IssuerKeysQuestion,
    },
    jwt::{Algorithm, ClientClaim, PublicKey, VerificationKey},
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

#[expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
fn written(message: &impl serde::Serialize) -> Value {
    serde_json::to_value(message).unwrap()
}

#[test]
fn a_question_for_keys_names_issuer_and_key() {
    let question = IssuerKeysQuestion {
        issuer: "https://issuer.example".to_owned(),
        key_id: "2026-11".to_owned(),
    };
    let expected = json!({"issuer": "https://issuer.example", "key_id": "2026-11"});
    assert_eq!(written(&question), expected);
    assert_eq!(
        serde_json::from_value::<IssuerKeysQuestion>(expected).unwrap(),
        question
    );
}

#[test]
fn an_issuer_is_answered_with_its_keys_and_its_position_in_the_log() {
    let answer = IssuerKeysAnswer {
        issuer: Issuer {
            name: "https://issuer.example".to_owned(),
            client_claim: ClientClaim::ClientId,
            types_its_tokens: true,
            introspects: true,
            keys: vec![VerificationKey {
                id: Some("2026-11".to_owned()),
                algorithm: Algorithm::Ed25519,
                key: PublicKey::Ed25519([7; 32]),
            }],
            revoked: vec![[3; 16]],
        },
        revision: 17,
    };
    let value = written(&answer);
    assert_eq!(value["issuer"]["name"], "https://issuer.example");
    assert_eq!(value["revision"], 17);
    assert_eq!(
        serde_json::from_value::<IssuerKeysAnswer>(value).unwrap(),
        answer
    );
}

#[test]
fn a_question_about_a_token_never_shows_it_in_a_log() {
    let question = IntrospectionQuestion {
        token: Zeroizing::new("foreign-token".to_owned()),
        issuers: vec!["https://issuer.example".to_owned()],
    };
    let expected = json!({"token": "foreign-token", "issuers": ["https://issuer.example"]});
    assert_eq!(written(&question), expected);
    assert!(!format!("{question:?}").contains("foreign-token"));
}

#[test]
fn an_answer_about_a_token_says_what_is_known() {
    let token = ActiveToken {
        issuer: "https://issuer.example".to_owned(),
        client_id: "client".to_owned(),
        scope: None,
        audiences: Vec::new(),
        expires_at: Some(1_800_000_000),
        not_before: None,
        issued_at: None,
    };
    for (answer, expected) in [
        (IntrospectionAnswer::Inactive, json!({"active": false})),
        (
            IntrospectionAnswer::Active(token),
            json!({"active": true, "issuer": "https://issuer.example", "client_id": "client", "expires_at": 1_800_000_000}),
        ),
    ] {
        assert_eq!(written(&answer), expected);
        assert_eq!(
            serde_json::from_value::<IntrospectionAnswer>(expected).unwrap(),
            answer
        );
    }
    for bad in [
        json!({"active": true, "issuer": "x"}),
        json!({"active": true, "client_id": "x"}),
        json!({"active": "true"}),
        json!({"active": false, "exp": 1}),
    ] {
        assert!(serde_json::from_value::<IntrospectionAnswer>(bad).is_err());
    }
}
