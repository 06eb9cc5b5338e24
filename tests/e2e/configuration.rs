//! A configuration with a mistake does not load, and Envoy's log says where the mistake is.

use e2e::{
    envoy::{Envoy, config::Config},
    stack::Foundation,
};
use serde_json::json;

/// What Envoy logged when it refused this configuration.
async fn refusal(foundation: &Foundation, config: &Config) -> String {
    let mut start = foundation.start(config);
    start.name = "refused";
    let _ = std::fs::remove_file(foundation.folder.path().join("refused.log"));
    match Envoy::try_start(start).await {
        Ok(_) => panic!("Envoy took {}", config.filter()),
        Err(log) => log,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_named_with_its_place() {
    let foundation = Foundation::lay().await;
    let key_auth = json!({"key_auth": {}});
    for (name, mistake, place) in [
        (
            "an unknown field",
            json!({"rules": [{"key_auth": {"heder": "x"}}]}),
            "rules[0].key_auth",
        ),
        (
            "an unknown top field",
            json!({"rules": [key_auth], "unmached": "allow"}),
            "unmached",
        ),
        (
            "a wrong type",
            json!({"rules": [{"key_auth": {"hide_credentials": "yes"}}]}),
            "rules[0].key_auth.hide_credentials",
        ),
        ("no rules", json!({"rules": []}), "rules"),
        (
            "a rule that accepts nothing",
            json!({"rules": [key_auth, {"hosts": ["a"]}]}),
            "rules[1]",
        ),
        (
            "public and protected",
            json!({"rules": [{"public": true, "key_auth": {}}]}),
            "rules[0]",
        ),
        (
            "a bad host",
            json!({"rules": [{"hosts": ["a/b"], "key_auth": {}}]}),
            "rules[0].hosts[0]",
        ),
        (
            "a relative path",
            json!({"rules": [{"paths": [{"prefix": "x"}], "key_auth": {}}]}),
            "rules[0].paths[0]",
        ),
        (
            "a bad realm",
            json!({"rules": [{"realm": "a\"b", "key_auth": {}}]}),
            "rules[0].realm",
        ),
        (
            "an anonymous application that could never pass",
            json!({"rules": [{"key_auth": {}, "anonymous": "guest", "required_scopes": ["a"]}]}),
            "rules[0].anonymous",
        ),
        (
            "a bad wait",
            json!({"rules": [key_auth], "registry": {"poll_wait_seconds": 0}}),
            "registry.poll_wait_seconds",
        ),
    ] {
        let config = foundation.config().with_filter(|filter| {
            let object = mistake.as_object().expect("an object");
            for (field, value) in object {
                if field == "registry" {
                    for (field, value) in value.as_object().expect("an object") {
                        filter["registry"][field] = value.clone();
                    }
                } else {
                    filter[field] = value.clone();
                }
            }
        });
        let log = refusal(&foundation, &config).await;
        assert!(
            log.contains(place),
            "{name}: the log does not name {place}:\n{log}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_token_is_said_to_be_missing() {
    let foundation = Foundation::lay().await;
    let config = foundation.config();
    let mut start = foundation.start(&config);
    start.token = None;
    let log = Envoy::try_start(start).await.expect_err("Envoy refuses");
    assert!(log.contains("KEYSMITH_GATEWAY_TOKEN"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_no_gateway_token_is_refused_and_not_logged() {
    let foundation = Foundation::lay().await;
    let wrong = foundation
        .registry
        .settings()
        .gateway_token
        .replace("_gt_", "_ak_");
    let config = foundation.config();
    let mut start = foundation.start(&config);
    start.token = Some(&wrong);
    let log = Envoy::try_start(start).await.expect_err("Envoy refuses");
    assert!(!log.contains(&wrong), "the log shows the value");

    let config = foundation
        .config()
        .with_filter(|filter| filter["registry"]["token"] = json!(wrong.clone()));
    let log = refusal(&foundation, &config).await;
    assert!(log.contains("registry.token"), "{log}");
    assert!(!log.contains(&wrong[8..]), "the log shows the value");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_token_the_filter_wants_a_vm_id() {
    let foundation = Foundation::lay().await;
    let config = foundation
        .config()
        .with_filter(|filter| filter["registry"]["token"] = json!("injected"))
        .with_wasm(|wasm| wasm["vm_config"]["vm_id"] = json!(""));
    let log = refusal(&foundation, &config).await;
    assert!(
        log.contains("registry.token: \"injected\" needs a vm_config.vm_id"),
        "{log}"
    );
}
