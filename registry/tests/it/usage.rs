//! What gateways report of usage, and what is shown of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Actor, START, TestRegistry, text};

const INSTANCE: &str = "000102030405060708090a0b0c0d0e0f";
const SECOND: u64 = 1000;

/// `[credential, version, outcome, count, first_ms, last_ms]`, so many seconds after the start.
fn used(id: &str, version: u32, outcome: u8, count: u64, at: u64) -> Value {
    let at = START.as_millis() + at * SECOND;
    json!([id, version, outcome, count, at, at])
}

async fn report(gateway: &Actor, sequence: u64, batches: Vec<Value>) {
    let body = json!({
        "gateway": "edge-1", "instance": INSTANCE, "sequence": sequence, "epoch": "0".repeat(32), "revision": 0,
        "complete": true, "workers": 2, "max_staleness_seconds": 86400, "usage": batches,
    });
    gateway.post("/v1/gateway/report", body).await.has(204);
}

fn batch(lane: u8, sequence: u64, uses: &[Value]) -> Value {
    json!({"lane": lane, "sequence": sequence, "lost": 0, "uses": uses})
}

async fn key(registry: &TestRegistry) -> (Actor, String) {
    let gateway = registry.gateway("default").await;
    let billing = registry.application("billing").await;
    let made = registry
        .credential(&billing, json!({"type": "api_key", "name": "ci"}))
        .await;
    (gateway, text(&made["id"]))
}

async fn show(registry: &TestRegistry, id: &str) -> Value {
    let path = format!("/v1/credentials/{id}");
    registry.admin().get(&path).await.has(200).json()
}

#[tokio::test]
async fn what_a_credential_is_used_for_is_shown_with_it() {
    let registry = TestRegistry::start().await;
    let (gateway, id) = key(&registry).await;
    let never = show(&registry, &id).await;
    assert_eq!(never["last_used_at"], Value::Null);
    assert_eq!(
        never["usage"],
        json!({"allowed": 0, "forbidden": 0, "refused": 0, "since": null})
    );
    registry.clock.advance(Duration::from_mins(1));
    let uses = vec![
        used(&id, 1, 0, 12, 30),
        used(&id, 1, 1, 3, 40),
        used(&id, 1, 2, 4, 50),
    ];
    for sequence in 1..4 {
        report(&gateway, sequence, vec![batch(0, 9, &uses)]).await;
    }
    let shown = show(&registry, &id).await;
    assert_eq!(
        shown["usage"],
        json!({"allowed": 12, "forbidden": 3, "refused": 4, "since": "2027-01-15T08:00:30.000Z"})
    );
    assert_eq!(shown["last_used_at"], "2027-01-15T08:00:40.000Z");
    assert_eq!(shown["secrets"][0]["used"], 15);
    assert_eq!(
        shown["secrets"][0]["last_used_at"],
        "2027-01-15T08:00:40.000Z"
    );
    assert_eq!(shown["grace"], Value::Null);
    let listed = registry
        .admin()
        .get("/v1/credentials")
        .await
        .has(200)
        .json();
    assert_eq!(listed["items"][0]["usage"], shown["usage"]);
    let metrics = registry.operator().get("/metrics").await.has(200).text();
    for line in [
        "keysmith_usage_reported_total{outcome=\"allowed\"} 12",
        "keysmith_usage_reported_total{outcome=\"forbidden\"} 3",
        "keysmith_usage_reported_total{outcome=\"refused\"} 4",
        "keysmith_usage_lost_total 0",
    ] {
        assert!(metrics.contains(line), "{line}\nis not in\n{metrics}");
    }
}

#[tokio::test]
async fn during_a_grace_period_it_shows_which_secret_is_used() {
    let registry = TestRegistry::start().await;
    let (gateway, id) = key(&registry).await;
    report(&gateway, 1, vec![batch(0, 1, &[used(&id, 1, 0, 5, 0)])]).await;
    registry.clock.advance(Duration::from_secs(100));
    let path = format!("/v1/credentials/{id}/rotate");
    let rotated = registry
        .admin()
        .post(&path, json!({"grace_period": 3600}))
        .await;
    let rotated = rotated.has(200).json();
    assert_eq!(rotated["usage"]["allowed"], 5, "the counter goes on");
    assert_eq!(
        rotated["grace"],
        json!({
            "until": "2027-01-15T09:01:40.000Z", "last_used": "retiring",
            "retiring_last_used_at": "2027-01-15T08:00:00.000Z", "retiring_used": 5, "quiet_for_seconds": 0,
        })
    );
    registry.clock.advance(Duration::from_secs(100));
    report(&gateway, 2, vec![batch(0, 2, &[used(&id, 2, 0, 2, 120)])]).await;
    let grace = &show(&registry, &id).await["grace"];
    assert_eq!(
        (&grace["last_used"], &grace["quiet_for_seconds"]),
        (&json!("current"), &json!(100))
    );
    report(&gateway, 3, vec![batch(1, 1, &[used(&id, 1, 1, 1, 150)])]).await;
    let shown = show(&registry, &id).await;
    let grace = &shown["grace"];
    assert_eq!(
        (&grace["last_used"], &grace["quiet_for_seconds"]),
        (&json!("retiring"), &json!(50))
    );
    assert_eq!(grace["retiring_used"], 6);
    let uses = [0, 1].map(|index| shown["secrets"][index]["used"].clone());
    assert_eq!(uses, [json!(2), json!(6)]);
    assert_eq!(shown["usage"]["allowed"], 7);
}

#[tokio::test]
async fn the_largest_report_there_can_be_is_taken_in() {
    let registry = TestRegistry::start().await;
    let (gateway, id) = key(&registry).await;
    let mut uses = vec![json!([id, u32::MAX, 0, 1_u64 << 50, 1_u64 << 47, 1_u64 << 47]); 1000];
    // The only ones of a version that was ever given out: eight of these are more than is counted.
    uses[0][1] = json!(1);
    let batches = (0..8).map(|lane| batch(lane, 1, &uses)).collect();
    report(&gateway, 1, batches).await;
    let shown = show(&registry, &id).await;
    assert_eq!(
        shown["usage"]["allowed"],
        (1_u64 << 53) - 1,
        "as much as is counted"
    );
    assert_eq!(
        shown["last_used_at"], "2027-01-15T08:00:00.000Z",
        "not in the future"
    );
}

#[tokio::test]
async fn an_unused_credential_is_found_and_a_used_one_is_not() {
    let registry = TestRegistry::start().await;
    let (gateway, id) = key(&registry).await;
    let idle = registry.application("idle").await;
    let idle = registry
        .credential(&idle, json!({"type": "api_key", "name": "idle"}))
        .await;
    registry.clock.advance(Duration::from_hours(48));
    report(
        &gateway,
        1,
        vec![batch(0, 1, &[used(&id, 1, 0, 1, 47 * 3600)])],
    )
    .await;
    let unused = |time: &str| format!("/v1/credentials?unused_for={time}&sort=last_used_at");
    let found = registry.admin().get(&unused("2d")).await.has(200).json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["items"][0]["id"], idle["id"]);
    let found = registry.admin().get(&unused("1h")).await.has(200).json();
    let ids: Vec<&Value> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["id"])
        .collect();
    assert_eq!(ids, [&idle["id"], &json!(id)]);
}
