//! Starting, stopping, and what stays.

use std::time::Duration;

use filter_core::key::SecretType;
use serde_json::json;

use crate::support::{Data, TestRegistry, admin_token, text, token};

#[tokio::test]
async fn a_restart_keeps_everything() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    let made = registry
        .admin()
        .post("/v1/gateway-groups/default/tokens", json!({}))
        .await
        .has(201)
        .json();
    let token = text(&made["token"]);
    let before = registry.bearer(&token).poll(None, 0).await;
    let path = format!("/v1/credentials/{}", text(&issued["id"]));
    let shown = registry.admin().get(&path).await.has(200).json();

    let registry = registry.stop().await.start(&[]).await;
    assert_eq!(registry.admin().get(&path).await.has(200).json(), shown);
    assert_eq!(registry.bearer(&token).poll(None, 0).await, before);
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let registry = TestRegistry::start().await;
    let data = registry.stop().await;
    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let message = data
        .refuses_to_start(&[("KEYSMITH_MASTER_KEY", other)])
        .await;
    assert!(
        message.contains("master key does not belong to this database"),
        "{message}"
    );
    let message = data
        .refuses_to_start(&[("KEYSMITH_MASTER_KEY", "short")])
        .await;
    assert!(message.starts_with("KEYSMITH_MASTER_KEY: "), "{message}");
    data.start(&[]).await.stop().await;
}

#[tokio::test]
async fn a_lost_master_key_is_not_replaced() {
    let data = TestRegistry::start().await.stop().await;
    std::fs::remove_file(data.path().join("master.key")).unwrap();
    let message = data.refuses_to_start(&[]).await;
    assert!(message.contains("master.key does not"), "{message}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_secret_is_readable_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let data = Data::new().await;
    let registry = data.start(&[("KEYSMITH_ADMIN_TOKEN", "")]).await;
    registry.operator().get("/readyz").await.has(200);
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.path()), 0o700);
    for file in std::fs::read_dir(data.path()).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let token = std::fs::read_to_string(data.path().join("admin-token")).unwrap();
    registry
        .bearer(token.trim())
        .get("/v1/applications")
        .await
        .has(200);

    let registry = registry
        .stop()
        .await
        .start(&[("KEYSMITH_ADMIN_TOKEN", "")])
        .await;
    registry
        .bearer(token.trim())
        .get("/v1/applications")
        .await
        .has(200);
    assert_eq!(
        std::fs::read_to_string(data.path().join("admin-token")).unwrap(),
        token
    );
}

#[tokio::test]
async fn a_bad_token_of_the_configuration_is_named() {
    let data = Data::new().await;
    let message = data
        .refuses_to_start(&[("KEYSMITH_GATEWAY_TOKEN", "nonsense")])
        .await;
    assert!(message.starts_with("KEYSMITH_GATEWAY_TOKEN: "), "{message}");
    assert!(!message.contains("nonsense"), "{message}");
    let message = data
        .refuses_to_start(&[("KEYSMITH_ADMIN_TOKEN", "short")])
        .await;
    assert!(message.starts_with("KEYSMITH_ADMIN_TOKEN: "), "{message}");
}

#[tokio::test]
async fn a_gateway_token_of_the_configuration_may_be_revoked_for_good() {
    let configured = token(SecretType::GatewayToken, 3);
    let settings = [("KEYSMITH_GATEWAY_TOKEN", configured.as_str())];
    let registry = TestRegistry::with(&settings).await;
    let tokens = "/v1/gateway-groups/default/tokens";
    let listed = registry.admin().get(tokens).await.has(200).json();
    let id = text(&listed["items"][0]["id"]);
    let path = format!("{tokens}/{id}");
    registry.admin().delete(&path).await.has(204);

    let registry = registry.stop().await.start(&settings).await;
    registry.admin().get(tokens).await.has(200);
    registry.bearer(&configured).get("/v1/feed").await.has(401);
}

