//! Access tokens as issuers make them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::Signer as _;
use serde_json::{Value, json};

use crate::world::{
    NOW,
    registry::{ISSUER, signing_key},
};

/// A token that the issuer gave to `client`, with some claims changed; `null` takes one out.
pub(crate) fn token(client: &str, changes: &Value) -> String {
    let claims = json!({
        "iss": ISSUER, "aud": "https://api.example", "client_id": client, "sub": client, "jti": "1",
        "iat": NOW / 1000 - 10, "exp": NOW / 1000 + 600, "scope": "orders:read other",
    });
    signed(1, &json!({"typ": "at+jwt"}), claims, changes)
}

/// Claims with some of them changed, signed with the issuer's key of that number.
pub(crate) fn signed(key: u8, header: &Value, mut claims: Value, changes: &Value) -> String {
    let mut header = header.clone();
    header["alg"] = json!("EdDSA");
    header["kid"] = json!(format!("key-{key}"));
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            claims.as_object_mut().expect("an object").remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let text = [header, claims].map(|part| encode(part.to_string().as_bytes()));
    let text = text.join(".");
    let signature = signing_key(key).sign(text.as_bytes());
    format!("{text}.{}", encode(&signature.to_bytes()))
}

/// A request with this token.
pub(crate) fn with(token: &str) -> String {
    format!("GET api/ | authorization: Bearer {token}")
}
