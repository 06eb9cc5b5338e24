//! Claims about key sets.

use serde_json::json;

use super::*;

mod vectors;

const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
                 tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5\
                 hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
const COORDINATE: &str = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";

fn rsa() -> Value {
    json!({"kty": "RSA", "kid": "one", "n": N, "e": "AQAB"})
}

fn ec() -> Value {
    json!({"kty": "EC", "crv": "P-256", "kid": "two", "x": COORDINATE, "y": COORDINATE})
}

fn okp() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "three", "x": COORDINATE})
}

fn with(mut key: Value, name: &str, value: Value) -> Value {
    key[name] = value;
    key
}

fn read(keys: &[Value]) -> KeySet {
    let set = json!({"keys": keys});
    KeySet::read(set.to_string().as_bytes(), &[Algorithm::Rs256]).unwrap()
}

fn algorithms(set: &KeySet) -> Vec<&'static str> {
    set.keys.iter().map(|key| key.algorithm.name()).collect()
}

#[test]
fn each_key_is_for_one_algorithm() {
    assert_eq!(
        algorithms(&read(&[rsa(), ec(), okp()])),
        ["RS256", "ES256", "Ed25519"]
    );
    assert_eq!(
        algorithms(&read(&[with(rsa(), "alg", json!("PS512"))])),
        ["PS512"]
    );
    assert_eq!(
        algorithms(&read(&[with(okp(), "alg", json!("EdDSA"))])),
        ["Ed25519"]
    );
    let both = KeySet::read(
        json!({"keys": [rsa()]}).to_string().as_bytes(),
        &[Algorithm::Rs256, Algorithm::Ps256],
    );
    assert_eq!(algorithms(&both.unwrap()), ["RS256", "PS256"]);
}

#[test]
fn what_cannot_be_used_is_left_out_and_the_rest_counts() {
    let short = "a".repeat(84);
    let long = "a".repeat(1400);
    for (key, reason) in [
        (
            json!({"kty": "oct", "kid": "x", "k": "AAAA"}),
            LeftOut::Unsupported,
        ),
        (json!({"kid": "x"}), LeftOut::Malformed),
        (json!("text"), LeftOut::Malformed),
        (with(rsa(), "use", json!("enc")), LeftOut::Use),
        (with(rsa(), "key_ops", json!(["encrypt"])), LeftOut::Use),
        (with(rsa(), "alg", json!("HS256")), LeftOut::Unsupported),
        (with(rsa(), "alg", json!("none")), LeftOut::Unsupported),
        (with(rsa(), "alg", json!("ES256")), LeftOut::Mismatch),
        (with(ec(), "alg", json!("ES384")), LeftOut::Mismatch),
        (with(ec(), "crv", json!("secp256k1")), LeftOut::Unsupported),
        (with(ec(), "crv", json!("P-384")), LeftOut::Length),
        (with(ec(), "y", json!(null)), LeftOut::Malformed),
        (with(ec(), "x", json!("not base64!")), LeftOut::Malformed),
        (with(okp(), "crv", json!("X25519")), LeftOut::Unsupported),
        (with(okp(), "x", json!("AAAA")), LeftOut::Length),
        (with(rsa(), "d", json!("AAAA")), LeftOut::Private),
        (with(ec(), "d", json!("AAAA")), LeftOut::Private),
        (with(rsa(), "n", json!(short)), LeftOut::Length),
        (with(rsa(), "n", json!(long)), LeftOut::Length),
        (with(rsa(), "e", json!("AQ")), LeftOut::Malformed),
        (with(rsa(), "e", json!("Ag")), LeftOut::Malformed),
        (with(rsa(), "e", json!("AQAAAAE")), LeftOut::Malformed),
        (
            with(rsa(), "kid", json!("x".repeat(300))),
            LeftOut::Malformed,
        ),
    ] {
        let set = read(&[key.clone(), okp()]);
        assert_eq!(algorithms(&set), ["Ed25519"], "{key}");
        let reasons: Vec<LeftOut> = set.left_out.iter().map(|(_, reason)| *reason).collect();
        assert_eq!(reasons, [reason], "{key}");
    }
}

#[test]
fn of_two_keys_with_one_name_neither_counts() {
    let set = read(&[rsa(), rsa(), okp()]);
    assert_eq!(algorithms(&set), ["Ed25519"]);
    assert_eq!(set.left_out.len(), 2);
    // The same name with another algorithm is another key.
    let set = read(&[rsa(), with(rsa(), "alg", json!("PS256"))]);
    assert_eq!(algorithms(&set), ["RS256", "PS256"]);
}

#[test]
fn a_set_is_bounded_and_is_an_object() {
    for text in ["", "[]", "{}", "null", r#"{"keys": {}}"#, "{\"keys\": []"] {
        let read = KeySet::read(text.as_bytes(), &[]);
        assert_eq!(read, Err(JwksError::Malformed), "{text}");
    }
    let long = vec![b' '; MAX_BYTES + 1];
    assert_eq!(KeySet::read(&long, &[]), Err(JwksError::TooLong));
    let many: Vec<Value> = (0..=MAX_KEYS)
        .map(|number| with(okp(), "kid", json!(number.to_string())))
        .collect();
    let many = json!({"keys": many}).to_string();
    assert_eq!(KeySet::read(many.as_bytes(), &[]), Err(JwksError::TooMany));
    assert_eq!(read(&[]), KeySet::default());
}
