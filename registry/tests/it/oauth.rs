//! `/oauth2/token`, `/oauth2/introspect` and `/oauth2/revoke`: how they answer, whatever is sent.

use axum::{body::Bytes, http::Method};
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestRegistry, text};

const FORM: &str = "application/x-www-form-urlencoded";
const ENDPOINTS: [&str; 3] = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"];

/// A registry and a client of it.
async fn prepared() -> (TestRegistry, Client) {
    let registry = TestRegistry::with(&[("KEYSMITH_PUBLIC_URL", "https://keys.example")]).await;
    let app = registry.application("billing").await;
    let client = Client::of(&registry, &app, json!({"scopes": ["orders:read"]})).await;
    (registry, client)
}

/// What is asked of each endpoint so that nothing is wrong.
fn right(path: &str) -> &'static str {
    match path {
        "/oauth2/token" => "grant_type=client_credentials",
        _ => "token=abc",
    }
}

#[track_caller]
fn is_refusal(reply: &Reply, status: u16, error: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["error"], error, "{body}");
    let description = text(&body["error_description"]);
    let is_allowed = |it: char| matches!(it, ' '..='!' | '#'..='[' | ']'..='~');
    assert!(description.chars().all(is_allowed), "{description}");
}

async fn send(registry: &TestRegistry, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let body = Bytes::from(body.to_owned());
    let stranger = registry.stranger();
    stranger.send(Method::POST, path, headers, body).await
}

#[tokio::test]
async fn what_is_answered_is_kept_by_nobody() {
    let (_registry, client) = prepared().await;
    let form = "grant_type=client_credentials";
    let given = client.ask("/oauth2/token", form).await.has(200);
    let token = text(&given.json()["access_token"]);
    let form = format!("token={token}&token_type_hint=refresh_token");
    let asked = client.ask("/oauth2/introspect", &form).await.has(200);
    for reply in [given, asked] {
        assert_eq!(reply.header("content-type"), "application/json");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("pragma"), "no-cache");
    }
    // A wrong hint is no reason not to find it (RFC 7009 section 2.1).
    let revoked = client.ask("/oauth2/revoke", &form).await.has(200);
    assert!(revoked.body.is_empty());
    assert_eq!(client.introspect(&token).await, json!({"active": false}));
    // What is no token is not good, and revoking it is no mistake.
    let form = "token=no-token";
    let asked = client.ask("/oauth2/introspect", form).await.has(200);
    assert_eq!(asked.json(), json!({"active": false}));
    client.ask("/oauth2/revoke", form).await.has(200);
}

#[tokio::test]
async fn whoever_comes_by_basic_and_fails_is_told_to_try_again_so() {
    let (registry, client) = prepared().await;
    for path in ENDPOINTS {
        let basic = "Basic bm9ib2R5Om5vdGhpbmc=";
        let headers = [("content-type", FORM), ("authorization", basic)];
        let reply = send(&registry, path, &headers, right(path)).await;
        is_refusal(&reply, 401, "invalid_client");
        let challenge = reply.header("www-authenticate");
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
        // Who did not come so is not.
        let body = format!("{}&client_id=nobody&client_secret=nothing", right(path));
        for body in [body.as_str(), right(path)] {
            let reply = send(&registry, path, &[("content-type", FORM)], body).await;
            is_refusal(&reply, 401, "invalid_client");
            assert!(reply.headers.get("www-authenticate").is_none());
        }
        // In two ways at once.
        let body = format!("{}&client_secret={}", right(path), client.secret);
        is_refusal(&client.ask(path, &body).await, 400, "invalid_request");
    }
}

