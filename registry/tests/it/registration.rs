//! `/oauth2/register`: what everybody is told who may not.

use axum::{body::Bytes, http::Method};
use serde_json::{Value, json};

use crate::support::{Reply, TestRegistry, text};

const JSON: (&str, &str) = ("content-type", "application/json");

#[track_caller]
fn is_refusal(reply: &Reply, status: u16, error: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(body["error"], error, "{body}");
    let description = text(&body["error_description"]);
    assert!(description.chars().all(|it| matches!(it, ' '..='~')));
}

#[tokio::test]
async fn whoever_has_no_registration_token_is_asked_for_one() {
    let registry = TestRegistry::start().await;
    let body = || Bytes::from_static(b"{}");
    // A token for the registry's API is none.
    for actor in [
        registry.stranger(),
        registry.admin(),
        registry.bearer("ks_rt_invented"),
    ] {
        for (method, path) in [
            (Method::POST, "/oauth2/register"),
            (Method::GET, "/oauth2/register/client_invented"),
            (Method::DELETE, "/oauth2/register/client_invented"),
        ] {
            let reply = actor.send(method, path, &[JSON], body()).await;
            is_refusal(&reply, 401, "invalid_token");
            assert!(
                reply
                    .header("www-authenticate")
                    .starts_with("Bearer realm=")
            );
        }
    }
}

#[tokio::test]
async fn a_registration_token_is_shown_once_and_opens_nothing_else() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let admin = registry.admin();
    let collection = "/v1/registration-tokens";
    let made = admin.post(collection, json!({"application": app})).await;
    let made = made.has(201).json();
    let value = text(&made["token"]);
    let listed = admin.get(collection).await.has(200);
    assert!(!listed.text().contains(&value));
    let bearer = registry.bearer(&value);
    bearer.get("/v1/applications").await.has(401);
    let statement = json!({"software_statement": "e30.e30."}).to_string();
    for (kind, body, error) in [
        (
            "application/json",
            statement.as_str(),
            "unapproved_software_statement",
        ),
        ("application/json", "[]", "invalid_request"),
        ("application/json", "{", "invalid_request"),
        ("text/plain", "{}", "invalid_request"),
    ] {
        let headers = [("content-type", kind)];
        let body = Bytes::copy_from_slice(body.as_bytes());
        let reply = bearer
            .send(Method::POST, "/oauth2/register", &headers, body)
            .await;
        is_refusal(&reply, 400, error);
    }
    let large = Bytes::from(vec![b' '; 4 * 1024 * 1024]);
    let reply = bearer
        .send(Method::POST, "/oauth2/register", &[JSON], large)
        .await;
    is_refusal(&reply, 413, "invalid_request");
    let path = format!("{collection}/{}", text(&made["id"]));
    admin.delete(&path).await.has(204);
    let reply = bearer
        .send(
            Method::POST,
            "/oauth2/register",
            &[JSON],
            Bytes::from_static(b"{}"),
        )
        .await;
    is_refusal(&reply, 401, "invalid_token");
}
