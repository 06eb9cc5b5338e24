//! `default_key`, and `/v1/applications/{id}/default-credential`.

use axum::{body::Bytes, http::Method};
use serde_json::{Value, json};

use crate::support::{Actor, Reply, TestRegistry, text};

async fn choose(admin: &Actor, path: &str, credential: &str) -> Reply {
    let path = format!("{path}/default-credential");
    let body = Bytes::from(json!({"credential": credential}).to_string());
    let headers = [("content-type", "application/json")];
    admin.send(Method::PUT, &path, &headers, body).await
}

#[tokio::test]
async fn the_answer_that_makes_an_application_holds_its_key_and_can_be_repeated() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let body = json!({"name": "billing", "default_key": "required", "scopes": ["orders:read"]});
    let once = [("idempotency-key", "once")];
    let first = admin
        .post_with("/v1/applications", &once, body.clone())
        .await;
    let first = first.has(201);
    let made = &first.json()["default_credential"];
    assert_eq!(made["name"], "default");
    assert_eq!(made["scopes"], json!(["orders:read"]));
    assert!(text(&made["secret"]["value"]).starts_with("ks_ak_"));
    let again = admin.post_with("/v1/applications", &once, body).await;
    assert_eq!(again.has(201).body, first.body, "the secret included");
    let path = first.header("location");
    let shown = admin.get(&path).await.has(200);
    assert_eq!(shown.json()["default_key"], "required");
    assert_eq!(shown.json()["default_credential"], made["id"]);
    assert_eq!(shown.header("etag"), first.header("etag"));
    let plain = json!({"name": "plain"});
    let plain = admin.post("/v1/applications", plain).await.has(201).json();
    assert_eq!(plain["default_key"], "none");
    assert_eq!(plain["default_credential"], Value::Null);
}

#[tokio::test]
async fn the_default_can_go_once_another_took_its_place() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let body = json!({"name": "billing", "default_key": "required"});
    let made = admin.post("/v1/applications", body).await.has(201).json();
    let app = format!("/v1/applications/{}", text(&made["id"]));
    let key = format!(
        "/v1/credentials/{}",
        text(&made["default_credential"]["id"])
    );
    for body in [
        json!({"enabled": false}),
        json!({"expires_at": "2027-02-01T00:00:00Z"}),
    ] {
        let refused = admin.patch(&key, body).await;
        let problem = refused.is_problem(409, "conflict", None);
        assert!(text(&problem["detail"]).contains("make another the default first"));
    }
    admin.delete(&key).await.is_problem(409, "conflict", None);
    let next = registry
        .credential(
            &text(&made["id"]),
            json!({"type": "api_key", "name": "next"}),
        )
        .await;
    let next = text(&next["id"]);
    let chosen = choose(&admin, &app, &next).await.has(200).json();
    assert_eq!(chosen["default_credential"], next);
    admin.delete(&key).await.has(204);
    let unknown = choose(&admin, &app, &next.replace('_', "-")).await;
    unknown.is_problem(400, "invalid-value", Some("credential"));
    let gone = key.rsplit('/').next().unwrap();
    let refused = choose(&admin, &app, gone).await;
    refused.is_problem(409, "conflict", None);
    admin.delete(&app).await.has(204);
}

#[tokio::test]
async fn a_default_is_required_later_by_naming_it() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let id = registry.application("billing").await;
    let path = format!("/v1/applications/{id}");
    let missing = admin.patch(&path, json!({"default_key": "required"})).await;
    let problem = missing.is_problem(409, "conflict", None);
    assert!(text(&problem["detail"]).contains("default_credential"));
    let key = registry
        .credential(&id, json!({"type": "api_key", "name": "ci"}))
        .await;
    choose(&admin, &path, &text(&key["id"]))
        .await
        .is_problem(409, "conflict", None);
    let alone = admin
        .patch(&path, json!({"default_credential": key["id"]}))
        .await;
    alone.is_problem(400, "invalid-value", Some("default_credential"));
    let body = json!({"default_key": "required", "default_credential": key["id"]});
    let now = admin.patch(&path, body).await.has(200).json();
    assert_eq!(now["default_credential"], key["id"]);
    let lifted = admin.patch(&path, json!({"default_key": "none"})).await;
    assert_eq!(lifted.has(200).json()["default_credential"], Value::Null);
}
