//! What a token must claim.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::jwt::{JwtError, claims::ClientClaim};
use serde_json::{Value, json};

use super::support::{AUDIENCE, NOW, claims, expected, read};

/// The claims with one of them changed, or taken out where it is `null`.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().expect("an object");
    members.remove(name);
    if !value.is_null() {
        members.insert(name.to_owned(), value);
    }
    claims
}

fn check(claims: &Value) -> Result<(), JwtError> {
    read(claims)?.check(&expected(&[
        "https://other.example".to_owned(),
        AUDIENCE.to_owned(),
    ]))
}

#[test]
fn issuer_is_compared_byte_for_byte() {
    assert_eq!(check(&claims()), Ok(()));
    for issuer in [
        json!(null),
        json!(""),
        json!("https://issuer.example/"),
        json!("https://ISSUER.example"),
        json!("https://issuer.example.evil.example"),
    ] {
        assert_eq!(
            check(&with("iss", issuer.clone())),
            Err(JwtError::Issuer),
            "{issuer}"
        );
    }
    for issuer in [json!(1), json!(["https://issuer.example"])] {
        assert_eq!(check(&with("iss", issuer)), Err(JwtError::Malformed));
    }
}

#[test]
fn one_audience_must_be_the_rules() {
    assert_eq!(check(&with("aud", json!([AUDIENCE, "another"]))), Ok(()));
    for audience in [
        json!(null),
        json!(""),
        json!([]),
        json!("https://api.example/"),
        json!(["client"]),
    ] {
        assert_eq!(
            check(&with("aud", audience.clone())),
            Err(JwtError::Audience),
            "{audience}"
        );
    }
    for audience in [json!([AUDIENCE, 1]), json!({"a": AUDIENCE}), json!(true)] {
        assert_eq!(check(&with("aud", audience)), Err(JwtError::Malformed));
    }
}

/// With room for a fraction.
fn seconds(whole: u64) -> f64 {
    f64::from(u32::try_from(whole).expect("before 2106"))
}

#[test]
fn a_token_must_end_and_have_begun_within_what_clocks_may_differ() {
    for (name, value, result) in [
        ("exp", json!(null), Err(JwtError::ExpiryMissing)),
        ("exp", json!(NOW - 29), Ok(())),
        ("exp", json!(NOW - 30), Err(JwtError::Expired)),
        ("exp", json!(0), Err(JwtError::Expired)),
        ("exp", json!(seconds(NOW) - 29.5), Ok(())),
        ("nbf", json!(NOW + 30), Ok(())),
        ("nbf", json!(NOW + 31), Err(JwtError::NotYetValid)),
        ("nbf", json!(null), Ok(())),
        ("iat", json!(NOW + 30), Ok(())),
        ("iat", json!(NOW + 31), Err(JwtError::NotYetValid)),
        ("iat", json!(null), Ok(())),
    ] {
        assert_eq!(check(&with(name, value.clone())), result, "{name} {value}");
    }
}

#[test]
fn impossible_times_are_no_times() {
    for time in [
        "-1",
        "-0.5",
        "1e300",
        "253402300800",
        "18446744073709551616",
        "\"1800000600\"",
        "null",
        "true",
        "[]",
    ] {
        let text = claims().to_string().replace("1800000600", time);
        let claims = super::support::signed(&super::support::header().to_string(), &text);
        let read = filter_core::jwt::Token::parse(claims.as_bytes());
        assert!(matches!(read, Err(JwtError::Malformed)), "{time}");
    }
}

#[test]
fn the_client_is_named_by_the_claim_that_was_fixed_and_not_by_two() {
    use ClientClaim::{AuthorizedParty, ClientId};
    let client = |claims: &Value, claim| {
        let read = read(claims)?;
        read.client(claim).map(str::to_owned)
    };
    let both = with("azp", json!("client"));
    let different = with("azp", json!("other"));
    for claim in [ClientId, AuthorizedParty] {
        assert_eq!(client(&both, claim).as_deref(), Ok("client"));
        assert_eq!(client(&different, claim), Err(JwtError::Client));
    }
    assert_eq!(client(&claims(), ClientId).as_deref(), Ok("client"));
    assert_eq!(client(&claims(), AuthorizedParty), Err(JwtError::Client));
    assert_eq!(
        client(&with("client_id", json!("")), ClientId),
        Err(JwtError::Client)
    );
    assert_eq!(
        client(&with("client_id", json!(7)), ClientId),
        Err(JwtError::Malformed)
    );
}

#[test]
fn scopes_are_read_as_issuers_write_them() {
    let scopes = |claims: &Value| read(claims).map(|claims| claims.scopes.join(","));
    assert_eq!(scopes(&claims()).as_deref(), Ok("read,write"));
    assert_eq!(
        scopes(&with("scope", json!(["read", "write"]))).as_deref(),
        Ok("read,write")
    );
    let mut scp = with("scope", json!(null));
    assert_eq!(scopes(&scp).as_deref(), Ok(""));
    scp["scp"] = json!("read");
    assert_eq!(scopes(&scp).as_deref(), Ok("read"));
    scp["scope"] = json!("write");
    assert_eq!(scopes(&scp).as_deref(), Ok("write"));
    scp["scope"] = json!({"read": true});
    assert_eq!(scopes(&scp), Err(JwtError::Malformed));
}

#[test]
fn a_token_bound_to_a_key_of_its_caller_is_refused() {
    let bound = with(
        "cnf",
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
    );
    assert_eq!(check(&bound), Err(JwtError::Bound));
}
