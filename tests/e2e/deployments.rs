//! One credential, deployed to one gateway group.

use e2e::{
    envoy::{Envoy, Start},
    http::Client,
    stack::{Foundation, READY},
};
use serde_json::json;

/// A caller of this gateway, once all its workers can decide.
async fn client(envoy: &Envoy) -> Client {
    let client = Client::new(envoy.listener("api").await.expect("a listener"));
    client.get(READY).until(200).await;
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_works_in_the_groups_that_it_is_deployed_to_and_nowhere_else() {
    let foundation = Foundation::lay().await;
    let admin = foundation.registry.admin();
    let group = json!({"name": "inner", "mode": "on_demand"});
    admin.post("/v1/gateway-groups", group).await.expect(201);
    let token = admin
        .post("/v1/gateway-groups/inner/tokens", json!({}))
        .await
        .expect(201)
        .json();
    let config = foundation.config().rules(json!([{"key_auth": {}}]));
    let outer = Envoy::start(foundation.start(&config)).await;
    let inner = Envoy::start(Start {
        token: token["token"].as_str(),
        name: "inner",
        ..foundation.start(&config)
    })
    .await;
    let (outside, inside) = (client(&outer).await, client(&inner).await);

    let key = admin.key("jack").await;
    outside.get("/").key(&key.secret).until(200).await;
    inside
        .get("/")
        .key(&key.secret)
        .consistently(401)
        .await
        .expect("not deployed there");

    let path = format!("/v1/credentials/{}/deployments/inner", key.id);
    let deployed = admin.call("PUT", &path).header("prefer", "wait=20");
    let deployed = deployed.send().await.expect(200).json();
    assert_eq!(deployed["state"], "deployed", "{deployed}");
    inside
        .get("/")
        .key(&key.secret)
        .consistently(200)
        .await
        .expect("deployed there");

    let refused = admin.call("DELETE", &format!("/v1/credentials/{}", key.id));
    refused.send().await.expect(409);
    let undeployed = admin.call("DELETE", &path).header("prefer", "wait=20");
    let undeployed = undeployed.send().await.expect(200).json();
    assert_eq!(undeployed["state"], "undeployed", "{undeployed}");
    inside
        .get("/")
        .key(&key.secret)
        .consistently(401)
        .await
        .expect("gone from there");
    outside
        .get("/")
        .key(&key.secret)
        .consistently(200)
        .await
        .expect("it goes on elsewhere");
}
