//! `/v1/credentials/{id}/rotate`.

use std::time::Duration;

use axum::{body::Bytes, http::Method};
use serde_json::{Value, json};

use crate::support::{TestRegistry, text};

fn states(credential: &Value) -> Vec<String> {
    let secrets = credential["secrets"].as_array().unwrap();
    secrets
        .iter()
        .map(|secret| text(&secret["state"]))
        .collect()
}

#[tokio::test]
async fn an_empty_body_replaces_the_secret_at_once() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    let path = format!("/v1/credentials/{}/rotate", text(&issued["id"]));
    let rotated = registry
        .admin()
        .send(Method::POST, &path, &[], Bytes::new())
        .await
        .has(200)
        .json();
    assert_eq!(rotated["id"], issued["id"]);
    assert_eq!(rotated["identifier"], issued["identifier"]);
    assert_ne!(rotated["secret"]["value"], issued["secret"]["value"]);
    assert_eq!(states(&rotated), ["current"]);
    assert_eq!(rotated["secrets"][0]["version"], 2);
}

#[tokio::test]
async fn during_a_grace_period_both_secrets_are_shown() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    let path = format!("/v1/credentials/{}", text(&issued["id"]));
    let rotate = format!("{path}/rotate");
    let rotated = registry
        .admin()
        .post(&rotate, json!({"grace_period": 60}))
        .await
        .has(200)
        .json();
    assert_eq!(states(&rotated), ["current", "retiring"]);
    assert_eq!(rotated["secrets"][1]["until"], "2027-01-15T08:01:00.000Z");
    registry.clock.advance(Duration::from_secs(61));
    let later = registry.admin().get(&path).await.has(200).json();
    assert_eq!(states(&later), ["current"]);
}

#[tokio::test]
async fn a_basic_credential_takes_a_new_password_and_name() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(
            &app,
            json!({"type": "basic", "name": "b", "username": "ann"}),
        )
        .await;
    let path = format!("/v1/credentials/{}/rotate", text(&issued["id"]));
    let body = json!({"username": "bob", "password": "correct horse battery"});
    let rotated = registry.admin().post(&path, body).await.has(200).json();
    assert_eq!(rotated["username"], "bob");
    assert_eq!(rotated["secret"], Value::Null);
}

#[tokio::test]
async fn a_rotation_that_does_not_fit_is_refused_with_its_field() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    let path = format!("/v1/credentials/{}/rotate", text(&issued["id"]));
    for (body, field) in [
        (json!({"grace_period": -1}), "grace_period"),
        (json!({"grace_period": 1e12}), "grace_period"),
        (json!({"grace_period": 99_999_999}), "grace_period"),
        (json!({"grace_period": null}), "grace_period"),
        (json!({"username": "ann"}), "username"),
        (json!({"value": "short"}), "value"),
        (json!({"value": "x", "username": "y"}), "value"),
        (json!({"grace": 5}), "grace"),
    ] {
        let reply = registry.admin().post(&path, body.clone()).await;
        assert_eq!(reply.status, 400, "{body}");
        reply.is_problem(400, "invalid-value", Some(field));
    }
}

#[tokio::test]
async fn a_rotation_may_insist_on_a_version() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    let path = format!("/v1/credentials/{}", text(&issued["id"]));
    let rotate = format!("{path}/rotate");
    let tag = registry.admin().get(&path).await.header("etag");
    registry
        .admin()
        .post_with(&rotate, &[("if-match", &tag)], json!({}))
        .await
        .has(200);
    let again = registry
        .admin()
        .post_with(&rotate, &[("if-match", &tag)], json!({}))
        .await;
    again.is_problem(412, "precondition-failed", Some("If-Match"));
}
