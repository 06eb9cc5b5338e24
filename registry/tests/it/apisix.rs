//! `/apisix/admin/consumers`.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Apisix, Reply, TestRegistry, text};

mod access;
mod groups;
mod lists;
mod refused;
mod secrets;

const KEY: &str = "an-own-key-of-jack-1";
const OTHER_KEY: &str = "an-own-key-of-jack-2";
const PASSWORD: &str = "the-password-of-jack";

fn key_auth(key: &str) -> Value {
    json!({"plugins": {"key-auth": {"key": key}}})
}

fn basic_auth(username: &str, password: &str) -> Value {
    json!({"plugins": {"basic-auth": {"username": username, "password": password}}})
}

/// A registry with consumer `jack`.
async fn with_jack() -> (TestRegistry, Apisix) {
    let registry = TestRegistry::start().await;
    let apisix = registry.apisix();
    let made = apisix.put("/consumers", json!({"username": "jack"})).await;
    made.has(201);
    (registry, apisix)
}

/// The version of the only secret of the consumer's credential with this identifier, as the REST API shows it.
async fn version(registry: &TestRegistry, consumer: &str, identifier: &str) -> u64 {
    let path = format!("/v1/credentials?application={consumer}");
    let page = registry.admin().get(&path).await.has(200).json();
    let items = page["items"].as_array().unwrap();
    let found = items.iter().find(|item| item["identifier"] == identifier);
    let secrets = found.unwrap()["secrets"].as_array().unwrap();
    assert_eq!(secrets.len(), 1, "{page}");
    secrets[0]["version"].as_u64().unwrap()
}

fn without_times(reply: &Reply) -> Value {
    let mut body = reply.json();
    for time in ["create_time", "update_time"] {
        assert!(body["value"][time].is_u64(), "{body}");
        body["value"].as_object_mut().unwrap().remove(time);
    }
    body
}

#[tokio::test]
async fn a_consumer_is_created_replaced_shown_and_deleted() {
    let registry = TestRegistry::start().await;
    let apisix = registry.apisix();
    let made = apisix.put("/consumers", json!({"username": "jack"})).await;
    assert_eq!(
        without_times(&made.has(201)),
        json!({"key": "/apisix/consumers/jack", "value": {"username": "jack"}})
    );
    let whole = json!({"username": "jack", "desc": "new", "labels": {"custom_id": "495aec6a", "env": "prod"}});
    let replaced = apisix.put("/consumers/jack", whole.clone()).await.has(200);
    assert_eq!(replaced.header("x-api-version"), "v3");
    assert_eq!(
        without_times(&replaced),
        json!({"key": "/apisix/consumers/jack", "value": whole})
    );
    let page = registry.admin().get("/v1/applications").await.has(200);
    let application = page.json()["items"][0].clone();
    assert_eq!(application["custom_id"], "495aec6a");
    assert_eq!(application["labels"], json!({"env": "prod"}));
    let shown = apisix.get("/consumers/jack").await.has(200).json();
    let (created, modified) = (&shown["createdIndex"], &shown["modifiedIndex"]);
    assert!(created.as_u64() < modified.as_u64(), "{shown}");

    let body = json!({"username": "jack"});
    apisix.put("/consumers", body).await.has(200);
    let shown = apisix.get("/consumers/jack").await.has(200).json();
    let fields: Vec<&String> = shown["value"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["create_time", "update_time", "username"]);

    let deleted = apisix.delete("/consumers/jack").await.has(200).json();
    let gone = json!({"deleted": "1", "key": "/apisix/consumers/jack"});
    assert_eq!(deleted, gone);
    for reply in [
        apisix.get("/consumers/jack").await,
        apisix.delete("/consumers/jack").await,
        apisix.get("/consumers/jack/credentials").await,
    ] {
        assert_eq!(reply.has(404).json(), json!({"message": "Key not found"}));
    }
}

#[tokio::test]
async fn a_credential_is_created_replaced_shown_and_deleted() {
    let (registry, apisix) = with_jack().await;
    let path = "/consumers/jack/credentials/key-1";
    let mut body = key_auth(KEY);
    body["desc"] = json!("a key");
    body["labels"] = json!({"env": "prod"});
    let made = apisix.put(path, body.clone()).await.has(201);
    assert!(!made.header("keysmith-revision").is_empty());
    assert!(!made.text().contains(KEY), "{}", made.text());
    let value = without_times(&made);
    assert_eq!(value["key"], "/apisix/consumers/jack/credentials/key-1");
    let mask = text(&value["value"]["plugins"]["key-auth"]["key"]);
    assert!(
        mask.starts_with("****") && mask.contains("ck-1****"),
        "{mask}"
    );
    body["id"] = json!("key-1");
    body["plugins"]["key-auth"]["key"] = json!(mask);
    assert_eq!(value["value"], body);

    let shown = apisix.get(path).await.has(200).json();
    assert_eq!(shown["value"]["plugins"], body["plugins"]);
    let replaced = apisix.put(path, key_auth(KEY)).await.has(200);
    assert_eq!(without_times(&replaced)["value"].get("desc"), None);
    assert_eq!(version(&registry, "jack", "key-1").await, 1);

    // By the id in the body, a number too.
    let mut body = basic_auth("jack", PASSWORD);
    body["id"] = json!(17);
    body["name"] = json!("by-hand");
    let made = apisix.put("/consumers/jack/credentials", body).await;
    let made = made.has(201);
    assert!(!made.text().contains(PASSWORD), "{}", made.text());
    assert_eq!(made.json()["value"]["id"], "17");
    assert_eq!(made.json()["value"]["name"], "by-hand");
    let basic = &made.json()["value"]["plugins"]["basic-auth"];
    assert_eq!(basic["username"], "jack");

    let deleted = apisix.delete(path).await.has(200).json();
    assert_eq!(deleted["key"], "/apisix/consumers/jack/credentials/key-1");
    for reply in [apisix.get(path).await, apisix.delete(path).await] {
        assert_eq!(reply.has(404).json(), json!({"message": "Key not found"}));
    }
    let reply = apisix
        .put("/consumers/jill/credentials/a", key_auth(KEY))
        .await;
    reply.is_refusal(404, "consumer not found");
}

