#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::check;

const TOKENS: &str = r#"{"bearer": {}}"#;
const KEYS: &str = r#"{"bearer": {"accept": ["api_key"]}}"#;
const BOTH: &str = r#"{"bearer": {"accept": ["bearer_token", "api_key"]}}"#;

#[test]
fn each_kind_passes_where_it_is_accepted() {
    check(
        TOKENS,
        "GET api/ | authorization: Bearer $token",
        "pass bearer billing",
    );
    check(
        TOKENS,
        "GET api/ | authorization: bEARER  $token",
        "pass bearer billing",
    );
    check(
        TOKENS,
        "GET api/ | authorization: Bearer $key",
        "401 keysmith_credential_unknown",
    );
    check(
        TOKENS,
        "GET api/ | authorization: Bearer $own",
        "401 keysmith_credential_unknown",
    );
    check(
        KEYS,
        "GET api/ | authorization: Bearer $token",
        "401 keysmith_credential_unknown",
    );
    check(
        KEYS,
        "GET api/ | authorization: Bearer $key",
        "pass bearer billing",
    );
    check(
        KEYS,
        "GET api/ | authorization: Bearer $own",
        "pass bearer billing",
    );
    check(
        KEYS,
        "GET api/ | authorization: Bearer $plus",
        "pass bearer billing",
    );
    check(
        BOTH,
        "GET api/ | authorization: Bearer $token",
        "pass bearer billing",
    );
    check(
        BOTH,
        "GET api/ | authorization: Bearer $own",
        "pass bearer billing",
    );
}

#[test]
fn another_scheme_is_no_token() {
    check(TOKENS, "GET api/", "401 keysmith_token_missing");
    check(
        TOKENS,
        "GET api/ | authorization: $token",
        "401 keysmith_token_missing",
    );
    check(
        TOKENS,
        "GET api/ | authorization: Basic $token",
        "401 keysmith_token_missing",
    );
    check(
        TOKENS,
        "GET api/?access_token=$token",
        "401 keysmith_token_missing",
    );
}

#[test]
fn a_bad_token_is_refused() {
    check(
        TOKENS,
        "GET api/ | authorization: Bearer",
        "401 keysmith_credential_malformed",
    );
    check(
        TOKENS,
        "GET api/ | authorization: Bearer =",
        "401 keysmith_credential_malformed",
    );
    check(
        TOKENS,
        "GET api/ | authorization: Bearer a=b",
        "401 keysmith_credential_malformed",
    );
    check(
        TOKENS,
        "GET api/ | authorization: Bearer $token $token",
        "401 keysmith_credential_malformed",
    );
    check(
        TOKENS,
        "GET api/ | authorization: Bearer $tokenx",
        "401 keysmith_credential_malformed",
    );
    check(
        TOKENS,
        "GET api/ | authorization: Bearer anything",
        "401 keysmith_credential_unknown",
    );
    check(
        BOTH,
        "GET api/ | authorization: Bearer $expired",
        "401 keysmith_credential_expired",
    );
}

#[test]
fn repeated_tokens_are_refused() {
    check(
        TOKENS,
        "GET api/ | authorization: Bearer $token | authorization: Bearer $token",
        "400 keysmith_credential_repeated",
    );
    check(
        TOKENS,
        "GET api/ | authorization: Bearer $token,Bearer $token",
        "400 keysmith_credential_repeated",
    );
}
