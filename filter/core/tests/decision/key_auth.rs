#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::check;

const HEADER_AND_QUERY: &str = r#"{"key_auth": {}}"#;
const EVERYWHERE: &str = r#"{"key_auth": {"header": "X-Key", "query": "key", "cookie": "key"}}"#;

#[test]
fn a_good_key_passes_in_each_configured_place() {
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $key",
        "pass key_auth billing",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | ApiKey: $key",
        "pass key_auth billing",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/?apikey=$key",
        "pass key_auth billing",
    );
    check(
        EVERYWHERE,
        "GET api/ | x-key: $key",
        "pass key_auth billing",
    );
    check(
        EVERYWHERE,
        "GET api/?a=1&key=$key&b",
        "pass key_auth billing",
    );
    check(
        EVERYWHERE,
        "GET api/ | cookie: a=1; key=$key",
        "pass key_auth billing",
    );
    check(
        EVERYWHERE,
        "GET api/ | cookie: a=1 | cookie: key=$key",
        "pass key_auth billing",
    );
    check(
        r#"{"key_auth": {"header": "authorization"}}"#,
        "GET api/ | authorization: $own",
        "pass key_auth billing",
    );
}

#[test]
fn a_place_that_is_not_configured_is_not_read() {
    check(
        HEADER_AND_QUERY,
        "GET api/ | cookie: apikey=$key",
        "401 keysmith_key_missing",
    );
    check(
        EVERYWHERE,
        "GET api/ | apikey: $key",
        "401 keysmith_key_missing",
    );
    check(
        r#"{"key_auth": {"query": null}}"#,
        "GET api/?apikey=$key",
        "401 keysmith_key_missing",
    );
    check(
        r#"{"key_auth": {"header": null}}"#,
        "GET api/ | apikey: $key",
        "401 keysmith_key_missing",
    );
    check(
        r#"{"key_auth": {"query": "key"}}"#,
        "GET api/ | apikey: $key",
        "401 keysmith_key_missing",
    );
}

#[test]
fn a_callers_own_key_passes() {
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $own",
        "pass key_auth billing",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $plus",
        "pass key_auth billing",
    );
}

#[test]
fn a_key_in_the_query_may_be_escaped() {
    check(
        HEADER_AND_QUERY,
        "GET api/?%61pikey=secret%2Dapi-key",
        "pass key_auth billing",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/?apikey=csdt8UPw76%2FSG%2BWlHBoFeg%3D%3D",
        "pass key_auth billing",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/?apikey=$plus",
        "pass key_auth billing",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/?apikey=secret%2-api-key",
        "401 keysmith_credential_unknown",
    );
}

#[test]
fn a_wrong_key_is_refused() {
    check(HEADER_AND_QUERY, "GET api/", "401 keysmith_key_missing");
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $stranger",
        "401 keysmith_credential_unknown",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: anything",
        "401 keysmith_credential_unknown",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $own,$own",
        "401 keysmith_credential_unknown",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $keyx",
        "401 keysmith_credential_malformed",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: ",
        "401 keysmith_credential_unknown",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/?apikey",
        "401 keysmith_credential_unknown",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $disabled",
        "401 keysmith_credential_disabled",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $early",
        "401 keysmith_credential_not_yet_valid",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $expired",
        "401 keysmith_credential_expired",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $asleep",
        "401 keysmith_application_disabled",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $orphan",
        "401 keysmith_application_unknown",
    );
}

#[test]
fn another_kind_of_credential_is_not_a_key() {
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $token",
        "401 keysmith_credential_unknown",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $password",
        "401 keysmith_credential_unknown",
    );
}

#[test]
fn a_wrong_key_is_not_rescued_by_another_place() {
    check(
        EVERYWHERE,
        "GET api/?key=$key | x-key: wrong",
        "401 keysmith_credential_unknown",
    );
    check(
        EVERYWHERE,
        "GET api/?key=wrong | cookie: key=$key",
        "401 keysmith_credential_unknown",
    );
    check(
        EVERYWHERE,
        "GET api/?key=wrong | x-key: $key",
        "pass key_auth billing",
    );
}

#[test]
fn a_repeated_key_is_refused() {
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $key | apikey: $key",
        "400 keysmith_credential_repeated",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/ | apikey: $key | APIKEY: x",
        "400 keysmith_credential_repeated",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/?apikey=$key&apikey=x",
        "400 keysmith_credential_repeated",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/?apikey=$key&%61%70ikey=x",
        "400 keysmith_credential_repeated",
    );
    check(
        HEADER_AND_QUERY,
        "GET api/?apikey=x&apikey=x | apikey: $key",
        "400 keysmith_credential_repeated",
    );
    check(
        EVERYWHERE,
        "GET api/ | cookie: key=$key; key=x",
        "400 keysmith_credential_repeated",
    );
    check(
        EVERYWHERE,
        "GET api/ | cookie: key=$key | cookie: key=x",
        "400 keysmith_credential_repeated",
    );
}
