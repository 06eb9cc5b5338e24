#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{World, check, forwarded, headers, serialize};
use filter_core::{decide::Decision, ids::ObjectId};

/// The identity headers that the upstream gets, in order of their names.
fn upstream(rules: &str, request: &str) -> String {
    let headers = headers(request);
    World::new(&format!("{rules}]")).decide(&serialize(&headers), |decision| match decision {
        Decision::Allow(allow) => {
            let mut lines: Vec<_> = forwarded(&headers, &allow)
                .into_iter()
                .filter(|(name, _)| name.to_ascii_lowercase().starts_with(b"x"))
                .map(|(name, value)| {
                    let (name, value) = (String::from_utf8(name), String::from_utf8(value));
                    format!("{}: {}", name.expect("text"), value.expect("text"))
                })
                .collect();
            lines.sort();
            lines.join("\n")
        }
        other => panic!("{other:?}"),
    })
}

#[test]
fn the_upstream_is_told_who_it_is() {
    assert_eq!(
        upstream(r#"{"key_auth": {}}"#, "GET api/ | apikey: $key"),
        "x-authenticated-scope: orders:read orders:write\n\
         x-consumer-custom-id: c-42\n\
         x-consumer-username: billing\n\
         x-credential-identifier: main"
    );
}

#[test]
fn a_credential_without_an_identifier_is_told_by_its_id() {
    let id = ObjectId([2; 16]).with_prefix("cred_");
    assert_eq!(
        upstream(r#"{"key_auth": {}}"#, "GET api/ | apikey: $own"),
        format!(
            "x-consumer-custom-id: c-42\nx-consumer-username: billing\nx-credential-identifier: {id}"
        )
    );
}

#[test]
fn the_anonymous_application_has_no_credential() {
    assert_eq!(
        upstream(
            r#"{"key_auth": {}, "anonymous": "guest"}"#,
            "GET api/ | x-credential-identifier: main | x-authenticated-scope: all"
        ),
        "x-consumer-username: guest"
    );
}

#[test]
fn what_the_client_claims_never_gets_through() {
    let claims = "x-consumer-username: admin | X_Consumer_Username: admin | x-consumer_custom-id: 1 | \
                  x.credential.identifier: y | X-AUTHENTICATED-SCOPE: all | x-consumer-username: root | x-consumer-usernames: 1";
    let spared = "x-consumer-usernames: 1";
    assert_eq!(
        upstream(r#"{"public": true}"#, &format!("GET api/ | {claims}")),
        spared
    );
    let unmatched = r#"{"hosts": ["other"], "public": true}], "unmatched": "allow""#;
    let mut world = World::new(unmatched);
    assert_eq!(
        world.says("GET api/ | x_consumer_username: admin"),
        "pass none -x_consumer_username"
    );
    assert_eq!(
        upstream(
            r#"{"key_auth": {}}"#,
            &format!("GET api/ | apikey: $key | {claims}")
        ),
        "x-authenticated-scope: orders:read orders:write\n\
         x-consumer-custom-id: c-42\n\
         x-consumer-username: billing\n\
         x-consumer-usernames: 1\n\
         x-credential-identifier: main"
    );
}

#[test]
fn a_preflight_passes_as_nobody() {
    let rule = r#"{"key_auth": {"hide_credentials": true}, "cors_preflight": "pass"}"#;
    let preflight = "OPTIONS api/ | origin: https://a | access-control-request-method: GET";
    check(rule, preflight, "pass none");
    check(
        rule,
        &format!("{preflight} | x-consumer-username: a | apikey: x"),
        "pass none -apikey -x-consumer-username",
    );
    check(
        rule,
        "OPTIONS api/ | origin: https://a",
        "401 keysmith_key_missing",
    );
    check(
        rule,
        &preflight.replace("OPTIONS", "GET"),
        "401 keysmith_key_missing",
    );
    check(r#"{"key_auth": {}}"#, preflight, "401 keysmith_key_missing");
}
