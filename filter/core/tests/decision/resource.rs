//! What is told about protected resources (RFC 9728), and where callers are sent for it.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use crate::{
    tokens::{token, with},
    world::World,
};

const ORDERS: &str = r#"{"paths": [{"prefix": "/orders"}], "required_scopes": ["orders:read"],
    "bearer": {"accept": ["jwt"], "issuers": ["https://issuer.example", "https://plain.example"],
    "resource": "https://api.example.com/orders"}}"#;
const DOCUMENT: &str = r#"{"resource":"https://api.example.com/orders","authorization_servers":["https://issuer.example","https://plain.example"],"scopes_supported":["orders:read"],"bearer_methods_supported":["header"]}"#;

fn check(request: &str, expected: &str) {
    let mut world = World::new(&format!("{ORDERS}]"));
    assert_eq!(world.says(request), expected, "{request}");
}

#[test]
fn everybody_may_read_what_a_resource_needs() {
    let path = "/.well-known/oauth-protected-resource/orders";
    for request in [
        format!("GET api.example.com{path}"),
        format!("HEAD api.example.com{path}"),
        format!("GET API.example.com:8443{path}?x=y"),
        format!("GET api.example.com{path} | authorization: Bearer x"),
    ] {
        check(&request, DOCUMENT);
    }
    // Of another host or path nothing is told, and no rule covers it.
    for request in [
        format!("GET other.example.com{path}"),
        format!("GET api.example.com{path}/"),
        format!("GET api.example.com{path}/1"),
        "GET api.example.com/.well-known/oauth-protected-resource".to_owned(),
    ] {
        check(&request, "403 keysmith_unmatched");
    }
    let mut cold = World::without_snapshot(&format!("{ORDERS}]"));
    assert_eq!(
        cold.says(&format!("GET api.example.com{path}")),
        DOCUMENT,
        "before there is a snapshot"
    );
}

#[test]
fn it_can_be_read_and_nothing_else() {
    let mut world = World::new(&format!("{ORDERS}]"));
    for method in ["POST", "OPTIONS", "-"] {
        let request =
            format!("{method} api.example.com/.well-known/oauth-protected-resource/orders");
        let expected = "405\n{\"message\":\"Method not allowed\"}\nallow GET, HEAD";
        assert_eq!(world.reply(&request), expected, "{method}");
    }
}

#[test]
fn challenges_say_where_to_read_it() {
    let mut world = World::new(&format!("{ORDERS}]"));
    let metadata = r#"resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/orders""#;
    let message = r#"{"message":"Missing bearer token in request"}"#;
    assert_eq!(
        world.reply("GET api/orders"),
        format!("401\n{message}\nBearer realm=\"keysmith\", {metadata}")
    );
    let message = r#"{"message":"Invalid bearer token in request"}"#;
    assert_eq!(
        world.reply("GET api/orders | authorization: Bearer x"),
        format!("401\n{message}\nBearer realm=\"keysmith\", error=\"invalid_token\", {metadata}")
    );
}

#[test]
fn its_own_path_stands_behind_the_well_known_one() {
    for (resource, path) in [
        ("https://a.example", ""),
        ("https://a.example/", ""),
        ("https://a.example:8443/", ""),
        ("https://a.example/v1/orders", "/v1/orders"),
        ("https://a.example/v1/", "/v1/"),
        ("http://localhost:10000/x", "/x"),
        ("http://127.0.0.1/x", "/x"),
        ("http://[::1]:10000/x", "/x"),
    ] {
        let rules = format!(r#"{{"bearer": {{"resource": "{resource}"}}}}]"#);
        let mut world = World::new(&rules);
        let host = resource.split('/').nth(2).expect("a host");
        let says = world.says(&format!(
            "GET {host}/.well-known/oauth-protected-resource{path}"
        ));
        let expected =
            format!(r#"{{"resource":"{resource}","bearer_methods_supported":["header"]}}"#);
        assert_eq!(says, expected);
        let (scheme, _) = resource.split_once("://").expect("a scheme");
        let url = format!("{scheme}://{host}/.well-known/oauth-protected-resource{path}");
        let reply = world.reply("GET other/");
        assert!(
            reply.ends_with(&format!("resource_metadata=\"{url}\"")),
            "{reply}"
        );
    }
}

#[test]
fn rules_of_one_resource_add_their_scopes() {
    let writes = ORDERS
        .replace("orders:read", "orders:write")
        .replace(r#""paths""#, r#""methods": ["POST"], "paths""#);
    let mut world = World::new(&format!("{writes}, {ORDERS}]"));
    let document = DOCUMENT.replace(r#"["orders:read"]"#, r#"["orders:write","orders:read"]"#);
    let request = "GET api.example.com/.well-known/oauth-protected-resource/orders";
    assert_eq!(world.says(request), document);
}

#[test]
fn a_resource_is_its_own_audience_unless_others_are_named() {
    let rules = |audiences: &str| {
        format!(
            r#"{{"bearer": {{"accept": ["jwt"], {audiences} "resource": "https://api.example.com/orders"}}}}]"#
        )
    };
    let of_resource = token("client", &json!({"aud": "https://api.example.com/orders"}));
    let of_another = token("client", &json!({}));
    let mut world = World::new(&rules(""));
    assert_eq!(world.says(&with(&of_resource)), "pass bearer billing");
    assert_eq!(
        world.says(&with(&of_another)),
        "401 keysmith_token_audience"
    );
    let mut world = World::new(&rules(r#""audiences": ["https://api.example"],"#));
    assert_eq!(
        world.says(&with(&of_resource)),
        "401 keysmith_token_audience"
    );
    assert_eq!(world.says(&with(&of_another)), "pass bearer billing");
}
