//! The configurations in `envoy/`: what can be checked of them without a cluster or a container engine.

use std::fs;

use e2e::{
    built,
    envoy::config::{Config, wasm_mut},
    stack::Foundation,
};
use serde_json::{Value, json};

fn text(name: &str) -> String {
    let path = built::root().join("envoy").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a YAML file.
fn documents(name: &str) -> Vec<Value> {
    use serde_yaml_ng::Deserializer;
    let text = text(name);
    let documents = Deserializer::from_str(&text).map(serde::Deserialize::deserialize);
    documents
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    let found = documents.iter().find(|document| document["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn every_example_brings_a_filter_configuration_of_the_same_form() {
    let reference = Config::reference().filter();
    let istio = documents("istio.yaml");
    let istio = &of_kind(&istio, "WasmPlugin")["spec"]["pluginConfig"];
    let gateway = documents("envoy-gateway.yaml");
    let gateway = &of_kind(&gateway, "EnvoyExtensionPolicy")["spec"]["wasm"][0]["config"];
    for (name, config) in [
        ("envoy.yaml", &reference),
        ("istio.yaml", istio),
        ("envoy-gateway.yaml", gateway),
    ] {
        assert!(
            config["registry"]["cluster"].is_string(),
            "{name}: {config}"
        );
        assert!(
            config["registry"]["token"]["environment"].is_string(),
            "{name}: {config}"
        );
        assert!(
            config["rules"]
                .as_array()
                .is_some_and(|rules| !rules.is_empty()),
            "{name}: {config}"
        );
    }
}

#[test]
fn the_demo_changes_nothing_in_the_reference_configuration_but_the_modules_place() {
    let mut rendered = Config::reference().json().clone();
    let loopback = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let demo = Config::reference()
        .admin(loopback(9901))
        .listen(loopback(10_000))
        .cluster("upstream", loopback(10_001))
        .cluster("keysmith_feed", loopback(8080))
        .cluster("keysmith_verify", loopback(8080));
    let demo_filter = demo.filter();
    assert_eq!(demo.json(), &rendered);
    assert_eq!(demo_filter, Config::reference().filter());

    let module = &wasm_mut(&mut rendered["static_resources"]["listeners"][0])["vm_config"]["code"]
        ["local"]["filename"];
    assert_eq!(
        module, "target/wasm32-unknown-unknown/wasm/filter.wasm",
        "where `make wasm` puts it"
    );
}

#[test]
fn the_reference_configuration_has_what_the_documents_promise() {
    let mut config = Config::reference().json().clone();
    assert_eq!(
        config["admin"]["address"]["socket_address"]["address"],
        "127.0.0.1"
    );
    let listener = &mut config["static_resources"]["listeners"][0];
    let wasm = wasm_mut(listener).clone();
    assert_eq!(wasm["failure_policy"], "FAIL_RELOAD");
    assert_eq!(wasm["vm_config"]["vm_id"], "keysmith");
    let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
    assert_eq!(manager["normalize_path"], true);
    assert_eq!(manager["merge_slashes"], true);
    assert_eq!(
        manager["path_with_escaped_slashes_action"],
        "REJECT_REQUEST"
    );
    let common = &manager["common_http_protocol_options"];
    assert_eq!(common["headers_with_underscores_action"], "REJECT_REQUEST");
    assert!(common["max_stream_duration"].is_string());
    assert_eq!(
        manager["http_filters"][0]["name"], "keysmith",
        "the filter stands first"
    );
}

#[test]
fn the_compose_file_builds_from_files_that_exist_and_changes_lines_that_exist() {
    let compose = documents("docker-compose.yaml").remove(0);
    let services = compose["services"].as_object().expect("services");
    for name in ["token", "registry", "upstream", "envoy"] {
        let build = &services[name]["build"];
        assert!(build["target"].is_string(), "{name}");
        let file = build["dockerfile"]
            .as_str()
            .unwrap_or_else(|| panic!("{name} has no dockerfile"));
        assert_eq!(
            build["context"], "..",
            "{name} is built from the project's root"
        );
        let dockerfile = fs::read_to_string(built::root().join(file))
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        for line in dockerfile
            .lines()
            .filter(|line| line.starts_with("COPY ") && !line.contains("--from"))
        {
            let words: Vec<&str> = line.split_whitespace().collect();
            for source in &words[1..words.len() - 1] {
                assert!(
                    built::root().join(source).exists(),
                    "{file} copies {source}"
                );
            }
        }
        // `sed` in a Dockerfile must find what it replaces.
        for expression in dockerfile.split("s|").skip(1) {
            let searched = expression.split('|').next().unwrap_or_default();
            assert!(
                text("envoy.yaml").contains(searched),
                "{file} replaces {searched}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_loads_as_istio_configures_it() {
    let foundation = Foundation::lay().await;
    let example = documents("istio.yaml");
    let example = of_kind(&example, "WasmPlugin")["spec"]["pluginConfig"].clone();
    let config = foundation
        .config()
        .with_filter(|filter| {
            *filter = example;
            filter["registry"]["cluster"] = json!("keysmith_feed");
        })
        .with_wasm(|wasm| {
            // What istiod writes: no vm_id, and the resource's version in the environment.
            wasm["name"] = json!("istio-ingress.keysmith");
            let vm = wasm["vm_config"].as_object_mut().expect("an object");
            vm.remove("vm_id");
            vm["environment_variables"]["key_values"] =
                json!({"ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": "1"});
        });
    let stack = foundation.envoy(&config).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    let seen = client.get("/").key(&key).until(200).await.echoed();
    assert!(!seen.has("apikey"));
    client.get("/").send().await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_loads_as_envoy_gateway_configures_it() {
    let foundation = Foundation::lay().await;
    let example = documents("envoy-gateway.yaml");
    let example = of_kind(&example, "EnvoyExtensionPolicy")["spec"]["wasm"][0]["config"].clone();
    let config = foundation
        .config()
        .with_filter(|filter| *filter = example)
        .with_wasm(|wasm| {
            // Envoy Gateway writes a vm_id of its own, `fail_open: false`, and no failure policy.
            wasm["vm_config"]["vm_id"] = json!("envoyextensionpolicy/default/keysmith/wasm/0");
            wasm["fail_open"] = json!(false);
            wasm.as_object_mut()
                .expect("an object")
                .remove("failure_policy");
        });
    let stack = foundation.envoy(&config).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;
    client.get("/").send().await.expect(401);
}
