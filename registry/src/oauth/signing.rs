//! The keys that access tokens are signed with.
//!
//! Each is published as soon as it is made, and used only after everybody could have heard of it; the one before stays
//! published until no token is left that it signed. Which one is in use follows from the time alone, so registries that
//! share a database agree.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use filter_core::jwt::{Algorithm, PublicKey, VerificationKey};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

use super::SigningKey;
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::Error,
    ids::SigningKeyId,
    sealing::{Place, SealError},
    secrets::Keys,
    store::WriteTransaction,
};

/// For how long a key is published before it is used: gateways hear of it in the feed at once, others keep a key set for
/// so long.
pub const PUBLISHED_BEFORE: Duration = Duration::from_hours(1);

const COLUMN: &str = "signing_keys.sealed";

const fn place(row: &str) -> Place<'_> {
    Place {
        column: COLUMN,
        row,
    }
}

/// Which of the keys signs at `now`.
#[must_use]
pub fn current(keys: &[SigningKey], now: Timestamp) -> Option<&SigningKey> {
    let used = keys.iter().filter(|key| key.current_from <= now);
    used.max_by_key(|key| (key.current_from, key.id))
}

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningKeyState {
    /// Published, and signs nothing yet.
    Next,
    /// Signs every token.
    Current,
    /// Signs no more: published for tokens that it has signed.
    Retired,
}

/// What each of the keys is used for at `now`.
#[must_use]
pub fn states(keys: Vec<SigningKey>, now: Timestamp) -> Vec<(SigningKey, SigningKeyState)> {
    let current = current(&keys, now).map(|key| key.id);
    let state = |key: &SigningKey| {
        if Some(key.id) == current {
            SigningKeyState::Current
        } else if key.current_from > now {
            SigningKeyState::Next
        } else {
            SigningKeyState::Retired
        }
    };
    let keys = keys.into_iter();
    keys.map(|key| {
        let state = state(&key);
        (key, state)
    })
    .collect()
}

/// Makes a key that is used from then on.
///
/// # Errors
/// When there is no randomness, or it cannot be kept.
pub async fn add(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    current_from: Timestamp,
) -> Result<SigningKey, Error> {
    let now = env.now();
    let id = SigningKeyId::generate(now, env.entropy.as_ref())?;
    let random = SystemRandom::new();
    let cannot = |_| SealError::Seal(COLUMN);
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
    let document = document.map_err(cannot)?;
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
    let pair = pair.map_err(|_| SealError::Seal(COLUMN))?;
    let row = id.to_string();
    let sealer = env.sealer(write).await?;
    let key = SigningKey {
        id,
        public_key: jwk(id, pair.public_key().as_ref()).to_string(),
        sealed: sealer.seal(place(&row), document.as_ref(), env.entropy.as_ref())?,
        created_at: now,
        current_from,
        retired_from: None,
    };
    write.insert_signing_key(&key).await?;
    Ok(key)
}

/// A public key as an uncompressed point (SEC 1 section 2.3.3), in JWK (RFC 7518 section 6.2).
fn jwk(id: SigningKeyId, point: &[u8]) -> Value {
    let coordinates = point.get(1..).unwrap_or_default();
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    json!({
        "kty": "EC",
        "crv": "P-256",
        "use": "sig",
        "alg": Algorithm::Es256.name(),
        "kid": id.to_string(),
        "x": URL_SAFE_NO_PAD.encode(x),
        "y": URL_SAFE_NO_PAD.encode(y),
    })
}

impl SigningKey {
    /// As it is published.
    pub fn jwk(&self) -> Result<Value, Error> {
        serde_json::from_str(&self.public_key).map_err(Error::Answer)
    }

    /// As gateways verify with it; `None` when it cannot be read.
    #[must_use]
    pub fn verification_key(&self) -> Option<VerificationKey> {
        let jwk: Value = serde_json::from_str(&self.public_key).ok()?;
        let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok();
        Some(VerificationKey {
            id: Some(self.id.to_string()),
            algorithm: Algorithm::Es256,
            key: PublicKey::EllipticCurve([coordinate("x")?, coordinate("y")?].concat()),
        })
    }

    /// Signs with it (RFC 7518 section 3.4).
    pub fn sign(&self, keys: &Keys, message: &[u8]) -> Result<Vec<u8>, Error> {
        let row = self.id.to_string();
        let document = keys.open(place(&row), &self.sealed)?;
        let random = SystemRandom::new();
        let unreadable = || SealError::Open(COLUMN);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document, &random)
            .map_err(|_| unreadable())?;
        let signature = pair.sign(&random, message).map_err(|_| unreadable())?;
        Ok(signature.as_ref().to_vec())
    }
}
