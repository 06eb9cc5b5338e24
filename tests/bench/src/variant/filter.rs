//! The HTTP filters of the variants, as Envoy's configuration writes them.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{jwt, username};

const USERNAME: &str = "x-consumer-username";
const HTTP_FILTERS: &str = "type.googleapis.com/envoy.extensions.filters.http";

/// The filter at the end of every chain.
pub fn router() -> Value {
    named("router", "router.v3.Router", json!({}))
}

/// A module. `vm_id` keeps its shared data apart; `configuration` is what it is given at its start.
pub fn module(file: &Path, vm_id: &str, configuration: &str) -> Value {
    let config = json!({
        "name": vm_id,
        "failure_policy": "FAIL_RELOAD",
        "vm_config": {
            "vm_id": vm_id,
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": file}},
            "environment_variables": {"host_env_keys": ["KEYSMITH_GATEWAY_TOKEN"]},
        },
        "configuration": {
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            "value": configuration,
        },
    });
    named("wasm", "wasm.v3.Wasm", json!({"config": config}))
}

/// Keysmith's configuration with one rule for every path.
pub fn keysmith(rule: &Value) -> String {
    let configuration = json!({
        "registry": {
            "cluster": "registry",
            "authority": "registry",
            "token": {"environment": "KEYSMITH_GATEWAY_TOKEN"},
        },
        "ready_path": "/keysmith/ready",
        "rules": [rule],
    });
    configuration.to_string()
}

/// Envoy's own keys: from the header or the query as Keysmith takes them, hidden, the client named upstream.
pub fn native_key(keys: &[String]) -> Value {
    let credentials: Vec<Value> = keys
        .iter()
        .enumerate()
        .map(|(number, key)| json!({"key": key, "client": username(number)}))
        .collect();
    let config = json!({
        "credentials": credentials,
        "key_sources": [{"header": "apikey"}, {"query": "apikey"}],
        "forwarding": {"header": USERNAME, "hide_credentials": true},
    });
    named("api_key_auth", "api_key_auth.v3.ApiKeyAuth", config)
}

/// Envoy's own passwords, unsalted SHA-1 as it wants them. `pairs` are `user:password`.
pub fn native_basic(pairs: &[String]) -> Value {
    let line = |pair: &String| {
        let (user, password) = pair.split_once(':').expect("user:password");
        let algorithm = &ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
        let hash = ring::digest::digest(algorithm, password.as_bytes());
        format!("{user}:{{SHA}}{}\n", STANDARD.encode(hash))
    };
    let users: String = pairs.iter().map(line).collect();
    let config = json!({
        "users": {"inline_string": users},
        "forward_username_header": USERNAME,
    });
    named("basic_auth", "basic_auth.v3.BasicAuth", config)
}

/// Envoy's own tokens, with room for all of them in its cache.
pub fn native_jwt(key_set: &str, tokens: usize) -> Value {
    let provider = json!({
        "issuer": jwt::ISSUER,
        "audiences": [jwt::AUDIENCE],
        "local_jwks": {"inline_string": key_set},
        "forward": false,
        "claim_to_headers": [{"header_name": USERNAME, "claim_name": "sub"}],
        "jwt_cache_config": {"jwt_cache_size": 2 * tokens},
    });
    let rule = json!({"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}});
    let config = json!({"providers": {"bench": provider}, "rules": [rule]});
    named("jwt_authn", "jwt_authn.v3.JwtAuthentication", config)
}

/// A question to the checker for each request.
pub fn ext_authz() -> Value {
    let config = json!({
        "http_service": {
            "server_uri": {"uri": "http://checker", "cluster": "checker", "timeout": "1s"},
            "authorization_response": {
                "allowed_upstream_headers": {"patterns": [{"exact": USERNAME}]},
            },
        },
        "allowed_headers": {"patterns": [{"exact": "apikey"}]},
    });
    named("ext_authz", "ext_authz.v3.ExtAuthz", config)
}

fn named(name: &str, kind: &str, mut config: Value) -> Value {
    config["@type"] = format!("{HTTP_FILTERS}.{kind}").into();
    json!({"name": format!("envoy.filters.http.{name}"), "typed_config": config})
}
