//! What is told about a protected resource (RFC 9728), by the real Envoy.

use e2e::{http::Client, stack::Stack};
use serde_json::json;

const PATH: &str = "/.well-known/oauth-protected-resource/orders";

async fn prepared() -> (Stack, Client) {
    let rule = json!({
        "paths": [{"prefix": "/orders"}],
        "bearer": {
            "accept": ["jwt", "bearer_token"],
            "issuers": ["https://login.example.com"],
            "resource": "https://api.example.com/orders",
        },
        "required_scopes": ["orders:read"],
    });
    let stack = Stack::with_rule(rule).await;
    let client = stack.client().await.host("api.example.com");
    client.get("/orders").until(401).await;
    (stack, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_a_token_is_told_what_it_needs() {
    let (_stack, client) = prepared().await;
    let refused = client.get("/orders").send().await.expect(401);
    let challenge = refused.header("www-authenticate");
    assert_eq!(
        challenge,
        format!(r#"Bearer realm="keysmith", resource_metadata="https://api.example.com{PATH}""#)
    );
    let told = client.get(PATH).send().await.expect(200);
    assert_eq!(told.header("content-type"), "application/json");
    assert_eq!(
        told.json(),
        json!({
            "resource": "https://api.example.com/orders",
            "authorization_servers": ["https://login.example.com"],
            "scopes_supported": ["orders:read"],
            "bearer_methods_supported": ["header"],
        })
    );
    let head = client.call("HEAD", PATH).send().await.expect(200);
    assert_eq!(head.text(), "");
    let posted = client.call("POST", PATH).send().await.expect(405);
    assert_eq!(posted.header("allow"), "GET, HEAD");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_sent_twice_makes_the_request_invalid() {
    let (_stack, client) = prepared().await;
    let once = client.get("/orders").bearer("a");
    let twice = once.header("authorization", "Bearer b");
    let in_query = client.get("/orders?access_token=a").bearer("a");
    for call in [twice, in_query] {
        let refused = call
            .send()
            .await
            .refused(400, "Repeated credential in request");
        let challenge = refused.header("www-authenticate");
        assert!(
            challenge.starts_with(r#"Bearer realm="keysmith", error="invalid_request""#),
            "{challenge}"
        );
    }
}
