//! `POST /v1/credentials/{id}/impact`: what it would break to do without a credential.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{START, TestRegistry, text};

async fn impact(registry: &TestRegistry, id: &str, action: &str) -> Value {
    let path = format!("/v1/credentials/{id}/impact");
    let asked = registry
        .admin()
        .post(&path, json!({"action": action}))
        .await;
    asked.has(200).json()
}

fn reasons(impact: &Value) -> Vec<String> {
    let unknown = impact["unknown"].as_array().unwrap();
    unknown.iter().map(|one| text(&one["reason"])).collect()
}

#[tokio::test]
async fn it_says_what_would_break_and_what_it_does_not_know_and_changes_nothing() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let billing = registry.application("billing").await;
    let key = json!({"type": "api_key", "name": "ci"});
    let id = text(&registry.credential(&billing, key).await["id"]);
    let unused = impact(&registry, &id, "disable").await;
    assert_eq!(
        (&unused["breaks"], &unused["remaining"]),
        (&json!(false), &json!(0))
    );
    assert_eq!(reasons(&unused), ["gateways_silent"], "nobody reports");

    let other = json!({"type": "api_key", "name": "other"});
    registry.credential(&billing, other).await;
    registry.clock.advance(Duration::from_hours(48));
    let at = |hours: u64| START.as_millis() + hours * 3_600_000;
    let uses = json!([
        [id, 1, 0, 5, at(1), at(1)],
        [id, 1, 1, 2, at(47), at(47)],
        [id, 1, 2, 100, at(47), at(47)],
    ]);
    let report = json!({
        "gateway": "edge-1", "instance": "0".repeat(32), "sequence": 1, "epoch": "0".repeat(32), "revision": 0,
        "complete": true, "workers": 2, "max_staleness_seconds": 86400,
        "usage": [{"lane": 0, "sequence": 1, "lost": 3, "uses": uses}],
    });
    gateway.post("/v1/gateway/report", report).await.has(204);
    let before = registry
        .admin()
        .get(&format!("/v1/credentials/{id}"))
        .await
        .text();
    let found = impact(&registry, &id, "delete").await;
    assert_eq!(found["breaks"], true);
    assert_eq!(
        found["requests"],
        json!({"last_7_days": 7, "last_30_days": 7, "days": [
            {"day": "2027-01-17T00:00:00.000Z", "requests": 2},
            {"day": "2027-01-15T00:00:00.000Z", "requests": 5},
        ]})
    );
    assert_eq!(
        found["groups"],
        json!([{"group": "default", "requests": 7, "last_used_at": "2027-01-17T07:00:00.000Z"}])
    );
    assert_eq!(found["secrets"][0]["used"], 7);
    assert_eq!(
        (&found["would_be_refused"], &found["remaining"]),
        (&Value::Null, &json!(1))
    );
    assert_eq!(reasons(&found), ["reporting_gap", "usage_lost"]);
    let after = registry
        .admin()
        .get(&format!("/v1/credentials/{id}"))
        .await
        .text();
    assert_eq!(before, after);
}

#[tokio::test]
async fn it_says_why_it_would_be_refused() {
    let registry = TestRegistry::start().await;
    let body = json!({"name": "billing", "default_key": "required"});
    let made = registry
        .admin()
        .post("/v1/applications", body)
        .await
        .has(201);
    let id = text(&made.json()["default_credential"]["id"]);
    for action in ["disable", "delete"] {
        let asked = impact(&registry, &id, action).await;
        let reason = text(&asked["would_be_refused"]);
        assert!(reason.contains("default"), "{reason}");
    }
    let path = format!("/v1/credentials/{id}/impact");
    let asked = registry
        .admin()
        .post(&path, json!({"action": "rotate"}))
        .await;
    asked.is_problem(400, "invalid-value", Some("action"));
}
