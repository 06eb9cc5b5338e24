//! `?gateway_group_id=`.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::{KEY, OTHER_KEY, basic_auth, key_auth, with_jack};
use crate::support::{TestRegistry, text};

/// Makes two more groups: `edge` is automatic, `vault` on demand.
async fn groups(registry: &TestRegistry) {
    for (name, mode) in [("edge", "automatic"), ("vault", "on_demand")] {
        let body = json!({"name": name, "mode": mode});
        registry
            .admin()
            .post("/v1/gateway-groups", body)
            .await
            .has(201);
    }
}

/// The groups that are to honour a credential.
async fn honouring(registry: &TestRegistry, identifier: &str) -> Vec<String> {
    let admin = registry.admin();
    let page = admin
        .get("/v1/credentials?application=jack")
        .await
        .has(200)
        .json();
    let items = page["items"].as_array().unwrap();
    let found = items.iter().find(|item| item["identifier"] == identifier);
    let path = format!("/v1/credentials/{}", text(&found.unwrap()["id"]));
    let shown = admin.get(&path).await.has(200).json();
    let deployments = shown["deployments"].as_array().unwrap();
    let wanted = deployments
        .iter()
        .filter(|one| one["state"] != "undeployed");
    wanted.map(|one| text(&one["group"])).collect()
}

#[tokio::test]
async fn a_new_credential_goes_to_the_group_that_is_named_and_to_no_other() {
    let (registry, apisix) = with_jack().await;
    groups(&registry).await;
    let path = "/consumers/jack/credentials";
    apisix
        .put(&format!("{path}/a?gateway_group_id=vault"), key_auth(KEY))
        .await
        .has(201);
    assert_eq!(honouring(&registry, "a").await, ["vault"]);
    registry.clock.advance(Duration::from_millis(1));
    apisix
        .put(&format!("{path}/b"), key_auth(OTHER_KEY))
        .await
        .has(201);
    assert_eq!(honouring(&registry, "b").await, ["default", "edge"]);
    // One that exists is deployed there as well.
    let again = format!("{path}/b?gateway_group_id=vault");
    apisix.put(&again, key_auth(OTHER_KEY)).await.has(200);
    assert_eq!(
        honouring(&registry, "b").await,
        ["default", "edge", "vault"]
    );

    let ids = async |group: &str| {
        let path = format!("{path}?gateway_group_id={group}");
        let listed = apisix.get(&path).await.has(200).json();
        let list = listed["list"].as_array().unwrap().clone();
        list.iter()
            .map(|one| text(&one["value"]["id"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("vault").await, ["a", "b"]);
    assert_eq!(ids("edge").await, ["b"]);
    apisix
        .get(&format!("{path}/a?gateway_group_id=vault"))
        .await
        .has(200);
    apisix
        .get(&format!("{path}/a?gateway_group_id=edge"))
        .await
        .has(404);
}

#[tokio::test]
async fn a_consumers_own_plugins_go_to_the_group_that_is_named() {
    let registry = TestRegistry::start().await;
    let apisix = registry.apisix();
    groups(&registry).await;
    let mut body = basic_auth("jack", "the-password-of-jack");
    body["username"] = json!("jack");
    apisix
        .put("/consumers?gateway_group_id=edge", body)
        .await
        .has(201);
    assert_eq!(honouring(&registry, "consumer.basic-auth").await, ["edge"]);
    let path = "/consumers/jack?gateway_group_id=default";
    apisix.delete(path).await.is_refusal(409, "edge");
    let path = "/consumers/jack?gateway_group_id=edge";
    apisix.delete(path).await.has(200);
}

#[tokio::test]
async fn to_delete_in_one_group_is_not_to_delete_in_others() {
    let (registry, apisix) = with_jack().await;
    groups(&registry).await;
    let path = "/consumers/jack/credentials/a";
    apisix.put(path, key_auth(KEY)).await.has(201);
    let reply = apisix
        .delete(&format!("{path}?gateway_group_id=edge"))
        .await;
    reply.is_refusal(409, "the gateway groups default honour it as well");
    apisix.get(path).await.has(200);
    apisix.delete(path).await.has(200);
}

#[tokio::test]
async fn an_unknown_group_is_said_to_be_unknown_and_nothing_is_changed() {
    let (_registry, apisix) = with_jack().await;
    for (method, path, body) in [
        (Method::GET, "/consumers", Value::Null),
        (Method::PUT, "/consumers", json!({"username": "jill"})),
        (Method::GET, "/consumers/jack", Value::Null),
        (Method::DELETE, "/consumers/jack", Value::Null),
        (Method::GET, "/consumers/jack/credentials", Value::Null),
        (Method::PUT, "/consumers/jack/credentials/a", key_auth(KEY)),
    ] {
        let path = format!("{path}?gateway_group_id=nowhere");
        let reply = apisix.send(method, &path, body.to_string()).await;
        reply.is_refusal(404, "no gateway group");
    }
    apisix.get("/consumers/jill").await.has(404);
    apisix.get("/consumers/jack/credentials/a").await.has(404);
}
