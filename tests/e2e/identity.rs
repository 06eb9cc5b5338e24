//! What the upstream is told about the caller, and what the caller cannot say.

use e2e::{echo::Echoed, raw, stack::Stack};
use serde_json::json;

const IDENTITY: [&str; 4] = [
    "x-consumer-username",
    "x-credential-identifier",
    "x-consumer-custom-id",
    "x-authenticated-scope",
];

/// Whether any header reads as an identity header once `_` is read as `-`.
fn claims(seen: &Echoed) -> Vec<&(String, String)> {
    let is_identity = |name: &str| IDENTITY.contains(&name.replace('_', "-").as_str());
    seen.headers
        .iter()
        .filter(|(name, _)| is_identity(name))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_learns_who_calls() {
    let stack = Stack::with_rule(json!({"key_auth": {}})).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let application = json!({"name": "jack", "custom_id": "495aec6a", "scopes": ["b", "a"]});
    let jack = admin.application(application).await;
    let body = json!({"type": "api_key", "name": "k", "identifier": "the-first-one", "scopes": ["b", "a"]});
    let named = admin.credential(&jack, body).await;
    let plain = admin
        .credential(&jack, json!({"type": "api_key", "name": "plain"}))
        .await;
    client.get("/").key(&plain.secret).until(200).await;

    let seen = client.get("/").key(&named.secret).send().await.echoed();
    assert_eq!(seen.header("x-consumer-username"), "jack");
    assert_eq!(seen.header("x-credential-identifier"), "the-first-one");
    assert_eq!(seen.header("x-consumer-custom-id"), "495aec6a");
    assert_eq!(seen.header("x-authenticated-scope"), "a b");

    let seen = client.get("/").key(&plain.secret).send().await.echoed();
    assert_eq!(seen.header("x-credential-identifier"), plain.id);
    assert!(!seen.has("x-authenticated-scope"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_says_about_itself_is_removed() {
    // Envoy lets underscores through here, so that it is the filter that is tested.
    let rules = json!([{"paths": [{"prefix": "/public"}], "public": true}, {"key_auth": {}}]);
    let stack = Stack::with(|config| config.rules(rules).with_envoys_defaults()).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;

    let credential = format!("apikey: {key}");
    for path in ["/", "/public"] {
        let answer = raw::exchange(
            client.address(),
            &raw::request(
                &format!("GET {path} HTTP/1.1"),
                &[
                    b"host: api.example.com",
                    credential.as_bytes(),
                    b"X-Consumer-Username: admin",
                    b"x-consumer-username: admin",
                    b"X_Consumer_Username: admin",
                    b"x-Consumer_username: admin",
                    b"X-CONSUMER-CUSTOM-ID: admin",
                    b"X_Credential-Identifier: admin",
                    b"x_authenticated_scope: admin",
                    b"X-Authenticated-Scope: admin\xff",
                ],
            ),
        )
        .await;
        assert_eq!(raw::status(&answer), 200, "{answer}");
        assert!(!answer.contains("admin"), "{answer}");
        assert_eq!(answer.contains("jack"), path == "/", "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_path_has_no_identity() {
    let stack = Stack::with_rule(json!({"public": true})).await;
    let client = stack.client().await;
    let seen = client
        .get("/")
        .header("x-consumer-username", "admin")
        .header("x-consumer-custom-id", "admin")
        .send()
        .await
        .echoed();
    assert!(claims(&seen).is_empty(), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_configuration_refuses_underscores_in_header_names() {
    let stack = Stack::start().await;
    let client = stack.client().await;
    let request = raw::request(
        "GET /public HTTP/1.1",
        &[b"host: api.example.com", b"X_Consumer_Username: admin"],
    );
    let answer = raw::exchange(client.address(), &request).await;
    assert_eq!(raw::status(&answer), 400, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn renaming_an_application_shows_at_once_for_all_its_credentials() {
    let stack = Stack::with_rule(json!({"key_auth": {}})).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let jack = admin.application(json!({"name": "jack"})).await;
    let key = admin
        .credential(&jack, json!({"type": "api_key", "name": "k"}))
        .await
        .secret;
    client.get("/").key(&key).until(200).await;
    admin
        .patch(
            &format!("/v1/applications/{jack}"),
            json!({"custom_id": "new-id"}),
        )
        .await;
    e2e::eventually::eventually("the new custom id", || async {
        let seen = client.get("/").key(&key).send().await.echoed();
        if seen.header("x-consumer-custom-id") == "new-id" {
            Ok(())
        } else {
            Err(seen)
        }
    })
    .await;
}
