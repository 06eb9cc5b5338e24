//! `Idempotency-Key`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Actor, Reply, TestRegistry, text};

async fn repeat(actor: &Actor, path: &str, key: &str, body: &Value) -> Reply {
    actor
        .post_with(path, &[("idempotency-key", key)], body.clone())
        .await
}

fn is_replayed(reply: &Reply) -> bool {
    reply
        .headers
        .get("idempotent-replayed")
        .is_some_and(|value| value == "true")
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let app = registry.application("billing").await;
    let create = format!("/v1/applications/{app}/credentials");
    let issued = registry
        .credential(&app, json!({"type": "api_key", "name": "rotated"}))
        .await;
    let rotate = format!("/v1/credentials/{}/rotate", text(&issued["id"]));
    for (path, body) in [
        (create.as_str(), json!({"type": "api_key", "name": "ci"})),
        (rotate.as_str(), json!({"grace_period": 5})),
        ("/v1/tokens", json!({})),
        ("/v1/gateway-groups/default/tokens", json!({})),
    ] {
        let first = repeat(&admin, path, "once", &body).await;
        assert!(first.status.is_success(), "{path}: {}", first.text());
        assert!(!is_replayed(&first));
        let second = repeat(&admin, path, "once", &body).await;
        assert!(is_replayed(&second), "{path}");
        assert_eq!((second.status, &second.body), (first.status, &first.body));
        for header in ["location", "etag", "content-type", "cache-control"] {
            assert_eq!(
                second.headers.get(header),
                first.headers.get(header),
                "{path} {header}"
            );
        }
        let other = repeat(&admin, path, "once", &json!({"description": "another"})).await;
        assert!(
            other.status == 422 || other.status == 400,
            "{path}: {}",
            other.text()
        );
        let fresh = admin.post(path, body.clone()).await;
        assert_ne!(fresh.body, first.body, "{path}");
    }
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    repeat(&admin, "/v1/tokens", "once", &json!({}))
        .await
        .has(201);
    let other = repeat(&admin, "/v1/tokens", "once", &json!({"description": "b"})).await;
    other.is_problem(422, "idempotency-key-reused", Some("Idempotency-Key"));
}

#[tokio::test]
async fn a_key_belongs_to_its_token_and_its_path() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let made = repeat(&admin, "/v1/tokens", "once", &json!({}))
        .await
        .has(201)
        .json();
    let other = registry.bearer(&text(&made["token"]));
    assert!(!is_replayed(
        &repeat(&other, "/v1/tokens", "once", &json!({}))
            .await
            .has(201)
    ));
    let group = "/v1/gateway-groups/default/tokens";
    assert!(!is_replayed(
        &repeat(&admin, group, "once", &json!({})).await.has(201)
    ));
}

#[tokio::test]
async fn an_answer_is_kept_for_fifteen_minutes() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let first = repeat(&admin, "/v1/tokens", "once", &json!({}))
        .await
        .has(201);
    registry.clock.advance(Duration::from_mins(14));
    assert!(is_replayed(
        &repeat(&admin, "/v1/tokens", "once", &json!({})).await
    ));
    registry.clock.advance(Duration::from_mins(2));
    let later = repeat(&admin, "/v1/tokens", "once", &json!({}))
        .await
        .has(201);
    assert!(!is_replayed(&later));
    assert_ne!(later.body, first.body);
}

#[tokio::test]
async fn an_answer_is_kept_over_a_restart() {
    let registry = TestRegistry::start().await;
    let first = repeat(&registry.admin(), "/v1/tokens", "once", &json!({}))
        .await
        .has(201);
    let registry = registry.stop().await.start(&[]).await;
    let second = repeat(&registry.admin(), "/v1/tokens", "once", &json!({}))
        .await
        .has(201);
    assert!(is_replayed(&second));
    assert_eq!(second.body, first.body);
}

#[tokio::test]
async fn a_request_that_failed_may_be_repeated_and_succeed() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let app = registry.application("billing").await;
    let path = format!("/v1/applications/{app}/credentials");
    let body = json!({"type": "basic", "name": "b", "username": "ann"});
    let taken = registry.credential(&app, body.clone()).await;
    repeat(&admin, &path, "once", &body).await.has(409);
    admin
        .delete(&format!("/v1/credentials/{}", text(&taken["id"])))
        .await
        .has(204);
    repeat(&admin, &path, "once", &body).await.has(201);
}

#[tokio::test]
async fn of_many_equal_requests_at_a_time_one_is_done() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let app = registry.application("billing").await;
    let path = format!("/v1/applications/{app}/credentials");
    let body = json!({"type": "basic", "name": "b", "username": "ann", "password": "correct horse battery"});
    let requests = (0..8).map(|_| repeat(&admin, &path, "once", &body));
    let mut done = 0;
    for reply in futures_util::future::join_all(requests).await {
        match reply.status.as_u16() {
            201 => done += usize::from(!is_replayed(&reply)),
            _ => drop(reply.is_problem(409, "idempotency-in-progress", None)),
        }
    }
    assert_eq!(done, 1);
}

#[tokio::test]
async fn a_key_is_checked() {
    let registry = TestRegistry::start().await;
    let long = "x".repeat(256);
    for key in ["", long.as_str()] {
        let reply = repeat(&registry.admin(), "/v1/tokens", key, &json!({})).await;
        reply.is_problem(400, "invalid-value", Some("Idempotency-Key"));
    }
}
