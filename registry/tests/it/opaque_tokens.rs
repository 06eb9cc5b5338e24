//! Access tokens that gateways look up, over HTTP.

use serde_json::json;

use crate::support::{Client, TestRegistry, text};

async fn registry() -> TestRegistry {
    TestRegistry::with(&[("KEYSMITH_PUBLIC_URL", "https://keys.example")]).await
}

fn opaque() -> serde_json::Value {
    json!({"client": {"access_token_format": "opaque"}, "scopes": ["orders:read"]})
}

#[tokio::test]
async fn a_client_gets_one_asks_about_it_and_revokes_it() {
    let registry = registry().await;
    let app = registry.application("billing").await;
    let client = Client::of(&registry, &app, opaque()).await;
    let form = "grant_type=client_credentials&scope=orders%3Aread";
    let given = client.ask("/oauth2/token", form).await.has(200).json();
    let token = text(&given["access_token"]);
    assert!(token.starts_with("ks_bt_"), "{token}");
    assert_eq!(given["expires_in"], 300);
    assert_eq!(given["scope"], "orders:read");
    let mut known = client.introspect(&token).await;
    let ends = known["exp"].as_u64().unwrap();
    assert_eq!(ends - known["iat"].as_u64().unwrap(), 300);
    for member in ["exp", "iat"] {
        known.as_object_mut().unwrap().remove(member);
    }
    let expected = json!({
        "active": true, "client_id": client.id, "sub": client.id, "token_type": "Bearer",
        "scope": "orders:read", "iss": "https://keys.example",
    });
    assert_eq!(known, expected);
    let other = client.token().await;
    let form = format!("token={token}");
    client.ask("/oauth2/revoke", &form).await.has(200);
    assert_eq!(client.introspect(&token).await, json!({"active": false}));
    assert_eq!(client.introspect(&other).await["active"], true);

    let form = "grant_type=client_credentials&resource=https%3A%2F%2Fapi.example";
    let refused = client.ask("/oauth2/token", form).await.has(400).json();
    assert_eq!(refused["error"], "invalid_target");
}

#[tokio::test]
async fn the_format_is_shown_and_changed_and_stays_where_nothing_is_said_of_it() {
    let registry = registry().await;
    let app = registry.application("billing").await;
    let client = Client::of(&registry, &app, opaque()).await;
    let path = format!("/v1/credentials/{}", client.credential);
    let admin = registry.admin();
    let shown = admin.get(&path).await.has(200).json();
    let metadata = &shown["client"]["metadata"];
    assert_eq!(metadata["access_token_format"], "opaque", "{shown}");
    for (body, begins) in [
        (json!({"client": {"client_name": "bill"}}), "ks_bt_"),
        (json!({"client": {"access_token_format": "jwt"}}), "ey"),
        (json!({"client": {}}), "ey"),
        (
            json!({"client": {"access_token_format": "opaque"}}),
            "ks_bt_",
        ),
    ] {
        admin.patch(&path, body).await.has(200);
        let token = client.token().await;
        assert!(token.starts_with(begins), "{token}");
    }
    let resources = json!({"client": {"resources": ["https://api.example"]}});
    let refused = admin.patch(&path, resources).await.has(400).text();
    assert!(refused.contains("client.resources"), "{refused}");
    let wrong = json!({"client": {"access_token_format": "paseto"}});
    admin.patch(&path, wrong).await.has(400);
}

#[tokio::test]
async fn at_another_provider_nobody_chooses_the_format() {
    let registry = registry().await;
    let app = registry.application("billing").await;
    let admin = registry.admin();
    let provider = json!({
        "name": "elsewhere", "kind": "oidc", "issuer": "https://id.example",
    });
    admin
        .post("/v1/identity-providers", provider)
        .await
        .has(201);
    let path = format!("/v1/applications/{app}/credentials");
    for format in ["opaque", "jwt"] {
        let body = json!({
            "type": "oauth_client", "name": "client", "provider": "elsewhere",
            "client": {"access_token_format": format},
        });
        let refused = admin.post(&path, body).await.has(400).text();
        assert!(refused.contains("client.access_token_format"), "{refused}");
    }
}

#[tokio::test]
async fn switching_the_server_off_ends_every_token_for_good() {
    let registry = registry().await;
    let app = registry.application("billing").await;
    let client = Client::of(&registry, &app, opaque()).await;
    let token = client.token().await;
    assert_eq!(client.introspect(&token).await["active"], true);
    let admin = registry.admin();
    let providers = admin.get("/v1/identity-providers").await.has(200).json();
    let path = format!(
        "/v1/identity-providers/{}",
        text(&providers["items"][0]["id"])
    );
    for enabled in [false, true] {
        admin
            .patch(&path, json!({"enabled": enabled}))
            .await
            .has(200);
        assert_eq!(client.introspect(&token).await, json!({"active": false}));
    }
    client.token().await;
}
