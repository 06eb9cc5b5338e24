//! What operators see.

use e2e::{eventually::eventually, stack::Stack};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_method_and_outcome_and_the_snapshot_has_an_age() {
    let stack = Stack::with_rule(json!({"key_auth": {}, "bearer": {}})).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let key = admin.key("jack").await.secret;
    client.get("/").key(&key).until(200).await;
    client.get("/").send().await.expect(401);
    client.get("/").key("wrong").send().await.expect(401);
    client.get("/").bearer("wrong").send().await.expect(401);

    eventually("every counter shows", || async {
        let stats = stack
            .envoy
            .admin()
            .get("/stats/prometheus")
            .send()
            .await
            .text();
        let value = |name: &str| {
            let line = stats
                .lines()
                .find(|line| line.starts_with(name) && !line.starts_with('#'))?;
            line.rsplit_once(' ')?.1.parse::<f64>().ok()
        };
        let positive = [
            "keysmith_requests_key_auth_allowed",
            "keysmith_requests_key_auth_invalid",
            "keysmith_requests_bearer_invalid",
            "keysmith_requests_none_missing",
            "keysmith_applied_revision",
            "keysmith_snapshot_timestamp_seconds",
        ];
        match positive
            .into_iter()
            .find(|name| value(name).is_none_or(|value| value <= 0.0))
        {
            None => Ok(()),
            Some(name) => {
                let ours = stats.lines().filter(|line| line.contains("keysmith"));
                Err(format!("{name} in {:#?}", ours.collect::<Vec<_>>()))
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_knows_which_revision_a_gateway_has_applied() {
    let stack = Stack::with_rule(json!({"key_auth": {}})).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let key = admin.key("jack").await.secret;
    client.get("/").key(&key).until(200).await;
    eventually("the gateway has reported", || async {
        let gateways = admin.get("/v1/gateways").await;
        let found = gateways["items"].as_array().and_then(|gateways| {
            gateways
                .iter()
                .find(|gateway| gateway["gateway"] == "edge-1")?["applied"]["revision"]
                .as_u64()
        });
        if found.is_some_and(|revision| revision > 0) {
            Ok(())
        } else {
            Err(gateways)
        }
    })
    .await;
}
