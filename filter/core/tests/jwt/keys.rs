//! Which of an issuer's keys a token means.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::jwt::{Algorithm, JwtError, VerificationKey};
use serde_json::json;

use super::support::{accept, claims, header, key, signed};

fn named(name: Option<&str>) -> VerificationKey {
    VerificationKey {
        id: name.map(str::to_owned),
        ..key()
    }
}

#[test]
fn a_token_without_a_name_of_a_key_means_the_only_one_of_its_algorithm() {
    let token = signed(
        &json!({"alg": "ES256", "typ": "at+jwt"}).to_string(),
        &claims().to_string(),
    );
    let other = VerificationKey {
        algorithm: Algorithm::Rs256,
        ..named(Some("other"))
    };
    assert_eq!(accept(&token, &[named(Some("first"))]), Ok(()));
    assert_eq!(accept(&token, &[named(None), other]), Ok(()));
    let several = [named(Some("first")), named(Some("second"))];
    assert_eq!(accept(&token, &several), Err(JwtError::KeyUnknown));
    assert_eq!(accept(&token, &[]), Err(JwtError::KeyUnknown));
}

#[test]
fn a_name_that_two_keys_have_means_neither() {
    let token = signed(&header().to_string(), &claims().to_string());
    let twice = [named(Some("first")), named(Some("first"))];
    assert_eq!(accept(&token, &twice), Err(JwtError::KeyUnknown));
    assert_eq!(accept(&token, &[named(None)]), Err(JwtError::KeyUnknown));
}
