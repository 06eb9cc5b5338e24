#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{basic, check};

const HIDING: &str = r#"{"key_auth": {"header": "apikey", "query": "apikey", "cookie": "apikey", "hide_credentials": true}, "anonymous": "guest"}"#;

#[test]
fn nothing_is_hidden_unless_configured() {
    check(
        r#"{"key_auth": {}}"#,
        "GET api/?apikey=x | apikey: $key",
        "pass key_auth billing",
    );
    check(
        r#"{"bearer": {}}"#,
        "GET api/ | authorization: Bearer $token",
        "pass bearer billing",
    );
}

#[test]
fn a_hidden_key_leaves_every_place() {
    check(
        HIDING,
        "GET api/ | apikey: $key",
        "pass key_auth billing -apikey",
    );
    check(
        HIDING,
        "GET api/a?apikey=$key",
        "pass key_auth billing path=/a",
    );
    check(
        HIDING,
        "GET api/ | cookie: apikey=$key",
        "pass key_auth billing -cookie",
    );
    check(
        HIDING,
        "GET api/?b&apikey=x | apikey: $key | cookie: a=1; apikey=x",
        "pass key_auth billing -apikey path=/?b cookie=a=1",
    );
    check(
        HIDING,
        "GET api/?apikey=x | apikey: x",
        "pass anonymous guest -apikey path=/",
    );
}

#[test]
fn what_surrounds_a_hidden_parameter_stays_as_it_was() {
    check(
        HIDING,
        "GET api/a//%2e?%61=%ZZ&&apikey=$key&b=+%20&#f",
        "pass key_auth billing path=/a//%2e?%61=%ZZ&&b=+%20&#f",
    );
    check(
        HIDING,
        "GET api/?%61pikey=$key&apikeys=1",
        "pass key_auth billing path=/?apikeys=1",
    );
    check(
        HIDING,
        "GET api/?x=apikey=1&apikey=$key",
        "pass key_auth billing path=/?x=apikey=1",
    );
}

#[test]
fn other_cookies_stay() {
    check(
        HIDING,
        "GET api/ | cookie: a=1;apikey=$key;b=2 | cookie: c",
        "pass key_auth billing cookie=a=1; b=2; c",
    );
    check(
        HIDING,
        "GET api/ | apikey: $key | cookie: a=1",
        "pass key_auth billing -apikey",
    );
}

#[test]
fn the_scheme_tells_whose_authorization_is_hidden() {
    let rule = |basic: bool, bearer: bool| {
        format!(
            r#"{{"key_auth": {{}}, "basic_auth": {{"hide_credentials": {basic}}}, "bearer": {{"hide_credentials": {bearer}}}}}"#
        )
    };
    let ann = format!("GET api/ | authorization: {}", basic("ann:$password"));
    check(
        &rule(true, false),
        &ann,
        "pass basic_auth billing -authorization",
    );
    check(&rule(false, true), &ann, "pass basic_auth billing");
    check(
        &rule(true, false),
        "GET api/ | authorization: Bearer $token",
        "pass bearer billing",
    );
    check(
        &rule(false, true),
        "GET api/ | authorization: Bearer $token",
        "pass bearer billing -authorization",
    );
    check(
        &rule(false, true),
        "GET api/ | apikey: $key | authorization: Digest x",
        "pass key_auth billing -authorization",
    );
    check(
        &rule(false, false),
        "GET api/ | apikey: $key | authorization: Digest x",
        "pass key_auth billing",
    );
}

#[test]
fn a_wrong_credential_is_hidden_from_the_anonymous_path_too() {
    let rule = r#"{"basic_auth": {"hide_credentials": true}, "anonymous": "guest"}"#;
    check(
        rule,
        "GET api/ | authorization: anything",
        "pass anonymous guest -authorization",
    );
}
