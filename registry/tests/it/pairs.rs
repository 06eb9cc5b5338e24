//! A key with a shared secret, and secrets that can be shown again.

use axum::{body::Bytes, http::Method};
use serde_json::{Value, json};

use crate::support::{TestRegistry, text};

#[tokio::test]
async fn a_key_comes_with_its_shared_secret_and_each_is_rotated_alone() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let body = json!({"type": "api_key", "name": "ci", "shared_secret": true});
    let issued = registry.credential(&app, body).await;
    assert_eq!(issued["shared_secret"], true);
    let secret = &issued["secret"];
    assert!(text(&secret["value"]).starts_with("ks_ak_"));
    assert!(text(&secret["shared_secret"]).starts_with("ks_cs_"));
    let parts = |credential: &Value| {
        let secrets = credential["secrets"].as_array().unwrap();
        secrets
            .iter()
            .map(|one| text(&one["part"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(parts(&issued), ["value", "shared"]);
    let rotate = format!("/v1/credentials/{}/rotate", text(&issued["id"]));
    let admin = registry.admin();
    let body = json!({"part": "shared", "grace_period": 60});
    let rotated = admin.post(&rotate, body).await.has(200).json();
    assert_eq!(parts(&rotated), ["value", "shared", "shared"]);
    assert_eq!(rotated["secret"].get("value"), None);
    assert!(text(&rotated["secret"]["shared_secret"]).starts_with("ks_cs_"));
    let rotated = admin.post(&rotate, json!({})).await.has(200).json();
    assert_eq!(rotated["secret"].get("shared_secret"), None);
    let own = json!({"part": "shared", "value": "an-own-key-of-20-characters"});
    let refused = admin.post(&rotate, own).await;
    refused.is_problem(400, "invalid-value", Some("value"));
}

#[tokio::test]
async fn what_is_not_a_key_has_no_shared_secret() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let path = format!("/v1/applications/{app}/credentials");
    let admin = registry.admin();
    let body = json!({"type": "basic", "name": "b", "username": "ann", "shared_secret": true});
    let refused = admin.post(&path, body).await;
    refused.is_problem(400, "invalid-value", Some("shared_secret"));
    let plain = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    assert_eq!(plain["secret"].get("shared_secret"), None);
    let rotate = format!("/v1/credentials/{}/rotate", text(&plain["id"]));
    let refused = admin.post(&rotate, json!({"part": "shared"})).await;
    refused.is_problem(400, "invalid-value", Some("part"));
}

#[tokio::test]
async fn a_retrievable_secret_is_revealed_where_the_settings_allow_it() {
    let allowed = [("KEYSMITH_ALLOW_RETRIEVABLE_SECRETS", "true")];
    let registry = TestRegistry::with(&allowed).await;
    let app = registry.application("billing").await;
    let body = json!({"type": "api_key", "name": "ci", "secret_type": "retrievable"});
    let issued = registry.credential(&app, body.clone()).await;
    let path = format!("/v1/credentials/{}", text(&issued["id"]));
    let reveal = format!("{path}/reveal");
    let shown = registry.admin();
    let shown = shown.send(Method::POST, &reveal, &[], Bytes::new()).await;
    let shown = shown.has(200);
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(
        shown.json()["secrets"][0]["value"],
        issued["secret"]["value"]
    );
    assert_eq!(shown.json()["secrets"][0]["state"], "current");
    let plain = registry.admin().get(&path).await.has(200);
    assert!(!plain.text().contains(&text(&issued["secret"]["value"])));
    let audit = format!(
        "/v1/audit?action=credential.revealed&credential={}",
        text(&issued["id"])
    );
    let noted = registry.admin().get(&audit).await.has(200).json();
    assert_eq!(noted["items"].as_array().unwrap().len(), 1);

    let registry = registry.stop().await.start(&[]).await;
    let admin = registry.admin();
    let refused = admin.send(Method::POST, &reveal, &[], Bytes::new()).await;
    let problem = refused.is_problem(400, "invalid-value", Some("secret_type"));
    assert!(text(&problem["detail"]).contains("allow_retrievable_secrets"));
    let create = format!("/v1/applications/{app}/credentials");
    let refused = admin.post(&create, body).await;
    let problem = refused.is_problem(400, "invalid-value", Some("secret_type"));
    assert!(text(&problem["detail"]).contains("allow_retrievable_secrets"));
}

#[tokio::test]
async fn a_hashed_secret_cannot_be_revealed() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    assert_eq!(issued["secret_type"], "hashed");
    let path = format!("/v1/credentials/{}/reveal", text(&issued["id"]));
    let refused = registry.admin();
    let refused = refused.send(Method::POST, &path, &[], Bytes::new()).await;
    refused.is_problem(409, "conflict", None);
}
