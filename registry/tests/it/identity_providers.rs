//! `/v1/identity-providers`: where OAuth clients are registered.

use serde_json::json;

use crate::support::{TestRegistry, text};

const COLLECTION: &str = "/v1/identity-providers";

#[tokio::test]
async fn a_provider_is_made_known_changed_and_forgotten() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let body = json!({
        "name": "keycloak", "kind": "oidc", "issuer": "https://id.example/realms/one",
        "configuration": {"registration": {"secret_rotation": {"by": "update"}}},
        "secrets": {"initial_access_token": "hush-hush"},
    });
    let made = admin.post(COLLECTION, body.clone()).await.has(201);
    let path = made.header("location");
    let tag = made.header("etag");
    assert_eq!(made.json()["capabilities"]["rotates_secrets"], true);
    assert!(!made.text().contains("hush-hush"), "{}", made.text());
    let change = json!({"description": "ours", "enabled": false});
    let changed = admin
        .patch_with(&path, &[("if-match", &tag)], change.clone())
        .await
        .has(200);
    assert_eq!(changed.json()["enabled"], false);
    let stale = admin.patch_with(&path, &[("if-match", &tag)], change).await;
    stale.is_problem(412, "precondition-failed", Some("If-Match"));
    assert_eq!(admin.get(&path).await.has(200).json(), changed.json());
    let again = admin.post(COLLECTION, body.clone()).await;
    again.is_problem(409, "conflict", Some("name"));
    let mut other = body;
    other["name"] = json!("other");
    let again = admin.post(COLLECTION, other).await;
    again.is_problem(409, "conflict", Some("issuer"));
    admin.delete(&path).await.has(204);
    admin.get(&path).await.is_problem(404, "not-found", None);
}

#[tokio::test]
async fn the_built_in_provider_is_there_from_the_start_and_stays() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let all = admin.get(COLLECTION).await.has(200).json();
    let items = all["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(
        (text(&items[0]["name"]), text(&items[0]["kind"])),
        ("builtin".to_owned(), "builtin".to_owned())
    );
    let path = format!("{COLLECTION}/{}", text(&items[0]["id"]));
    admin.delete(&path).await.is_problem(409, "conflict", None);
    let disabled = admin
        .patch_with(&path, &[], json!({"enabled": false}))
        .await;
    assert_eq!(disabled.has(200).json()["enabled"], false);
}

#[tokio::test]
async fn whoever_creates_credentials_sees_providers_and_not_how_they_are_configured() {
    let registry = TestRegistry::start().await;
    let body = json!({"name": "bridge", "kind": "http_bridge", "issuer": "https://id.example",
        "configuration": {"base_url": "https://bridge.example/", "dialect": "konnect"},
        "secrets": {"headers": {"X-API-KEY": "hush-hush"}}});
    let made = registry.admin().post(COLLECTION, body).await.has(201);
    assert_eq!(made.json()["configuration"]["dialect"], "konnect");
    let developer = registry
        .minted(json!({"role": "developer", "owner": "team"}))
        .await;
    let seen = developer.get(&made.header("location")).await.has(200);
    assert_eq!(seen.json()["issuer"], "https://id.example");
    assert!(seen.json().get("configuration").is_none());
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_by_its_field() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    for (change, field) in [
        (json!({"name": "two words"}), "name"),
        (json!({"kind": "builtin"}), "kind"),
        (json!({"issuer": "http://id.example"}), "issuer"),
        (json!({"issuer": "https://id.example?a=b"}), "issuer"),
        (json!({"configuration": {"unknown": 1}}), "configuration"),
        (
            json!({"configuration": {"tokens": {"jwks_uri": "/keys"}}}),
            "configuration.tokens.jwks_uri",
        ),
        (
            json!({"configuration": {"tokens": {"introspection": {"client_id": "a"}}}}),
            "secrets.introspection_client_secret",
        ),
        (
            json!({"secrets": {"headers": {"Host": "elsewhere"}}}),
            "secrets.headers",
        ),
        (
            json!({"secrets": {"token_client_secret": "s"}}),
            "secrets.token_client_secret",
        ),
    ] {
        let mut body = json!({"name": "id", "kind": "oidc", "issuer": "https://id.example"});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let refused = admin.post(COLLECTION, body).await;
        refused.is_problem(400, "invalid-value", Some(field));
    }
}

#[tokio::test]
async fn trying_a_provider_that_is_not_there_is_a_report_and_no_error() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    // An address that the registry talks to only where an operator has said so.
    let body = json!({"name": "id", "kind": "oidc", "issuer": "https://127.0.0.1"});
    let made = admin.post(COLLECTION, body).await.has(201);
    let path = format!("{}/verify", made.header("location"));
    let report = admin.post(&path, json!({})).await.has(200).json();
    assert_eq!(report["ok"], false);
    assert_eq!(report["steps"][0]["step"], "discovery");
    assert_eq!(report["steps"][0]["outcome"], "failed");
}