#[tokio::test]
async fn a_new_admin_token_is_made_when_the_last_one_was_revoked() {
    let data = Data::new().await;
    let file = data.path().join("admin-token");
    let generated = [("KEYSMITH_ADMIN_TOKEN", "")];
    let registry = data.start(&generated).await;
    registry.operator().get("/readyz").await.has(200);
    let first = std::fs::read_to_string(&file).unwrap();
    revoke_only_token(&registry, first.trim()).await;

    let data = registry.stop().await;
    let registry = data.start(&generated).await;
    registry.operator().get("/readyz").await.has(200);
    let second = std::fs::read_to_string(&file).unwrap();
    assert_ne!(first, second);
    registry
        .bearer(first.trim())
        .get("/v1/tokens")
        .await
        .has(401);
    revoke_only_token(&registry, second.trim()).await;

    // What is configured brings somebody in again, and can be revoked like any other.
    let registry = registry.stop().await.start(&[]).await;
    revoke_only_token(&registry, &admin_token()).await;
    let registry = registry.stop().await.start(&[]).await;
    registry.operator().get("/readyz").await.has(200);
    registry.admin().get("/v1/tokens").await.has(401);
    let third = std::fs::read_to_string(&file).unwrap();
    registry
        .bearer(third.trim())
        .get("/v1/tokens")
        .await
        .has(200);
}

async fn revoke_only_token(registry: &TestRegistry, value: &str) {
    let admin = registry.bearer(value);
    let listed = admin.get("/v1/tokens").await.has(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    let id = text(&listed["items"][0]["id"]);
    admin.delete(&format!("/v1/tokens/{id}")).await.has(204);
}

#[tokio::test]
async fn a_data_directory_serves_one_registry_at_a_time() {
    let data = Data::new().await;
    let registry = data.start(&[]).await;
    registry.operator().get("/readyz").await.has(200);
    let message = data.refuses_to_start(&[]).await;
    let directory = data.path().display().to_string();
    assert!(
        message.starts_with("data_dir: ") && message.contains(&directory),
        "{message}"
    );
    registry.admin().get("/v1/tokens").await.has(200);
    let data = registry.stop().await;
    data.start(&[]).await.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let registry = TestRegistry::start().await;
    let address = registry.address();
    let error = registry::listener::bind("listen", address)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("listen: cannot listen on {address}: ")),
        "{error}"
    );
}

#[tokio::test]
async fn the_end_answers_long_polls_at_once() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let mut next = gateway.poll(None, 0).await;
    while next.more {
        next = gateway.poll(Some(&next.next), 0).await;
    }
    let waiting = gateway.clone();
    let poll = tokio::spawn(async move { waiting.poll(Some(&next.next), 60).await });
    while !registry
        .operator()
        .get("/metrics")
        .await
        .text()
        .contains("keysmith_feed_waiters 1")
    {
        tokio::task::yield_now().await;
    }
    registry.stop().await;
    let page = tokio::time::timeout(Duration::from_secs(10), poll)
        .await
        .unwrap()
        .unwrap();
    assert!(!page.more);
}

#[tokio::test]
async fn what_was_accepted_is_finished() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let admin = registry.admin();
    let path = format!("/v1/applications/{app}/credentials");
    let requests: Vec<_> = (0..4)
        .map(|number| {
            let (admin, path) = (admin.clone(), path.clone());
            let username = format!("ann-{number}");
            let body = json!({"type": "basic", "name": username, "username": username, "password": "correct horse battery"});
            tokio::spawn(async move { admin.post(&path, body).await })
        })
        .collect();
    while registry
        .operator()
        .get("/metrics")
        .await
        .text()
        .contains("keysmith_password_hashes_running 0")
    {
        tokio::task::yield_now().await;
    }
    registry.announce_end();
    let mut created = 0;
    for request in requests {
        // A request that had not reached the registry yet fails in its own connection.
        if let Ok(reply) = request.await {
            reply.has(201);
            created += 1;
        }
    }
    let registry = registry.stop().await.start(&[]).await;
    let listed = registry.admin().get(&path).await.has(200).json();
    assert!(created > 0);
    assert_eq!(listed["items"].as_array().unwrap().len(), created);
}