#[tokio::test]
async fn what_is_no_form_or_says_something_twice_is_refused() {
    let (registry, client) = prepared().await;
    let basic = client.basic();
    for path in ENDPOINTS {
        let authorization = ("authorization", basic.as_str());
        for (kind, body) in [
            (
                "application/json",
                r#"{"grant_type": "client_credentials"}"#,
            ),
            ("text/plain", right(path)),
            ("multipart/form-data; boundary=a", "--a--"),
        ] {
            let headers = [("content-type", kind), authorization];
            let reply = send(&registry, path, &headers, body).await;
            is_refusal(&reply, 400, "invalid_request");
        }
        let bare = send(&registry, path, &[authorization], right(path)).await;
        is_refusal(&bare, 400, "invalid_request");
        let twice = format!("{}&{}", right(path), right(path));
        for body in ["", "a=b", "token=&grant_type=", &twice] {
            is_refusal(&client.ask(path, body).await, 400, "invalid_request");
        }
        // What nobody knows is ignored, also if it is there twice.
        let unknown = format!("{}&x=1&x=2", right(path));
        client.ask(path, &unknown).await.has(200);
        let twice = format!(
            "{}&client_id={}&client_id={}",
            right(path),
            client.id,
            client.id
        );
        is_refusal(&client.ask(path, &twice).await, 400, "invalid_request");
        let large = format!("{}&x={}", right(path), "a".repeat(4 * 1024 * 1024));
        is_refusal(&client.ask(path, &large).await, 413, "invalid_request");
        let get = registry.stranger().get(path).await;
        assert_eq!(get.status, 405, "{}", get.text());
    }
}

#[tokio::test]
async fn a_nul_is_no_secret_name_or_token() {
    let (registry, client) = prepared().await;
    for path in ENDPOINTS {
        for member in ["client_id", "client_secret"] {
            let body = format!("{}&client_id=a&client_secret=b&{member}=%00", right(path));
            let reply = send(&registry, path, &[("content-type", FORM)], &body).await;
            assert!(reply.status.is_client_error(), "{}", reply.text());
        }
        let body = format!("{}&client_id=a%00b&client_secret=b", right(path));
        let reply = send(&registry, path, &[("content-type", FORM)], &body).await;
        is_refusal(&reply, 401, "invalid_client");
    }
    let asked = client.ask("/oauth2/introspect", "token=a%00b").await;
    assert_eq!(asked.has(200).json(), json!({"active": false}));
    client.ask("/oauth2/revoke", "token=a%00b").await.has(200);
    for (form, error) in [
        ("grant_type=%00", "unsupported_grant_type"),
        ("grant_type=client_credentials&scope=%00", "invalid_scope"),
        (
            "grant_type=client_credentials&resource=%00",
            "invalid_target",
        ),
    ] {
        is_refusal(&client.ask("/oauth2/token", form).await, 400, error);
    }
}

#[tokio::test]
async fn what_a_client_may_not_have_is_named() {
    let (_registry, client) = prepared().await;
    for (form, error) in [
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=client_credentials&scope=admin", "invalid_scope"),
        (
            "grant_type=client_credentials&resource=https%3A%2F%2Fbank.example",
            "invalid_target",
        ),
    ] {
        is_refusal(&client.ask("/oauth2/token", form).await, 400, error);
    }
    let form = "grant_type=client_credentials&scope=";
    let given = client.ask("/oauth2/token", form).await.has(200).json();
    assert_eq!(
        given["scope"], "orders:read",
        "empty is as if it were not there"
    );
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_for_how_long_to_wait() {
    let settings = [
        ("KEYSMITH_PUBLIC_URL", "https://keys.example"),
        ("KEYSMITH_ACCESS_TOKENS_PER_MINUTE", "1"),
    ];
    let registry = TestRegistry::with(&settings).await;
    let app = registry.application("billing").await;
    let client = Client::of(&registry, &app, json!({})).await;
    client.token().await;
    let form = "grant_type=client_credentials";
    let reply = client.ask("/oauth2/token", form).await;
    is_refusal(&reply, 429, "slow_down");
    assert_eq!(reply.header("retry-after"), "60");
}
