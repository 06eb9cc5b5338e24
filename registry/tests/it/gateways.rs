//! `/v1/gateway/report` and `/v1/gateways`.

use serde_json::{Value, json};

use crate::support::{Actor, TestRegistry};

const INSTANCE: &str = "000102030405060708090a0b0c0d0e0f";

async fn gateways(registry: &TestRegistry) -> Vec<Value> {
    let listed = registry.admin().get("/v1/gateways").await.has(200).json();
    listed["items"].as_array().unwrap().clone()
}

async fn epoch(gateway: &Actor) -> String {
    let page = gateway.poll(None, 0).await;
    format!("{:032x}", u128::from_be_bytes(page.epoch))
}

fn report(epoch: &str, sequence: u64, revision: u64) -> Value {
    json!({
        "gateway": "edge-1", "instance": INSTANCE, "sequence": sequence, "epoch": epoch, "revision": revision,
        "complete": true, "workers": 2,
    })
}

#[tokio::test]
async fn a_gateway_that_polls_is_listed() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    assert!(gateways(&registry).await.is_empty());
    gateway
        .get(&format!("/v1/feed?gateway=edge-1&instance={INSTANCE}"))
        .await
        .has(200);
    let listed = gateways(&registry).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(
        listed[0],
        json!({
            "group": "default", "gateway": "edge-1", "instance": INSTANCE, "applied": null,
            "last_seen_at": "2027-01-15T08:00:00.000Z", "reported_at": null,
            "polled_at": "2027-01-15T08:00:00.000Z",
        })
    );
}

#[tokio::test]
async fn a_report_says_how_far_a_gateway_is() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let epoch = epoch(&gateway).await;
    registry.application("one").await;
    registry.application("two").await;
    gateway
        .post("/v1/gateway/report", report(&epoch, 1, 1))
        .await
        .has(204);
    let listed = gateways(&registry).await;
    assert_eq!(
        listed[0]["applied"],
        json!({"revision": 1, "lag": 1, "complete": true, "workers": 2})
    );
    assert_eq!(listed[0]["reported_at"], "2027-01-15T08:00:00.000Z");
}

#[tokio::test]
async fn an_old_report_changes_nothing() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let epoch = epoch(&gateway).await;
    registry.application("one").await;
    for sequence in [7, 6, 7] {
        let revision = u64::from(sequence == 7);
        gateway
            .post("/v1/gateway/report", report(&epoch, sequence, revision))
            .await
            .has(204);
    }
    assert_eq!(gateways(&registry).await[0]["applied"]["revision"], 1);
}

#[tokio::test]
async fn a_report_is_checked() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let good = report(&"0".repeat(32), 1, 1);
    for (field, value) in [
        ("instance", json!("x")),
        ("epoch", json!("ABCDEF")),
        ("gateway", json!("line\nbreak")),
        ("sequence", json!(-1)),
        ("workers", json!("two")),
        ("max_staleness_seconds", json!(31_536_001)),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let reply = gateway.post("/v1/gateway/report", body).await;
        reply.is_problem(400, "invalid-value", Some(field));
    }
    gateway.post("/v1/gateway/report", good).await.has(204);
}

#[tokio::test]
async fn what_a_report_says_of_usage_is_checked() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let id = "cred_01m816gdzg0avspcrqttkt8449";
    let batch = |uses: Value| json!({"lane": 15, "sequence": 1, "lost": 0, "uses": uses});
    let with = |field: &str, value: Value| {
        let mut changed = batch(json!([]));
        changed[field] = value;
        json!([changed])
    };
    for (field, usage) in [
        ("usage", json!(vec![batch(json!([])); 9])),
        ("usage[0]", with("lane", json!(16))),
        ("usage[0].sequences", with("sequences", json!(1))),
        (
            "usage[0]",
            with("uses", json!(vec![json!([id, 1, 0, 1, 1, 1]); 1001])),
        ),
        (
            "usage[0].uses[0]",
            json!([batch(json!([["app_x", 1, 0, 1, 1, 1]]))]),
        ),
        (
            "usage[0].uses[0]",
            json!([batch(json!([[id, 1, 3, 1, 1, 1]]))]),
        ),
        (
            "usage[0].uses[0]",
            json!([batch(json!([[id, 1, 0, 0, 1, 1]]))]),
        ),
        (
            "usage[0].uses[0]",
            json!([batch(json!([[id, 1, 0, 1, 2, 1]]))]),
        ),
    ] {
        let mut body = report(&"0".repeat(32), 1, 1);
        body["usage"] = usage;
        let reply = gateway.post("/v1/gateway/report", body).await;
        reply.is_problem(400, "invalid-value", Some(field));
    }
    for staleness in [json!(null), json!(86400)] {
        let mut body = report(&"0".repeat(32), 1, 1);
        body["max_staleness_seconds"] = staleness;
        body["usage"] = json!([batch(json!([[id, 65537, 0, 12, 1, 2]]))]);
        gateway.post("/v1/gateway/report", body).await.has(204);
    }
    let most = json!([
        id,
        u32::MAX,
        2,
        (1_u64 << 53) - 1,
        (1_u64 << 48) - 1,
        (1_u64 << 48) - 1
    ]);
    let mut body = report(&"0".repeat(32), 2, 1);
    body["usage"] = json!(vec![batch(json!(vec![most; 1000])); 8]);
    gateway.post("/v1/gateway/report", body).await.has(204);
}
