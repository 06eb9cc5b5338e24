//! `/v1/keys`: replacing the master key of a registry that serves.

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::support::{Data, TestRegistry, text};

const OLD: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const NEW: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const ROTATE: &str = "/v1/keys/rotate-master";

async fn rotate(registry: &TestRegistry) -> Value {
    registry.admin().post(ROTATE, json!({})).await.has(200);
    loop {
        let keys = registry.admin().get("/v1/keys").await.has(200).json();
        if keys["rotation"].is_null() {
            return keys;
        }
        tokio::task::yield_now().await;
    }
}

async fn reveals(registry: &TestRegistry, credential: &Value) -> String {
    let path = format!("/v1/credentials/{}/reveal", text(&credential["id"]));
    let reply = registry.admin().post(&path, json!({})).await.has(200);
    reply.text()
}

#[tokio::test]
async fn a_generated_master_key_is_replaced_and_its_file_with_it() {
    let settings = [("KEYSMITH_ALLOW_RETRIEVABLE_SECRETS", "true")];
    let data = Data::new().await;
    let registry = data.start(&settings).await;
    let app = registry.application("billing").await;
    let body = json!({"type": "api_key", "name": "ci", "secret_type": "retrievable"});
    let issued = registry.credential(&app, body).await;
    let shown = reveals(&registry, &issued).await;
    let first = std::fs::read_to_string(data.path().join("master.key")).unwrap();

    let keys = rotate(&registry).await;
    let ids = keys["master_keys"].as_array().unwrap().len();
    assert_eq!(ids, 2, "{keys}");
    assert_eq!(reveals(&registry, &issued).await, shown);
    let entries = registry.admin().get("/v1/audit?limit=10").await.has(200);
    let entries = entries.text();
    for action in ["keys.master_rotation_begun", "keys.master_rotated"] {
        assert!(entries.contains(action), "{entries}");
    }

    // A start puts the file into its place, if the end came before that.
    let registry = registry.stop().await.start(&settings).await;
    assert_eq!(reveals(&registry, &issued).await, shown);
    let data = registry.stop().await;
    let second = std::fs::read_to_string(data.path().join("master.key")).unwrap();
    assert_ne!(second, first);
    assert!(!data.path().join("master.key.next").exists());
    let old = [("KEYSMITH_MASTER_KEY", first.trim())];
    let message = data.refuses_to_start(&old).await;
    assert!(message.contains("does not belong"), "{message}");
}

#[tokio::test]
async fn a_configured_master_key_moves_to_the_next_configured_one() {
    let data = Data::new().await;
    let old = ("KEYSMITH_MASTER_KEY", OLD);
    let registry = data.start(&[old]).await;
    let app = registry.application("billing").await;
    let refused = registry.admin().post(ROTATE, json!({})).await.has(409);
    assert!(
        refused.text().contains("next_master_key"),
        "{}",
        refused.text()
    );
    let same = ("KEYSMITH_NEXT_MASTER_KEY", OLD);
    let registry = registry.stop().await.start(&[old, same]).await;
    let refused = registry.admin().post(ROTATE, json!({})).await.has(409);
    assert!(refused.text().contains("is or was"), "{}", refused.text());

    let next = ("KEYSMITH_NEXT_MASTER_KEY", NEW);
    let registry = registry.stop().await.start(&[old, next]).await;
    rotate(&registry).await;
    let data = registry.stop().await;
    data.refuses_to_start(&[old]).await;
    let registry = data.start(&[("KEYSMITH_MASTER_KEY", NEW)]).await;
    let path = format!("/v1/applications/{app}");
    registry.admin().get(&path).await.has(200);
}

#[tokio::test]
async fn keys_are_never_shown() {
    let data = Data::new().await;
    let registry = data.start(&[("KEYSMITH_MASTER_KEY", OLD)]).await;
    let shown = registry.admin().get("/v1/keys").await.has(200);
    assert!(!shown.text().contains(OLD) && !shown.text().contains("AAAA"));
    let stranger = registry.stranger();
    let empty = Bytes::new();
    let method = axum::http::Method::POST;
    let reply = stranger.send(method, ROTATE, &[], empty).await;
    assert_eq!(reply.status.as_u16(), 401);
}
