#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{World, basic, check};

const BASIC: &str = r#"{"basic_auth": {}}"#;
const HEADER: &str = r#"{"key_auth": {"header": "X-Key", "query": "key", "cookie": "key", "secret_header": "X-Secret"}}"#;
const HIDING: &str = r#"{"key_auth": {"header": "x-key", "secret_header": "x-secret", "hide_credentials": true}, "anonymous": "guest", "cors_preflight": "pass"}"#;

fn check_basic(user_pass: &str, expected: &str) {
    let request = format!("GET api/ | authorization: {}", basic(user_pass));
    check(BASIC, &request, expected);
}

fn check_header(fields: &str, expected: &str) {
    check(HEADER, &format!("GET api/{fields}"), expected);
}

#[test]
fn a_key_and_its_secret_pass_as_user_name_and_password() {
    check_basic("$paired:$shared", "pass basic_auth billing");
    check_basic("$paired:$successor", "pass basic_auth billing");
    check_basic("$own:$shared", "pass basic_auth billing");
}

#[test]
fn a_user_name_and_password_that_are_no_pair_are_refused() {
    let unknown = "401 keysmith_credential_unknown";
    let malformed = "401 keysmith_credential_malformed";
    check_basic("$paired:$unshared", unknown);
    check_basic("$key:$shared", unknown);
    check_basic("$shared:$paired", unknown);
    check_basic("$token:$shared", unknown);
    check_basic("ann:$shared", unknown);
    check_basic("$paired:$sharedx", malformed);
    check_basic("$pairedx:$shared", malformed);
    check_basic("$disabled:$shared", "401 keysmith_credential_disabled");
}

#[test]
fn a_key_in_any_place_passes_with_its_secret_in_the_header() {
    let passes = "pass key_auth billing";
    check_header(" | x-key: $paired | x-secret: $shared", passes);
    check_header(" | x-key: $paired | X-SECRET: $successor", passes);
    check_header("?key=$paired | x-secret: $shared", passes);
    check_header(" | cookie: key=$paired | x-secret: $shared", passes);
    check_header("?key=secret%2Dapi-key | x-secret: $shared", passes);
}

#[test]
fn a_key_without_its_secret_proves_nothing() {
    let unknown = "401 keysmith_credential_unknown";
    check_header(" | x-key: $paired", unknown);
    check_header(" | x-key: $paired | x-secret: $unshared", unknown);
    check_header(" | x-key: $paired | x-secret: $paired", unknown);
    check_header(" | x-key: $paired | x-secret: $own", unknown);
    check_header(" | x-key: $paired | x-secret: ", unknown);
    check_header(
        " | x-key: $paired | x-secret: $sharedx",
        "401 keysmith_credential_malformed",
    );
    check_header(
        " | x-key: $disabled | x-secret: $shared",
        "401 keysmith_credential_disabled",
    );
    check(
        r#"{"bearer": {"accept": ["api_key"]}}"#,
        "GET api/ | authorization: Bearer $paired",
        unknown,
    );
}

#[test]
fn a_secret_without_its_key_is_a_missing_key() {
    check_header(" | x-secret: $shared", "401 keysmith_key_missing");
    check_header(
        " | x-key: $shared | x-secret: $shared",
        "401 keysmith_credential_unknown",
    );
}

#[test]
fn a_plain_key_passes_without_the_header_and_not_with_it() {
    check_header(" | x-key: $key", "pass key_auth billing");
    check_header(
        " | x-key: $key | x-secret: $shared",
        "401 keysmith_credential_unknown",
    );
    check_header(
        " | x-key: $key | x-secret: ",
        "401 keysmith_credential_unknown",
    );
}

#[test]
fn a_header_that_the_rule_does_not_name_is_not_read() {
    check(
        r#"{"key_auth": {}}"#,
        "GET api/ | apikey: $paired | x-secret: $shared",
        "401 keysmith_credential_unknown",
    );
    check(
        r#"{"key_auth": {}}"#,
        "GET api/ | apikey: $key | x-secret: $shared",
        "pass key_auth billing",
    );
}

#[test]
fn a_repeated_secret_is_refused() {
    let repeated = "400 keysmith_credential_repeated";
    let twice = "x-secret: $shared | X-Secret: $shared";
    check_header(&format!(" | x-key: $paired | {twice}"), repeated);
    check_header(&format!(" | x-key: $key | {twice}"), repeated);
    check_header(&format!(" | {twice}"), repeated);
    check(HIDING, &format!("GET api/ | {twice}"), repeated);
}

#[test]
fn a_hidden_secret_leaves_in_every_case() {
    check(
        HIDING,
        "GET api/ | x-key: $paired | x-secret: $shared",
        "pass key_auth billing -x-key -x-secret",
    );
    check(
        HIDING,
        "GET api/ | x-key: $paired | x-secret: $unshared",
        "pass anonymous guest -x-key -x-secret",
    );
    check(
        HIDING,
        "GET api/ | x-secret: anything",
        "pass anonymous guest -x-secret",
    );
    check(
        HIDING,
        "OPTIONS api/ | origin: o | access-control-request-method: GET | x-secret: anything",
        "pass none -x-secret",
    );
    check(
        HEADER,
        "GET api/ | x-key: $paired | x-secret: $shared",
        "pass key_auth billing",
    );
}

#[test]
fn a_pair_is_refused_in_the_words_of_its_method() {
    let reply = |rules: &str, request: &str| World::new(&format!("{rules}]")).reply(request);
    assert_eq!(
        reply(HEADER, "GET api/ | x-key: $paired | x-secret: $unshared"),
        "401\n{\"message\":\"Invalid API key in request\"}\napikey realm=\"key\""
    );
    assert_eq!(
        reply(HEADER, "GET api/ | x-secret: $shared"),
        "401\n{\"message\":\"Missing API key in request\"}\napikey realm=\"key\""
    );
    let request = format!("GET api/ | authorization: {}", basic("$paired:$unshared"));
    assert_eq!(
        reply(BASIC, &request),
        "401\n{\"message\":\"Invalid user authorization\"}\nBasic realm=\"basic\""
    );
}
