//! Signed tokens of one client, for native `jwt_authn` and for Keysmith, and the key that verifies them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use filter_core::{
    feed::Issuer,
    jwt::{Algorithm, ClientClaim, PublicKey, VerificationKey},
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

use super::username;

/// The issuer that the tokens name.
pub const ISSUER: &str = "https://login.example.com";
/// Whom they are for.
pub const AUDIENCE: &str = "https://api.example.com";
/// The client that they were issued to.
pub const CLIENT: &str = "4f8a2c1e-6f0b-4a57-9a1f-2f0c5e1d7b90";
/// In 2100.
const EXPIRES: u64 = 4_102_444_800;

/// Tokens of one signer.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Both coordinates of the public key.
    point: Vec<u8>,
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
        // It begins with a 4: uncompressed.
        point: pair.public_key().as_ref()[1..].to_vec(),
        tokens: (0..count).map(sign).collect(),
    }
}

impl Tokens {
    /// What verifies them, as a JWKS document.
    pub fn key_set(&self) -> Value {
        let (x, y) = self.point.split_at(32);
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "bench",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }]})
    }

    /// What verifies them, as gateways are told.
    pub fn issuer(&self) -> Issuer {
        Issuer {
            name: ISSUER.to_owned(),
            client_claim: ClientClaim::ClientId,
            types_its_tokens: true,
            introspects: false,
            keys: vec![VerificationKey {
                id: Some("bench".to_owned()),
                algorithm: Algorithm::Es256,
                key: PublicKey::EllipticCurve(self.point.clone()),
            }],
            revoked: Vec::new(),
        }
    }
}

fn header() -> Value {
    json!({"alg": "ES256", "typ": "at+jwt", "kid": "bench"})
}

/// As RFC 9068 has them. All are of one length.
fn claims(number: usize) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "client_id": CLIENT, "sub": username(number), "iat": 1_700_000_000,
        "exp": EXPIRES, "jti": format!("{number:08}"),
    })
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}
