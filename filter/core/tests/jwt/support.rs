//! Tokens of one issuer, and a verifier that stands in for Envoy's: it reads the keys and signatures that it is given on
//! its own.

use std::cell::Cell;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use filter_core::jwt::{
    Algorithm, Expected, JwtError, PublicKey, Token, VerificationKey,
    algorithm::Hash,
    signature::{Verifier, subject_public_key_info},
};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use rsa::{
    RsaPublicKey, pkcs1v15,
    pkcs8::{DecodePublicKey as _, SubjectPublicKeyInfoRef, der::Decode as _},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

pub(super) const ISSUER: &str = "https://issuer.example";
pub(super) const AUDIENCE: &str = "https://api.example";
/// In seconds.
pub(super) const NOW: u64 = 1_800_000_000;

/// What Envoy would be asked, answered by other code; counts how often.
#[derive(Default)]
pub(super) struct Others {
    pub(super) asked: Cell<u32>,
}

impl Verifier for Others {
    fn verify(&self, key: &VerificationKey, signature: &[u8], message: &[u8]) -> bool {
        self.asked.set(self.asked.get() + 1);
        let hash = key.algorithm.hash();
        let key = &subject_public_key_info(key).expect("a key for others");
        let info = SubjectPublicKeyInfoRef::from_der(key).expect("the key is DER");
        match info.algorithm.oid.to_string().as_str() {
            "1.2.840.113549.1.1.1" => is_pkcs1(hash, key, signature, message),
            "1.2.840.10045.2.1" => is_ecdsa(hash, key, signature, message),
            other => panic!("a key of type {other}"),
        }
    }
}

fn is_pkcs1(hash: Hash, key: &[u8], signature: &[u8], message: &[u8]) -> bool {
    use rsa::signature::Verifier as _;
    let key = RsaPublicKey::from_public_key_der(key).expect("an RSA key");
    let Ok(signature) = pkcs1v15::Signature::try_from(signature) else {
        return false;
    };
    match hash {
        Hash::Sha256 => pkcs1v15::VerifyingKey::<Sha256>::new(key).verify(message, &signature),
        Hash::Sha384 => pkcs1v15::VerifyingKey::<Sha384>::new(key).verify(message, &signature),
        Hash::Sha512 => pkcs1v15::VerifyingKey::<Sha512>::new(key).verify(message, &signature),
    }
    .is_ok()
}

fn is_ecdsa(hash: Hash, key: &[u8], signature: &[u8], message: &[u8]) -> bool {
    macro_rules! verify {
        ($curve:ident, $hashed:expr) => {{
            use $curve::ecdsa::signature::hazmat::PrehashVerifier as _;
            // A point that is not on the curve is no key.
            let Ok(key) = $curve::ecdsa::VerifyingKey::from_public_key_der(key) else {
                return false;
            };
            // A number that is too large is no signature.
            $curve::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&$hashed, &signature).is_ok())
        }};
    }
    match hash {
        Hash::Sha256 => verify!(p256, Sha256::digest(message)),
        Hash::Sha384 => verify!(p384, Sha384::digest(message)),
        Hash::Sha512 => verify!(p521, Sha512::digest(message)),
    }
}

/// The issuer's own key, of P-256.
pub(super) fn signing_key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).expect("a key")
}

/// What gateways know of it.
pub(super) fn key() -> VerificationKey {
    let point = signing_key().verifying_key().to_sec1_point(false);
    VerificationKey {
        id: Some("first".to_owned()),
        algorithm: Algorithm::Es256,
        key: PublicKey::EllipticCurve(point.as_bytes()[1..].to_vec()),
    }
}

pub(super) fn header() -> Value {
    json!({"alg": "ES256", "kid": "first", "typ": "at+jwt"})
}

pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "client", "client_id": "client", "jti": "1",
        "iat": NOW - 10, "exp": NOW + 600, "scope": "read write",
    })
}

/// A signed token with this text for header and claims.
pub(super) fn signed(header: &str, claims: &str) -> String {
    let text = unsigned(header, claims);
    let signature: Signature = signing_key().sign(text.as_bytes());
    format!("{text}.{}", encode(&signature.to_bytes()))
}

pub(super) fn unsigned(header: &str, claims: &str) -> String {
    format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    )
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is read of a token that the issuer signed over these claims.
pub(super) fn read(claims: &Value) -> Result<filter_core::jwt::Claims, JwtError> {
    let token = signed(&header().to_string(), &claims.to_string());
    Token::parse(token.as_bytes()).map(|token| token.claims)
}

/// What a rule wants.
pub(super) fn expected(audiences: &[String]) -> Expected<'_> {
    Expected {
        issuer: ISSUER,
        audiences,
        leeway_ms: 30_000,
        now_ms: NOW * 1000,
    }
}

/// Every step that a gateway takes.
pub(super) fn accept(token: &str, keys: &[VerificationKey]) -> Result<(), JwtError> {
    let token = Token::parse(token.as_bytes())?;
    if !token.signed.header.is_access_token() {
        return Err(JwtError::Type);
    }
    let key = filter_core::jwt::key::find(keys, &token.signed.header)?;
    token.signed.verify(key, &Others::default())?;
    token.claims.check(&expected(&[AUDIENCE.to_owned()]))
}
