//! `/v1/gateway/issuer-keys` and `/v1/gateway/introspect`.

use serde_json::{Value, json};

use crate::support::TestRegistry;

const KEYS: &str = "/v1/gateway/issuer-keys";
const INTROSPECT: &str = "/v1/gateway/introspect";

fn of_keys() -> Value {
    json!({"issuer": "https://id.example", "key_id": "one"})
}

fn of_a_token() -> Value {
    json!({"token": "foreign", "issuers": ["https://id.example"]})
}

#[tokio::test]
async fn an_issuer_that_nobody_knows_has_no_keys_and_vouches_for_nothing() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    gateway.post(KEYS, of_keys()).await.has(404);
    let answer = gateway.post(INTROSPECT, of_a_token()).await.has(200);
    assert_eq!(answer.json(), json!({"active": false}));
    let metrics = registry.operator().get("/metrics").await.text();
    let line = "keysmith_token_introspections_total{outcome=\"inactive\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn only_gateways_ask() {
    let registry = TestRegistry::start().await;
    registry.admin().post(KEYS, of_keys()).await.has(403);
    registry
        .admin()
        .post(INTROSPECT, of_a_token())
        .await
        .has(403);
}

#[tokio::test]
async fn questions_are_read_strictly_and_the_token_is_not_repeated() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let long = "x".repeat(9000);
    let many = vec!["https://id.example"; 65];
    for (path, body) in [
        (KEYS, json!({"issuer": "", "key_id": "one"})),
        (
            KEYS,
            json!({"issuer": "https://id.example", "key_id": long}),
        ),
        (
            KEYS,
            json!({"issuer": "https://id.example\u{0}", "key_id": "one"}),
        ),
        (
            KEYS,
            json!({"issuer": "https://id.example", "key_id": "one", "more": 1}),
        ),
        (KEYS, json!({"issuer": "https://id.example"})),
        (
            INTROSPECT,
            json!({"token": "", "issuers": ["https://id.example"]}),
        ),
        (
            INTROSPECT,
            json!({"token": long, "issuers": ["https://id.example"]}),
        ),
        (INTROSPECT, json!({"token": "foreign-value", "issuers": []})),
        (
            INTROSPECT,
            json!({"token": "foreign-value", "issuers": many}),
        ),
        (
            INTROSPECT,
            json!({"token": "foreign-value", "issuers": [7]}),
        ),
        (
            INTROSPECT,
            json!({"token": "foreign-value", "issuers": ["x"], "more": 1}),
        ),
    ] {
        let reply = gateway.post(path, body).await.has(400);
        assert!(!reply.text().contains("foreign-value"), "{}", reply.text());
    }
}
