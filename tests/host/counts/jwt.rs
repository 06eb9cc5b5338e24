//! What an access token in the form of a JWT costs: the first time a signature, afterwards nothing of the host's that an
//! API key does not.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use counting_host::{gateway::Gateway, registry::Registry};
use filter_core::{
    digest::SecretHash,
    feed::{Credential, CredentialKind, Issuer},
    jwt::{Algorithm, ClientClaim, PublicKey, VerificationKey},
};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use serde_json::json;

use crate::callers::{bearer, with};

pub(crate) const WORKER: usize = 1;
pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const RULES: &str =
    r#"[{"bearer": {"accept": ["jwt"], "audiences": ["https://api.example"]}}]"#;

fn signing_key(name: &str) -> SigningKey {
    let seed = if name == "first" { 7 } else { 8 };
    SigningKey::from_slice(&[seed; 32]).expect("a key")
}

/// The issuer, with the keys of these names.
pub(crate) fn issuer(keys: &[&str]) -> Issuer {
    let keys = keys.iter().map(|name| {
        let point = signing_key(name).verifying_key().to_sec1_point(false);
        VerificationKey {
            id: Some((*name).to_owned()),
            algorithm: Algorithm::Es256,
            key: PublicKey::EllipticCurve(point.as_bytes()[1..].to_vec()),
        }
    });
    Issuer {
        name: ISSUER.to_owned(),
        client_claim: ClientClaim::ClientId,
        types_its_tokens: true,
        introspects: false,
        keys: keys.collect(),
        revoked: Vec::new(),
    }
}

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::with_api_keys(1000);
    registry.put_issuer(issuer(&["first"]));
    let hash = SecretHash::of_client(ISSUER, "client");
    let client = registry.credential(150, CredentialKind::OauthClient, &hash);
    registry.put(Credential {
        scopes: vec!["orders:read".to_owned()],
        ..client
    });
    registry
}

/// A token as RFC 9068 has it, for as long as tokens of machines are.
fn token(subject: &str) -> String {
    token_by("first", subject)
}

/// The same, signed with the key of this name.
pub(crate) fn token_by(key: &str, subject: &str) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let header = json!({"alg": "ES256", "kid": key, "typ": "at+jwt"});
    let claims = json!({
        "iss": ISSUER, "aud": "https://api.example", "sub": subject, "client_id": "client",
        "jti": "0b1d8a5c-62f1-4f7c-9a54-93a4a9c1a0ee", "iat": 0, "exp": 250_000_000_000_u64,
        "scope": "orders:read orders:write",
    });
    let text = [header, claims].map(|part| encode(part.to_string().as_bytes()));
    let text = text.join(".");
    let signature: Signature = signing_key(key).sign(text.as_bytes());
    format!("{text}.{}", encode(&signature.to_bytes()))
}

#[test]
fn a_signature_is_asked_for_once() {
    let mut gateway = Gateway::ready(registry(), 1, RULES);
    // The first request of a VM also makes it known.
    gateway.request(WORKER, with(&[]));
    let request = bearer(&token("client"));
    let first = gateway.request(WORKER, request.clone());
    assert!(first.passes, "{first:?}");
    assert_eq!(first.decision().count("proxy_call_foreign_function"), 1);
    // The issuers, the client's segment and its application.
    assert_eq!(first.decision().count("proxy_get_shared_data"), 3);
    let again = gateway.request(WORKER, request);
    assert!(again.passes);
    let calls = again.decision().tally();
    assert_eq!(
        calls,
        counting_host::entry::Tally::from([
            ("proxy_get_header_map_pairs", 1),
            ("proxy_get_current_time_nanoseconds", 1),
            ("proxy_replace_header_map_value", 3),
        ])
    );
    // Another token of the same client: the signature alone is new.
    let other = gateway.request(WORKER, bearer(&token("another")));
    assert!(other.passes);
    assert_eq!(other.decision().count("proxy_call_foreign_function"), 1);
    assert_eq!(other.decision().count("proxy_get_shared_data"), 0);
}

/// Of a token whose signature is known to be good; 68,817 when this was written.
const WARM_INSTRUCTIONS: u64 = 75_000;

#[test]
fn a_token_that_is_known_takes_few_instructions() {
    let mut gateway = Gateway::ready(registry(), 1, RULES);
    let request = bearer(&token("client"));
    gateway.request(WORKER, request.clone());
    gateway.request(WORKER, request.clone());
    let taken = gateway.request(WORKER, request).decision().instructions;
    assert!(taken <= WARM_INSTRUCTIONS, "{taken}");
}

#[test]
fn a_forged_token_is_refused_by_the_signature_that_envoy_looks_at() {
    let mut gateway = Gateway::ready(registry(), 1, RULES);
    let good = token("client");
    let (text, _) = good.rsplit_once('.').expect("three parts");
    let forged = format!("{text}.{}", URL_SAFE_NO_PAD.encode([1; 64]));
    let outcome = gateway.request(WORKER, bearer(&forged));
    assert!(!outcome.passes);
    assert_eq!(outcome.decision().count("proxy_call_foreign_function"), 1);
    // And the good one is not refused for it.
    assert!(gateway.request(WORKER, bearer(&good)).passes);
}
