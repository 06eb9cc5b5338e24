//! `/v1/leaks`, and tokens that may report.

use serde_json::{Value, json};

use crate::support::{Actor, Reply, TestRegistry, text};

async fn report(who: &Actor, values: &[&str]) -> Reply {
    let leaks: Vec<Value> = values
        .iter()
        .map(|value| json!({"value": value, "url": "https://git.example.com/x", "source": "scan"}))
        .collect();
    who.post("/v1/leaks", json!({"leaks": leaks})).await
}

async fn reporter(registry: &TestRegistry) -> Actor {
    let body = json!({"role": "leak_reporter", "description": "scanner"});
    let made = registry.admin().post("/v1/tokens", body).await.has(201);
    assert_eq!(made.json()["role"], "leak_reporter");
    registry.bearer(&text(&made.json()["token"]))
}

async fn key(registry: &TestRegistry) -> Value {
    let app = registry.application("billing").await;
    let body = json!({"type": "api_key", "name": "ci"});
    registry.credential(&app, body).await
}

#[tokio::test]
async fn an_administrator_is_told_everything_and_a_reporter_whether_it_is_known() {
    let registry = TestRegistry::with(&[("KEYSMITH_LEAK_POLICY", "disable")]).await;
    let key = key(&registry).await;
    let value = text(&key["secret"]["value"]);
    let reply = report(&reporter(&registry).await, &["no-secret", &value]).await;
    assert_eq!(
        reply.has(200).json(),
        json!({"leaks": [{"status": "unknown"}, {"status": "recorded"}]})
    );
    let again = report(&registry.admin(), &[&value]).await.has(200).json();
    assert_eq!(
        again["leaks"][0],
        json!({
            "status": "recorded", "action": "none", "credential": key["id"],
            "application": key["application"], "version": 1, "leaked_at": "2027-01-15T08:00:00.000Z",
        })
    );
    let path = format!("/v1/credentials/{}", text(&key["id"]));
    let shown = registry.admin().get(&path).await.has(200).json();
    assert_eq!(shown["enabled"], false);
    assert_eq!(shown["secrets"][0]["leaked_at"], "2027-01-15T08:00:00.000Z");
    let entries = registry.admin().get("/v1/audit?action=secret.leaked").await;
    let entries = entries.has(200).json();
    assert_eq!(entries["items"].as_array().unwrap().len(), 1);
    assert_eq!(entries["items"][0]["detail"]["action"], "disable");
    assert_eq!(entries["items"][0]["credential"], key["id"]);
}

#[tokio::test]
async fn a_reporter_may_do_nothing_else_and_a_gateway_may_not_report() {
    let registry = TestRegistry::start().await;
    let reporter = reporter(&registry).await;
    for path in ["/v1/applications", "/v1/audit", "/v1/export", "/v1/tokens"] {
        reporter.get(path).await.is_problem(403, "forbidden", None);
    }
    reporter
        .get("/v1/feed")
        .await
        .is_problem(403, "forbidden", None);
    let gateway = registry.gateway("default").await;
    report(&gateway, &["x"])
        .await
        .is_problem(403, "forbidden", None);
    report(&registry.stranger(), &["x"])
        .await
        .is_problem(401, "unauthorized", None);
}

#[tokio::test]
async fn tokens_of_both_roles_are_listed_and_revoked() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let reporter = reporter(&registry).await;
    let listed = admin.get("/v1/tokens").await.has(200).json();
    let items = listed["items"].as_array().unwrap();
    let of = |role: &str| items.iter().find(|token| token["role"] == role).unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(of("portal_admin")["configured"], true);
    let path = format!("/v1/tokens/{}", text(&of("leak_reporter")["id"]));
    admin.delete(&path).await.has(204);
    report(&reporter, &["x"])
        .await
        .is_problem(401, "unauthorized", None);
    admin
        .post("/v1/tokens", json!({"role": "gateway"}))
        .await
        .is_problem(400, "invalid-value", Some("role"));
}

#[tokio::test]
async fn reports_are_bounded_in_size_and_in_number() {
    let registry = TestRegistry::with(&[("KEYSMITH_LEAK_REPORTS_PER_MINUTE", "100")]).await;
    let reporter = reporter(&registry).await;
    let many = vec!["x"; 101];
    report(&reporter, &many)
        .await
        .is_problem(400, "invalid-value", Some("leaks"));
    report(&reporter, &[])
        .await
        .is_problem(400, "invalid-value", Some("leaks"));
    for (field, text) in [("url", "x".repeat(2049)), ("source", "a\nb".to_owned())] {
        let body = json!({"leaks": [{"value": "x"}, {"value": "x", field: text}]});
        let reply = reporter.post("/v1/leaks", body).await;
        reply.is_problem(400, "invalid-value", Some(&format!("leaks[1].{field}")));
    }
    report(&reporter, &many[..100]).await.has(200);
    let reply = report(&reporter, &["x"]).await;
    reply.is_problem(429, "too-many-attempts", None);
    assert_eq!(reply.header("retry-after"), "1");
    report(&registry.admin(), &["x"]).await.has(200);
}
