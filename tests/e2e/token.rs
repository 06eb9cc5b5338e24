//! The three ways in which the gateway's token reaches the filter, and that none shows it.

use std::fs;

use e2e::{
    eventually::eventually,
    stack::{Foundation, READY, Stack},
};
use serde_json::json;

/// The gateway follows the feed, and its reports arrive.
async fn follows(stack: &Stack) {
    let (client, admin) = (stack.client().await, stack.admin());
    let key = admin.key("jack").await;
    client.get("/").key(&key.secret).until(200).await;
    admin.delete(&format!("/v1/credentials/{}", key.id)).await;
    client.get("/").key(&key.secret).until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_environment_and_the_config_dump_does_not_show_it() {
    let stack = Stack::with_rule(json!({"key_auth": {}})).await;
    follows(&stack).await;
    let token = &stack.registry.settings().gateway_token;
    assert!(
        !stack
            .envoy
            .config_dump()
            .await
            .text()
            .contains(token.as_str())
    );
    assert!(!stack.envoy.stats().await.contains(token.as_str()));
    assert!(!stack.envoy.log().contains(token.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn by_plugin_configuration() {
    let foundation = Foundation::lay().await;
    let token = foundation.registry.settings().gateway_token.clone();
    let config = foundation
        .config()
        .rules(json!([{"key_auth": {}}]))
        .with_filter(|filter| filter["registry"]["token"] = json!({"inline": token}));
    let stack = foundation.envoy(&config).await;
    follows(&stack).await;
    assert!(!stack.envoy.log().contains(token.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn injected_by_envoy_from_a_secret_file_that_can_be_rotated() {
    let foundation = Foundation::lay().await;
    let admin = foundation.registry.admin();
    let path = foundation.folder.path().join("gateway-token.yaml");
    let secret = |token: &str| {
        let example = fs::read_to_string(e2e::built::root().join("envoy/gateway-token.yaml"));
        let example = example.expect("envoy/gateway-token.yaml");
        let aside = path.with_extension("part");
        fs::write(&aside, example.replace("ks_gt_replace_me", token)).expect("a secret file");
        fs::rename(&aside, &path).expect("a secret file in place");
    };
    secret(&foundation.registry.settings().gateway_token);
    let injector = {
        let text = fs::read_to_string(e2e::built::root().join("envoy/credential-injector.yaml"));
        let text = text.expect("envoy/credential-injector.yaml");
        let text = text.replace(
            "/etc/envoy/gateway-token.yaml",
            path.to_str().expect("a path"),
        );
        serde_yaml_ng::from_str::<serde_json::Value>(&text).expect("YAML")
    };
    let mut config = foundation
        .config()
        .rules(json!([{"key_auth": {}}]))
        .with_filter(|filter| filter["registry"]["token"] = json!("injected"))
        .with_wasm(|wasm| {
            wasm["vm_config"]
                .as_object_mut()
                .expect("an object")
                .remove("environment_variables");
        });
    for cluster in ["keysmith_feed", "keysmith_verify"] {
        config = config.with_cluster(cluster, |cluster| {
            for (field, value) in injector.as_object().expect("an object") {
                cluster[field] = value.clone();
            }
        });
    }
    let mut start = foundation.start(&config);
    start.token = None;
    let envoy = e2e::envoy::Envoy::start(start).await;
    let Foundation {
        registry,
        upstream,
        folder,
    } = foundation;
    let client = e2e::http::Client::new(envoy.listener("api").await.expect("a listener"));

    let key = admin.key("jack").await;
    client.get("/").key(&key.secret).until(200).await;
    assert!(
        !envoy
            .config_dump()
            .await
            .text()
            .contains(&registry.settings().gateway_token)
    );

    // Another token, without a restart. The first one is provisioned, and goes when the second is in use.
    let second = admin
        .post(
            "/v1/gateway-groups/default/tokens",
            json!({"description": "second"}),
        )
        .await
        .expect(201);
    let second = second.json()["token"].as_str().expect("a token").to_owned();
    secret(&second);
    let after = admin.key("rose").await;
    client.get("/").key(&after.secret).until(200).await;
    drop((envoy, upstream, folder));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_told_nothing_more() {
    let foundation = Foundation::lay().await;
    let admin = foundation.registry.admin();
    let made = admin
        .post(
            "/v1/gateway-groups/default/tokens",
            json!({"description": "edge"}),
        )
        .await
        .expect(201)
        .json();
    let token = made["token"].as_str().expect("a token").to_owned();
    let id = made["id"].as_str().expect("an id").to_owned();
    let config = foundation.config().rules(json!([{"key_auth": {}}]));
    let mut start = foundation.start(&config);
    start.token = Some(&token);
    let envoy = e2e::envoy::Envoy::start(start).await;
    let client = e2e::http::Client::new(envoy.listener("api").await.expect("a listener"));
    let known = admin.key("jack").await.secret;
    client.get("/").key(&known).until(200).await;

    admin
        .delete(&format!("/v1/gateway-groups/default/tokens/{id}"))
        .await;
    let later = admin.key("rose").await.secret;
    eventually("the log says that the token is refused", || async {
        if envoy.log().contains("401") {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    client
        .get("/")
        .key(&later)
        .consistently(401)
        .await
        .expect("not told");
    client
        .get("/")
        .key(&known)
        .consistently(200)
        .await
        .expect("known before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_not_the_tokens_is_refused() {
    let foundation = Foundation::lay().await;
    let config = foundation
        .config()
        .rules(json!([{"key_auth": {}}]))
        .with_filter(|filter| filter["registry"]["group"] = json!("partners"));
    let stack = foundation.envoy(&config).await;
    let client = stack.client().await;
    eventually("the log names the setting", || async {
        if stack.envoy.log().contains("registry.group") {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    client
        .get(READY)
        .consistently(503)
        .await
        .expect("it cannot decide");
    client
        .get("/")
        .consistently(503)
        .await
        .expect("it cannot decide");
}
