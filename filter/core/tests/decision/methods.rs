#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::ids::ObjectId;

use crate::world::{basic, check};

const ALL: &str = r#"{"key_auth": {}, "basic_auth": {}, "bearer": {}}"#;
const GUEST: &str = r#"{"key_auth": {}, "anonymous": "guest"}"#;

#[test]
fn any_accepted_method_suffices() {
    check(ALL, "GET api/ | apikey: $key", "pass key_auth billing");
    check(
        ALL,
        "GET api/ | authorization: Bearer $token",
        "pass bearer billing",
    );
    check(
        ALL,
        &format!("GET api/ | authorization: {}", basic("ann:$password")),
        "pass basic_auth billing",
    );
    check(
        ALL,
        "GET api/ | apikey: wrong | authorization: Bearer $token",
        "pass bearer billing",
    );
    check(
        ALL,
        "GET api/ | apikey: $key | authorization: Bearer wrong",
        "pass key_auth billing",
    );
    check(
        ALL,
        &format!(
            "GET api/ | apikey: wrong | authorization: {}",
            basic("bob:x")
        ),
        "ask bob",
    );
}

#[test]
fn the_wrong_credential_is_reported_before_the_missing_ones() {
    check(ALL, "GET api/", "401 keysmith_credential_missing");
    check(
        ALL,
        "GET api/ | apikey: $expired",
        "401 keysmith_credential_expired",
    );
    check(
        ALL,
        "GET api/ | authorization: Bearer $tokenx",
        "401 keysmith_authorization_malformed",
    );
}

#[test]
fn one_repeated_credential_refuses_whatever_else_is_good() {
    check(
        ALL,
        "GET api/ | apikey: $key | authorization: Bearer $token | authorization: x",
        "400 keysmith_credential_repeated",
    );
}

#[test]
fn an_anonymous_application_stands_in_for_missing_and_wrong_credentials() {
    check(GUEST, "GET api/", "pass anonymous guest");
    check(GUEST, "GET api/ | apikey: wrong", "pass anonymous guest");
    check(
        GUEST,
        "GET api/ | apikey: $disabled",
        "pass anonymous guest",
    );
    check(GUEST, "GET api/ | apikey: $key", "pass key_auth billing");
}

#[test]
fn nobody_stands_in_for_repeated_credentials() {
    check(
        GUEST,
        "GET api/ | apikey: x | apikey: y",
        "400 keysmith_credential_repeated",
    );
    check(
        r#"{"basic_auth": {}, "anonymous": "guest"}"#,
        "GET api/ | authorization: Basic YQ==,Basic YQ==",
        "400 keysmith_credential_repeated",
    );
}

#[test]
fn an_anonymous_application_must_exist_and_be_enabled() {
    check(
        r#"{"key_auth": {}, "anonymous": "ghost"}"#,
        "GET api/",
        "401 keysmith_anonymous_unknown",
    );
    check(
        r#"{"key_auth": {}, "anonymous": "sleeper"}"#,
        "GET api/",
        "401 keysmith_anonymous_disabled",
    );
    check(
        r#"{"key_auth": {}, "anonymous": "ghost"}"#,
        "GET api/ | apikey: $key",
        "pass key_auth billing",
    );
}

#[test]
fn a_rule_may_name_who_passes() {
    let allow = |names: &str| {
        format!(r#"{{"key_auth": {{}}, "anonymous": "guest", "allow_applications": [{names}]}}"#)
    };
    check(
        &allow(r#""billing""#),
        "GET api/ | apikey: $key",
        "pass key_auth billing",
    );
    check(
        &allow(r#""other", "billing""#),
        "GET api/ | apikey: $key",
        "pass key_auth billing",
    );
    check(
        &allow(r#""other""#),
        "GET api/ | apikey: $key",
        "403 keysmith_application_not_allowed",
    );
    check(
        &allow(r#""billing""#),
        "GET api/",
        "403 keysmith_application_not_allowed",
    );
}

#[test]
fn a_rule_may_name_an_application_by_its_id() {
    let id = ObjectId([1; 16]).with_prefix("app_");
    let allow = format!(r#"{{"key_auth": {{}}, "allow_applications": ["{id}"]}}"#);
    let deny = format!(r#"{{"key_auth": {{}}, "deny_applications": ["{id}"]}}"#);
    check(&allow, "GET api/ | apikey: $key", "pass key_auth billing");
    check(
        &deny,
        "GET api/ | apikey: $key",
        "403 keysmith_application_denied",
    );
    // Another application has this text for its name.
    check(
        &allow,
        "GET api/ | apikey: $namesake",
        "403 keysmith_application_not_allowed",
    );
}

#[test]
fn denial_goes_before_permission() {
    let rule =
        r#"{"key_auth": {}, "allow_applications": ["billing"], "deny_applications": ["billing"]}"#;
    check(
        rule,
        "GET api/ | apikey: $key",
        "403 keysmith_application_denied",
    );
    check(
        r#"{"key_auth": {}, "anonymous": "guest", "deny_applications": ["guest"]}"#,
        "GET api/",
        "403 keysmith_application_denied",
    );
}

#[test]
fn every_required_scope_must_be_there() {
    let scopes = |scopes: &str| {
        format!(r#"{{"key_auth": {{}}, "bearer": {{}}, "required_scopes": [{scopes}]}}"#)
    };
    check(
        &scopes(r#""orders:read""#),
        "GET api/ | apikey: $key",
        "pass key_auth billing",
    );
    check(
        &scopes(r#""orders:write", "orders:read""#),
        "GET api/ | apikey: $key",
        "pass key_auth billing",
    );
    check(
        &scopes(r#""orders:write""#),
        "GET api/ | authorization: Bearer $token",
        "403 keysmith_scope_missing",
    );
    check(
        &scopes(r#""orders""#),
        "GET api/ | apikey: $key",
        "403 keysmith_scope_missing",
    );
    check(
        &scopes(r#""orders:read""#),
        "GET api/ | apikey: $own",
        "403 keysmith_scope_missing",
    );
}
