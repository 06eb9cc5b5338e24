//! A key with a shared secret: neither is good without the other.

use e2e::{
    admin::{Admin, Credential},
    http::Client,
    stack::Stack,
};
use serde_json::{Value, json};

const RULE: &str = r#"{"key_auth": {"secret_header": "x-api-secret", "hide_credentials": true}, "basic_auth": {}}"#;

/// A stack with a pair in it, and the pair's shared secret.
async fn stack() -> (Stack, Client, Admin, Credential, String) {
    let rule: Value = serde_json::from_str(RULE).expect("JSON");
    let stack = Stack::with_rule(rule).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let application = admin.application(json!({"name": "billing"})).await;
    let body = json!({"type": "api_key", "name": "pair", "shared_secret": true});
    let pair = admin.credential(&application, body).await;
    let shared = shared(&pair);
    client
        .get("/")
        .basic(&pair.secret, &shared)
        .until(200)
        .await;
    (stack, client, admin, pair, shared)
}

fn shared(credential: &Credential) -> String {
    let shared = credential.json["secret"]["shared_secret"].as_str();
    shared.expect("a shared secret").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_are_needed_in_either_form() {
    let (_stack, client, _, pair, shared) = stack().await;
    let with = |header: &str| {
        let call = client.get("/").key(&pair.secret);
        call.header("x-api-secret", header)
    };
    let seen = with(&shared).send().await.expect(200).echoed();
    assert_eq!(seen.header("x-consumer-username"), "billing");
    assert_eq!(seen.header("x-credential-identifier"), pair.id);
    assert!(!seen.has("apikey") && !seen.has("x-api-secret"), "hidden");
    client.get("/").key(&pair.secret).until(401).await;
    client.get("/").key(&shared).until(401).await;
    with("ks_cs_guessed").until(401).await;
    with(&pair.secret).until(401).await;
    client
        .get("/")
        .basic(&shared, &pair.secret)
        .until(401)
        .await;
    client.get("/").basic(&pair.secret, "").until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_a_shared_secret_does_not_pass_with_one() {
    let (_stack, client, admin, _, shared) = stack().await;
    let plain = admin.key("jack").await;
    client.get("/").key(&plain.secret).until(200).await;
    let beside = client.get("/").key(&plain.secret);
    beside.header("x-api-secret", &shared).until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_is_rotated_alone() {
    let (_stack, client, admin, pair, old) = stack().await;
    let body = json!({"part": "shared", "grace_period": 3600});
    let new = shared(&admin.rotate(&pair.id, body).await);
    client.get("/").basic(&pair.secret, &new).until(200).await;
    client.get("/").basic(&pair.secret, &old).until(200).await;

    let rotated = admin.rotate(&pair.id, json!({})).await;
    client
        .get("/")
        .basic(&rotated.secret, &new)
        .until(200)
        .await;
    client
        .get("/")
        .basic(&rotated.secret, &old)
        .until(200)
        .await;
    client.get("/").basic(&pair.secret, &new).until(401).await;
    client.get("/").basic(&pair.secret, &old).until(401).await;

    let finish = format!("/v1/credentials/{}/rotate/finish", pair.id);
    admin.post(&finish, json!({})).await.expect(200);
    client
        .get("/")
        .basic(&rotated.secret, &old)
        .until(401)
        .await;
    client
        .get("/")
        .basic(&rotated.secret, &new)
        .until(200)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_goes_when_its_credential_goes() {
    let (_stack, client, admin, pair, shared) = stack().await;
    let path = format!("/v1/credentials/{}", pair.id);
    admin.patch(&path, json!({"enabled": false})).await;
    client
        .get("/")
        .basic(&pair.secret, &shared)
        .until(401)
        .await;
    admin.patch(&path, json!({"enabled": true})).await;
    client
        .get("/")
        .basic(&pair.secret, &shared)
        .until(200)
        .await;
    admin.delete(&path).await;
    client
        .get("/")
        .basic(&pair.secret, &shared)
        .until(401)
        .await;
}
