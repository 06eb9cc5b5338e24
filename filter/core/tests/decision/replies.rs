#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::World;

fn check(rules: &str, request: &str, expected: &str) {
    let reply = World::new(&format!("{rules}]")).reply(request);
    assert_eq!(reply, expected, "{request} under {rules}");
}

#[test]
fn one_method_answers_in_its_own_words() {
    check(
        r#"{"key_auth": {}}"#,
        "GET api/",
        "401\n{\"message\":\"Missing API key in request\"}\napikey realm=\"key\"",
    );
    check(
        r#"{"key_auth": {}}"#,
        "GET api/ | apikey: x",
        "401\n{\"message\":\"Invalid API key in request\"}\napikey realm=\"key\"",
    );
    check(
        r#"{"basic_auth": {}}"#,
        "GET api/",
        "401\n{\"message\":\"Missing authorization in request\"}\nBasic realm=\"basic\"",
    );
    check(
        r#"{"basic_auth": {}}"#,
        "GET api/ | authorization: x",
        "401\n{\"message\":\"Invalid authorization in request\"}\nBasic realm=\"basic\"",
    );
    check(
        r#"{"basic_auth": {}}"#,
        "GET api/ | authorization: Basic YTpi",
        "401\n{\"message\":\"Invalid user authorization\"}\nBasic realm=\"basic\"",
    );
    check(
        r#"{"bearer": {}}"#,
        "GET api/",
        "401\n{\"message\":\"Missing bearer token in request\"}\nBearer realm=\"keysmith\"",
    );
    check(
        r#"{"bearer": {}}"#,
        "GET api/ | authorization: Bearer x",
        "401\n{\"message\":\"Invalid bearer token in request\"}\nBearer realm=\"keysmith\", error=\"invalid_token\"",
    );
}

#[test]
fn several_methods_answer_together() {
    let rules = r#"{"key_auth": {}, "basic_auth": {}, "bearer": {}, "realm": "shop"}"#;
    let start = "401\n{\"message\":\"Authorization Failed\"}\napikey realm=\"shop\"\nBasic realm=\"shop\"\nBearer realm=\"shop\"";
    check(rules, "GET api/", start);
    check(rules, "GET api/ | apikey: x", start);
    check(
        rules,
        "GET api/ | authorization: Bearer x",
        &format!("{start}, error=\"invalid_token\""),
    );
}

#[test]
fn a_missing_anonymous_application_is_an_invalid_user() {
    check(
        r#"{"key_auth": {}, "anonymous": "ghost"}"#,
        "GET api/",
        "401\n{\"message\":\"Invalid user authorization\"}\napikey realm=\"key\"",
    );
}

#[test]
fn forbidden_is_not_challenged_but_for_a_tokens_scope() {
    let rules = r#"{"key_auth": {}, "bearer": {}, "required_scopes": ["a", "b"]}"#;
    let forbidden = "403\n{\"message\":\"The consumer_name is forbidden.\"}";
    check(rules, "GET api/ | apikey: $key", forbidden);
    let scope = "Bearer realm=\"keysmith\", error=\"insufficient_scope\", scope=\"a b\"";
    check(
        rules,
        "GET api/ | authorization: Bearer $token",
        &format!("{forbidden}\n{scope}"),
    );
    check(
        r#"{"key_auth": {}, "deny_applications": ["billing"]}"#,
        "GET api/ | apikey: $key",
        forbidden,
    );
    check(
        r#"{"hosts": ["a"], "public": true}"#,
        "GET b/",
        "403\n{\"message\":\"No rule admits this request\"}",
    );
}

#[test]
fn a_request_that_must_change_is_not_challenged() {
    check(
        r#"{"key_auth": {}}"#,
        "GET api/?apikey=a&apikey=b",
        "400\n{\"message\":\"Repeated credential in request\"}",
    );
    check(
        r#"{"paths": [{"exact": "/"}], "key_auth": {}}"#,
        "GET api/%2f",
        "400\n{\"message\":\"Ambiguous path in request\"}",
    );
}

#[test]
fn a_token_that_is_sent_twice_is_an_invalid_request() {
    let rules = r#"{"key_auth": {}, "basic_auth": {}, "bearer": {}}"#;
    let repeated = "400\n{\"message\":\"Repeated credential in request\"}";
    let challenge = "Bearer realm=\"keysmith\", error=\"invalid_request\"";
    for request in [
        "GET api/ | authorization: Bearer $token | authorization: Bearer $token",
        "GET api/ | authorization: Bearer $token,Bearer $token",
        "GET api/ | authorization: Basic YTpi | authorization: Bearer $token",
        "GET api/?access_token=$token | authorization: Bearer $token",
        "GET api/?a=b&access%5Ftoken= | authorization: bearer $token",
    ] {
        check(rules, request, &format!("{repeated}\n{challenge}"));
    }
    // A key that is repeated is none of a token's business, and nor is a parameter without a token.
    check(rules, "GET api/ | apikey: a | apikey: b", repeated);
    check(
        r#"{"basic_auth": {}}"#,
        "GET api/ | authorization: Basic YTpi | authorization: Basic YTpi",
        repeated,
    );
    assert_eq!(
        World::new(r#"{"key_auth": {}, "bearer": {}}]"#)
            .says("GET api/?access_token=x | apikey: $key"),
        "pass key_auth billing"
    );
}

#[test]
fn grpc_callers_get_a_status_and_plain_text() {
    let rules = r#"{"key_auth": {}, "deny_applications": ["billing"]}"#;
    check(
        rules,
        "POST api/ | content-type: application/grpc",
        "401\nMissing API key in request\napikey realm=\"key\"\ngrpc-status 16",
    );
    check(
        rules,
        "POST api/ | content-type: application/grpc+proto | apikey: $key",
        "403\nThe consumer_name is forbidden.\ngrpc-status 7",
    );
    check(
        rules,
        "POST api/?apikey=a&apikey=b | content-type: application/grpc",
        "400\nRepeated credential in request\ngrpc-status 3",
    );
    check(
        rules,
        "POST api/ | content-type: application/grpc-web",
        "401\n{\"message\":\"Missing API key in request\"}\napikey realm=\"key\"",
    );
}

#[test]
fn without_a_snapshot_the_caller_is_asked_to_come_back() {
    let mut world = World::without_snapshot(r#"{"key_auth": {}}]"#);
    assert_eq!(
        world.reply("GET api/ | apikey: $key"),
        "503\n{\"message\":\"Credentials cannot be checked right now\"}\nretry-after 1"
    );
    assert_eq!(
        world.reply("GET api/ | content-type: application/grpc"),
        "503\nCredentials cannot be checked right now\nretry-after 1\ngrpc-status 14"
    );
}
