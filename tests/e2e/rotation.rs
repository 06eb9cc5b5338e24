//! A grace period that ends early, either way.

use e2e::{
    admin::{Admin, Credential},
    eventually::eventually,
    http::Client,
    stack::Stack,
};
use serde_json::json;

/// A stack that reports every second what credentials were used for, and a key in it.
async fn stack() -> (Stack, Client, Admin, Credential) {
    let often = |filter: &mut serde_json::Value| filter["registry"]["usage_seconds"] = json!(1);
    let rules = json!([{"key_auth": {}}]);
    let stack = Stack::with(|config| config.rules(rules).with_filter(often)).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let key = admin.key("jack").await;
    (stack, client, admin, key)
}

fn path(credential: &Credential, way: &str) -> String {
    format!("/v1/credentials/{}/rotate/{way}", credential.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn finishing_a_rotation_ends_the_old_secret_everywhere() {
    let (_stack, client, admin, old) = stack().await;
    let new = admin.rotate(&old.id, json!({"grace_period": 3600})).await;
    client.get("/").key(&new.secret).until(200).await;
    client.get("/").key(&old.secret).until(200).await;
    admin
        .post(&path(&old, "finish"), json!({}))
        .await
        .expect(200);
    client.get("/").key(&old.secret).until(401).await;
    client.get("/").key(&new.secret).until(200).await;
    admin
        .post(&path(&old, "finish"), json!({}))
        .await
        .expect(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_rotation_brings_the_old_secret_back() {
    let (_stack, client, admin, old) = stack().await;
    client.get("/").key(&old.secret).until(200).await;
    let new = admin.rotate(&old.id, json!({"grace_period": 3600})).await;
    client.get("/").key(&old.secret).until(200).await;
    admin
        .post(&path(&old, "cancel"), json!({}))
        .await
        .expect(200);
    client.get("/").key(&new.secret).until(401).await;
    client.get("/").key(&old.secret).until(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_whose_new_secret_was_used_at_a_gateway_is_not_cancelled() {
    let (stack, client, admin, old) = stack().await;
    let new = admin.rotate(&old.id, json!({"grace_period": 3600})).await;
    client.get("/").key(&new.secret).until(200).await;
    let metrics = Client::new(stack.registry.settings().operations_listen);
    eventually("the use is reported", || async {
        let metrics = metrics.get("/metrics").send().await.text();
        let reported = metrics.contains("keysmith_usage_reported_total{outcome=\"allowed\"}");
        reported.then_some(()).ok_or(metrics)
    })
    .await;
    let refused = admin.post(&path(&old, "cancel"), json!({})).await;
    let problem = refused.expect(409).json();
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.starts_with("the new secret is in use")),
        "{problem}"
    );
    client.get("/").key(&new.secret).until(200).await;
}