#[tokio::test]
async fn a_consumers_own_plugins_are_credentials_with_fixed_identifiers() {
    let registry = TestRegistry::start().await;
    let apisix = registry.apisix();
    let plugins =
        json!({"key-auth": {"key": KEY}, "basic-auth": {"username": "jack", "password": PASSWORD}});
    let body = json!({"username": "jack", "plugins": plugins});
    let made = apisix.put("/consumers", body).await.has(201);
    assert!(!made.text().contains(KEY) && !made.text().contains(PASSWORD));
    let shown = apisix.get("/consumers/jack").await.has(200).json();
    let mut value = shown["value"].clone();
    for time in ["create_time", "update_time"] {
        value.as_object_mut().unwrap().remove(time);
    }
    // What is shown can be sent back as it is.
    apisix.put("/consumers", value.clone()).await.has(200);
    assert_eq!(version(&registry, "jack", "consumer.key-auth").await, 1);
    assert_eq!(version(&registry, "jack", "consumer.basic-auth").await, 1);
    let listed = apisix.get("/consumers/jack/credentials").await.has(200);
    assert_eq!(listed.json(), json!({"total": 0, "list": []}));
    let path = "/consumers/jack/credentials/consumer.key-auth";
    apisix.get(path).await.has(404);
    apisix.delete(path).await.has(404);
    let reply = apisix.put(path, key_auth(OTHER_KEY)).await;
    reply.is_refusal(400, "PUT the consumer");

    // What is left out is removed.
    value["plugins"]
        .as_object_mut()
        .unwrap()
        .remove("basic-auth");
    value["plugins"]["key-auth"]["key"] = json!(OTHER_KEY);
    apisix.put("/consumers", value).await.has(200);
    assert_eq!(version(&registry, "jack", "consumer.key-auth").await, 2);
    let shown = apisix.get("/consumers/jack").await.has(200).json();
    let plugins = shown["value"]["plugins"].as_object().unwrap();
    assert_eq!(plugins.len(), 1, "{shown}");
}

#[tokio::test]
async fn a_credential_of_another_type_takes_the_place_of_one() {
    let (registry, apisix) = with_jack().await;
    let path = "/consumers/jack/credentials/a";
    apisix.put(path, key_auth(KEY)).await.has(201);
    apisix
        .put(path, basic_auth("jack", PASSWORD))
        .await
        .has(200);
    let shown = apisix.get(path).await.has(200).json();
    assert_eq!(shown["value"]["plugins"]["basic-auth"]["username"], "jack");
    let search = "/v1/credentials?application=jack";
    let page = registry.admin().get(search).await.has(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    // The key is gone for good.
    let reply = apisix
        .put("/consumers/jack/credentials/b", key_auth(KEY))
        .await;
    reply.is_refusal(400, "duplicate key of plugin key-auth");
}

#[tokio::test]
async fn methods_that_apisix_does_not_have_are_refused_in_its_words() {
    let (_registry, apisix) = with_jack().await;
    for (method, path, message) in [
        (
            Method::POST,
            "/consumers",
            "not supported `POST` method for consumer",
        ),
        (
            Method::PATCH,
            "/consumers/jack",
            "not supported `PATCH` method for consumer",
        ),
        (
            Method::POST,
            "/consumers/jack/credentials",
            "not supported `POST` method for credential",
        ),
        (
            Method::PATCH,
            "/consumers/jack/credentials/a",
            "not supported `PATCH` method for credential",
        ),
        (
            Method::DELETE,
            "/consumers/jack/credentials",
            "not supported `DELETE` method for credential",
        ),
    ] {
        apisix
            .send(method, path, "{}")
            .await
            .is_refusal(405, message);
    }
    let reply = apisix.put("/routes/1", json!({})).await;
    reply.is_refusal(404, "Unsupported resource type: routes");
    let reply = apisix.get("/an-own-word-of-the-caller").await;
    reply.is_refusal(404, "Unsupported resource type;");
}
