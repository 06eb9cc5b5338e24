//! The configuration of an Envoy to be measured.

use std::{net::SocketAddr, path::Path};

use serde_json::{Value, json};

use super::{Filter, PUBLIC, READY};
use crate::report::{Context, Failed};

pub(super) fn config(
    context: &Context,
    filter: Filter<'_>,
    admin: SocketAddr,
    listener: SocketAddr,
) -> Result<Value, Failed> {
    let clusters = match filter {
        Filter::Keysmith(registry) => json!([cluster(registry.address)]),
        Filter::None | Filter::Empty | Filter::Native(_) => json!([]),
    };
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    });
    let mut filters = filter_config(context, filter)?;
    filters.push(router);
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "any", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "ok"}}},
        ]}]},
        "http_filters": filters,
    });
    Ok(json!({
        "admin": {"address": address(admin)},
        "static_resources": {
            "listeners": [{
                "name": "bench",
                "address": address(listener),
                "connection_balance_config": {"exact_balance": {}},
                "filter_chains": [{"filters": [
                    {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager},
                ]}],
            }],
            "clusters": clusters,
        },
    }))
}

fn filter_config(context: &Context, filter: Filter<'_>) -> Result<Vec<Value>, Failed> {
    let config = match filter {
        Filter::None => return Ok(Vec::new()),
        Filter::Keysmith(_) => wasm(
            &context.filter,
            &json!({
                "registry": {
                    "cluster": "keysmith",
                    "gateway": "bench",
                    "token": {"environment": "KEYSMITH_GATEWAY_TOKEN"},
                },
                "ready_path": READY,
                "rules": [
                    {"paths": [{"prefix": PUBLIC}], "public": true},
                    {"key_auth": {"hide_credentials": true}},
                ],
            }),
        ),
        Filter::Empty => wasm(&context.empty, &json!({})),
        Filter::Native(seed) => native(&seed.secrets()?),
    };
    Ok(vec![config])
}

fn native(keys: &[String]) -> Value {
    let credentials: Vec<Value> = keys
        .iter()
        .enumerate()
        .map(|(number, key)| json!({"key": key, "client": format!("client-{number}")}))
        .collect();
    json!({
        "name": "envoy.filters.http.api_key_auth",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth",
            "credentials": credentials,
            "key_sources": [{"header": "apikey"}],
            "forwarding": {"header": "x-consumer-username", "hide_credentials": true},
        },
    })
}

fn wasm(module: &Path, configuration: &Value) -> Value {
    json!({
        "name": "wasm",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "bench",
                "failure_policy": "FAIL_RELOAD",
                "vm_config": {
                    "vm_id": "bench",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": module}},
                    "environment_variables": {"host_env_keys": ["KEYSMITH_GATEWAY_TOKEN"]},
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": configuration.to_string(),
                },
            },
        },
    })
}

fn cluster(registry: SocketAddr) -> Value {
    json!({
        "name": "keysmith",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "keysmith", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": address(registry)}}]},
        ]},
    })
}

fn address(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}
