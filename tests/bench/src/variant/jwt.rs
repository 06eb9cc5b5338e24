//! Signed tokens for native `jwt_authn`, and the key set that verifies them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

use super::username;

/// The issuer that the tokens name.
pub const ISSUER: &str = "bench";
/// In 2100.
const EXPIRES: u64 = 4_102_444_800;

/// Tokens of one signer.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The key set, as a JWKS document.
    pub key_set: Value,
    /// The tokens.
    pub tokens: Vec<String>,
}

/// Signs `count` tokens with a new key (ES256).
pub fn tokens(count: usize) -> Tokens {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let private = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, private.as_ref(), &random).expect("that key");
    let sign = |number: usize| {
        let signed = format!("{}.{}", encoded(&header()), encoded(&claims(number)));
        let signature = pair.sign(&random, signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    Tokens {
        key_set: key_set(pair.public_key().as_ref()),
        tokens: (0..count).map(sign).collect(),
    }
}

fn header() -> Value {
    json!({"alg": "ES256", "typ": "JWT", "kid": "bench"})
}

fn claims(number: usize) -> Value {
    json!({"iss": ISSUER, "sub": username(number), "exp": EXPIRES, "jti": format!("{number:08}")})
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// `public` is the uncompressed point: 4, x, y.
fn key_set(public: &[u8]) -> Value {
    let (x, y) = public[1..].split_at(32);
    json!({"keys": [{
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "bench",
        "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
    }]})
}
