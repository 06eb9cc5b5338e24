//! The operations listener.

use serde_json::json;

use crate::support::TestRegistry;

#[tokio::test]
async fn a_registry_that_runs_is_alive_and_ready() {
    let registry = TestRegistry::start().await;
    let operator = registry.operator();
    operator.get("/healthz").await.has(200);
    operator.get("/readyz").await.has(200);
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_status() {
    let registry = TestRegistry::start().await;
    registry.application("billing").await;
    registry.admin().get("/v1/applications/x").await.has(404);
    registry
        .stranger()
        .get("/v1/this-is-a-secret-in-a-path")
        .await
        .has(404);
    let reply = registry.operator().get("/metrics").await.has(200);
    assert!(
        reply
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let metrics = reply.text();
    for line in [
        "keysmith_http_requests_total{method=\"POST\",route=\"/v1/applications\",status=\"201\"} 1",
        "keysmith_http_requests_total{method=\"GET\",route=\"/v1/applications/{id}\",status=\"404\"} 1",
        "keysmith_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 1",
        "keysmith_http_request_duration_seconds_count{method=\"POST\",route=\"/v1/applications\"} 1",
        "keysmith_feed_waiters 0",
        "keysmith_head_revision 1",
    ] {
        assert!(metrics.contains(line), "{line}\nis not in\n{metrics}");
    }
    assert!(!metrics.contains("secret"), "{metrics}");
}

#[tokio::test]
async fn the_two_listeners_share_nothing() {
    let registry = TestRegistry::start().await;
    registry.admin().get("/metrics").await.has(404);
    registry.admin().get("/healthz").await.has(404);
    let reply = registry
        .operator()
        .post("/v1/applications", json!({"name": "a"}))
        .await;
    reply.has(404);
}
