//! Whatever is sent, the answer is never the server's fault.

use axum::{body::Bytes, http::Method};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};

use crate::support::{Actor, TestRegistry};

/// Names that occur in requests, so that random bodies get further than the first unknown field.
const FIELDS: [&str; 30] = [
    "name",
    "type",
    "custom_id",
    "description",
    "labels",
    "scopes",
    "gateway_groups",
    "enabled",
    "identifier",
    "value",
    "username",
    "password",
    "not_before",
    "expires_at",
    "grace_period",
    "mode",
    "gateway",
    "instance",
    "sequence",
    "epoch",
    "revision",
    "complete",
    "workers",
    "source",
    "key",
    "id",
    "secret",
    "role",
    "",
    "\u{0}",
];
const WORDS: [&str; 16] = [
    "",
    "a",
    "api_key",
    "basic",
    "bearer_token",
    "default",
    "2027-01-31T12:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "-000001-01-01T00:00:00Z",
    "automatic",
    "\u{0}",
    "ä",
    "ks_ak_x",
    "\r\nx: y",
    "00000000000000000000000000000000",
    "correct horse battery",
];

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(&WORDS[..]).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let name = proptest::sample::select(&FIELDS[..]).prop_map(ToOwned::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..6)
                .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn drawn<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

async fn check(actor: &Actor, method: Method, path: &str, content_type: &str, body: Bytes) {
    let headers = [("content-type", content_type)];
    let reply = actor
        .send(method.clone(), path, &headers, body.clone())
        .await;
    assert!(
        !reply.status.is_server_error(),
        "{method} {path} {body:?}: {}",
        reply.text()
    );
    if reply.status.is_client_error() {
        assert_eq!(
            reply.header("content-type"),
            "application/problem+json",
            "{method} {path} {body:?}"
        );
    }
}

#[tokio::test]
async fn random_bodies_never_fail_the_server() {
    let registry =
        TestRegistry::with(&[("KEYSMITH_VERIFY_PER_SOURCE_PER_MINUTE", "1000000")]).await;
    let (admin, gateway) = (registry.admin(), registry.gateway("default").await);
    let app = registry.application("billing").await;
    let credential = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    let credential = format!("/v1/credentials/{}", credential["id"].as_str().unwrap());
    let places = [
        (&admin, Method::POST, "/v1/applications".to_owned()),
        (&admin, Method::PATCH, format!("/v1/applications/{app}")),
        (
            &admin,
            Method::POST,
            format!("/v1/applications/{app}/credentials"),
        ),
        (&admin, Method::PATCH, credential.clone()),
        (&admin, Method::POST, format!("{credential}/rotate")),
        (&admin, Method::POST, "/v1/tokens".to_owned()),
        (&admin, Method::POST, "/v1/gateway-groups".to_owned()),
        (
            &admin,
            Method::POST,
            "/v1/gateway-groups/default/tokens".to_owned(),
        ),
        (&gateway, Method::POST, "/v1/gateway/report".to_owned()),
        (&gateway, Method::POST, "/v1/gateway/verify".to_owned()),
        (&gateway, Method::POST, "/v1/gateway/issuer-keys".to_owned()),
        (&gateway, Method::POST, "/v1/gateway/introspect".to_owned()),
    ];
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..60 {
        for (actor, method, path) in &places {
            let body = drawn(&mut runner, &json_value()).to_string();
            check(actor, method.clone(), path, "application/json", body.into()).await;
        }
        let (actor, method, path) = &places[drawn(&mut runner, &(0..places.len()))];
        let bytes = drawn(&mut runner, &proptest::collection::vec(any::<u8>(), 0..200));
        check(
            actor,
            method.clone(),
            path,
            "application/json",
            bytes.into(),
        )
        .await;
    }
}

#[tokio::test]
async fn random_queries_and_paths_never_fail_the_server() {
    let registry = TestRegistry::start().await;
    let (admin, gateway) = (registry.admin(), registry.gateway("default").await);
    let mut runner = TestRunner::new(Config::default());
    let text = "[ -~]{0,40}".prop_map(|text| {
        let encode = |byte: u8| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'=' | b'&' | b'%' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02x}"),
        };
        text.bytes().map(encode).collect::<String>()
    });
    for _ in 0..60 {
        let noise = drawn(&mut runner, &text);
        check(
            &gateway,
            Method::GET,
            &format!("/v1/feed?{noise}"),
            "x",
            Bytes::new(),
        )
        .await;
        check(
            &gateway,
            Method::GET,
            &format!("/v1/feed?after={noise}"),
            "x",
            Bytes::new(),
        )
        .await;
        check(
            &admin,
            Method::GET,
            &format!("/v1/applications?{noise}"),
            "x",
            Bytes::new(),
        )
        .await;
        check(
            &admin,
            Method::GET,
            &format!("/v1/applications?cursor={noise}"),
            "x",
            Bytes::new(),
        )
        .await;
        check(
            &admin,
            Method::DELETE,
            &format!("/v1/credentials/{noise}"),
            "x",
            Bytes::new(),
        )
        .await;
        check(
            &admin,
            Method::GET,
            &format!("/v1/gateway-groups/{noise}/tokens"),
            "x",
            Bytes::new(),
        )
        .await;
    }
}
