use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://id.example";
const NOW: u64 = 1_800_000_000;

fn answered(status: u16, body: &[u8]) -> Result<IntrospectionAnswer, ProviderError> {
    let answer = Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: body.to_vec().into(),
    };
    read(&answer, ISSUER, NOW)
}

fn said(body: &Value) -> Result<IntrospectionAnswer, ProviderError> {
    answered(200, body.to_string().as_bytes())
}

#[test]
fn what_a_provider_says_of_a_good_token_is_taken_over() {
    let body = json!({"active": true, "client_id": "jack", "scope": "a b", "aud": "x", "exp": NOW + 5, "iat": NOW - 5,
        "iss": ISSUER, "token_type": "Bearer", "username": "unread"});
    let Ok(IntrospectionAnswer::Active(token)) = said(&body) else {
        panic!("it is good");
    };
    assert_eq!(
        (token.issuer.as_str(), token.client_id.as_str()),
        (ISSUER, "jack")
    );
    assert_eq!(token.scope.as_deref(), Some("a b"));
    assert_eq!(token.audiences, ["x"]);
    assert_eq!(
        (token.expires_at, token.issued_at),
        (Some(NOW + 5), Some(NOW - 5))
    );
}

#[test]
fn a_token_that_is_not_clearly_good_is_not_good() {
    for body in [
        json!({"active": false}),
        json!({"active": false, "client_id": "jack"}),
        json!({"active": true}),
        json!({"active": true, "client_id": ""}),
        json!({"active": true, "client_id": "jack", "exp": NOW}),
        json!({"active": true, "client_id": "jack", "iss": "https://other.example"}),
        json!({"active": true, "client_id": "jack", "azp": "jill"}),
        json!({"active": true, "client_id": "jack", "token_type": "DPoP"}),
        json!({"active": true, "client_id": "jack", "token_type": "refresh_token"}),
        json!({"active": true, "client_id": "jack", "cnf": {"jkt": "x"}}),
    ] {
        assert_eq!(said(&body), Ok(IntrospectionAnswer::Inactive), "{body}");
    }
}

#[test]
fn what_makes_no_sense_is_no_answer() {
    for body in [
        json!({}),
        json!([]),
        json!({"active": "true", "client_id": "jack"}),
        json!({"active": 1, "client_id": "jack"}),
        json!({"active": null}),
        json!({"active": true, "client_id": 7}),
        json!({"active": true, "client_id": "jack", "exp": "soon"}),
        json!({"active": true, "client_id": "jack", "exp": -1}),
        json!({"active": true, "client_id": "jack", "aud": [1]}),
        json!({"active": true, "client_id": "jack", "scope": ["a"]}),
    ] {
        let error = said(&body).expect_err("no sense");
        assert_eq!(error.kind, ProviderErrorKind::Garbage, "{body}");
    }
    assert!(answered(200, b"<html>").is_err());
}

#[test]
fn an_error_is_no_answer_either_unless_it_is_about_the_kind_of_token() {
    let unsupported = br#"{"error":"unsupported_token_type"}"#;
    assert_eq!(
        answered(400, unsupported),
        Ok(IntrospectionAnswer::Inactive)
    );
    for status in [301, 400, 401, 403, 404, 429, 500, 503] {
        let error =
            answered(status, br#"{"active":true,"client_id":"jack"}"#).expect_err("an error");
        assert_eq!(error.kind, ProviderErrorKind::Unavailable, "{status}");
    }
}

#[test]
fn the_question_proves_who_asks_and_shows_nothing_in_a_log() {
    let address = "https://id.example/introspect".parse().unwrap();
    let call = call(address, ("a b", "s:3%"), "to&ken").unwrap();
    let authorization = &call.headers[1].1;
    // base64("a+b:s%3A3%25")
    assert_eq!(authorization, "Basic YStiOnMlM0EzJTI1");
    assert!(authorization.is_sensitive());
    assert_eq!(
        &call.body[..],
        b"token=to%26ken&token_type_hint=access_token"
    );
}
