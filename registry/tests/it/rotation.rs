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

#[tokio::test]
async fn a_grace_period_ends_early_either_way() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    let path = format!("/v1/credentials/{}", text(&issued["id"]));
    let admin = registry.admin();
    let rotate = format!("{path}/rotate");
    let (finish, cancel) = (format!("{rotate}/finish"), format!("{rotate}/cancel"));
    for nothing in [&finish, &cancel] {
        let refused = admin.send(Method::POST, nothing, &[], Bytes::new()).await;
        let problem = refused.is_problem(409, "conflict", None);
        assert!(text(&problem["detail"]).contains("no grace period is running"));
    }
    admin
        .post(&rotate, json!({"grace_period": 60}))
        .await
        .has(200);
    let stale = [("if-match", "\"1\"")];
    let refused = admin
        .send(Method::POST, &cancel, &stale, Bytes::new())
        .await;
    refused.is_problem(412, "precondition-failed", Some("If-Match"));
    let cancelled = admin.send(Method::POST, &cancel, &[], Bytes::new()).await;
    let cancelled = cancelled.has(200);
    assert!(cancelled.headers.contains_key("keysmith-revision"));
    assert_eq!(cancelled.json()["secrets"][0]["version"], 1);
    assert_eq!(states(&cancelled.json()), ["current"]);
    admin
        .post(&rotate, json!({"grace_period": 60}))
        .await
        .has(200);
    let finished = admin.send(Method::POST, &finish, &[], Bytes::new()).await;
    let finished = finished.has(200);
    assert_eq!(
        finished.header("etag"),
        admin.get(&path).await.header("etag")
    );
    assert_eq!(finished.json()["secrets"][0]["version"], 3);
    assert_eq!(states(&finished.json()), ["current"]);
}

#[tokio::test]
async fn what_is_deleted_is_not_rotated() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    let path = format!("/v1/credentials/{}", text(&issued["id"]));
    registry.admin().delete(&path).await.has(204);
    let rotate = format!("{path}/rotate");
    let refused = registry.admin().post(&rotate, json!({})).await;
    let problem = refused.is_problem(409, "conflict", None);
    assert!(text(&problem["detail"]).starts_with("the credential was revoked"));
}

#[tokio::test]
async fn silence_may_end_a_grace_period_but_not_within_a_day() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    let path = format!("/v1/credentials/{}/rotate", text(&issued["id"]));
    let admin = registry.admin();
    for (grace, silence) in [(604_800, 86_399), (86_400, 86_400), (0, 86_400)] {
        let body = json!({"grace_period": grace, "end_after_silence": silence});
        let refused = admin.post(&path, body).await;
        refused.is_problem(400, "invalid-value", Some("end_after_silence"));
    }
    let body = json!({"grace_period": 604_800, "end_after_silence": 86_400});
    let rotated = admin.post(&path, body).await.has(200).json();
    assert_eq!(rotated["secrets"][1]["end_after_silence"], 86_400);
}

#[tokio::test]
async fn a_credential_comes_due_and_says_so_everywhere() {
    let registry = TestRegistry::with(&[("KEYSMITH_ROTATE_EVERY_SECONDS", "7200")]).await;
    let app = registry.application("billing").await;
    let policy = registry
        .credential(&app, json!({"type": "api_key", "name": "policy"}))
        .await;
    assert_eq!(policy["rotate_every"], Value::Null);
    let expected = json!({"every": 7200, "due_at": "2027-01-15T10:00:00.000Z", "state": "fresh"});
    assert_eq!(policy["rotation"], expected);
    let own = json!({"type": "api_key", "name": "own", "rotate_every": 14_400});
    let own = registry.credential(&app, own).await;
    assert_eq!(own["rotation"]["every"], 14_400);
    registry.clock.advance(Duration::from_hours(2));
    let state = async |credential: &Value| {
        let path = format!("/v1/credentials/{}", text(&credential["id"]));
        let shown = registry.admin().get(&path).await.has(200).json();
        text(&shown["rotation"]["state"])
    };
    assert_eq!(state(&policy).await, "due");
    assert_eq!(state(&own).await, "due_soon");

    // A start looks at once.
    let data = registry.stop().await;
    let registry = data
        .start(&[("KEYSMITH_ROTATE_EVERY_SECONDS", "7200")])
        .await;
    let mut metrics = String::new();
    while !metrics.contains("keysmith_credentials_rotation_due 1") {
        tokio::task::yield_now().await;
        metrics = registry.operator().get("/metrics").await.text();
    }
    assert!(
        metrics.contains("keysmith_credentials_rotation_due_soon 1"),
        "{metrics}"
    );
}
