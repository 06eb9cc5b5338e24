//! Sets of public keys as issuers publish them (JWKS, RFC 7517), read into what gateways verify with.
//!
//! Gateways never see a set. What reaches them was checked here, and each key is bound to one algorithm.

mod key;
mod verify;

use filter_core::jwt::{Algorithm, VerificationKey};
use serde_json::Value;

use self::key::Jwk;
pub use self::verify::Ring;

/// Bytes of a set at most.
pub const MAX_BYTES: usize = 256 * 1024;
/// Keys of a set that are used at most. Issuers have a handful.
pub const MAX_KEYS: usize = 32;
/// The longest name of a key.
const MAX_NAME: usize = 256;

/// Why a set cannot be used at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// It is longer than [`MAX_BYTES`].
    #[error("the key set is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// It is no JSON object with a list of `keys`.
    #[error("the key set is not a JSON object with a list of keys")]
    Malformed,
    /// It has more than [`MAX_KEYS`] that can be used.
    #[error("the key set has more than {MAX_KEYS} keys that can be used")]
    TooMany,
}

/// Why one of the keys is left out. The others count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeftOut {
    /// A member that it must have is missing, or is not what it must be.
    #[error("a member is missing or malformed")]
    Malformed,
    /// It is not for signatures, or not for verifying them.
    #[error("it is not for verifying signatures")]
    Use,
    /// It is symmetric, or of a type, curve or algorithm that is not supported.
    #[error("its type, curve or algorithm is not supported")]
    Unsupported,
    /// Its algorithm is not one for keys of its type.
    #[error("its algorithm does not fit its type")]
    Mismatch,
    /// It is too short, or too long.
    #[error("its length is not accepted")]
    Length,
    /// It is a private key, which everybody has by now.
    #[error("it is a private key")]
    Private,
    /// Another key has its name and algorithm, so that neither can be told.
    #[error("another key has its name")]
    Ambiguous,
}

/// What a set comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    /// What tokens are verified with.
    pub keys: Vec<VerificationKey>,
    /// What is left out, by its name, and why.
    pub left_out: Vec<(Option<String>, LeftOut)>,
}

impl KeySet {
    /// Reads a set. `rsa` is what keys of RSA are used for that do not say it themselves.
    pub fn read(json: &[u8], rsa: &[Algorithm]) -> Result<Self, JwksError> {
        if json.len() > MAX_BYTES {
            return Err(JwksError::TooLong);
        }
        let set: Value = serde_json::from_slice(json).map_err(|_| JwksError::Malformed)?;
        let keys = set.get("keys").and_then(Value::as_array);
        let mut read = Self::default();
        for key in keys.ok_or(JwksError::Malformed)? {
            read.take(key, rsa);
        }
        read.leave_out_ambiguous();
        if read.keys.len() > MAX_KEYS {
            return Err(JwksError::TooMany);
        }
        Ok(read)
    }

    fn take(&mut self, json: &Value, rsa: &[Algorithm]) {
        let name = json.get("kid").and_then(Value::as_str);
        let id = name
            .filter(|name| name.len() <= MAX_NAME)
            .map(str::to_owned);
        match Jwk::read(json).and_then(|key| key.verification(rsa)) {
            Ok(keys) => self.keys.extend(keys),
            Err(reason) => self.left_out.push((id, reason)),
        }
    }

    fn leave_out_ambiguous(&mut self) {
        let all = self.keys.clone();
        let is_ambiguous = |key: &VerificationKey| {
            let same =
                |other: &&VerificationKey| (&other.id, other.algorithm) == (&key.id, key.algorithm);
            key.id.is_some() && all.iter().filter(same).count() > 1
        };
        self.keys.retain(|key| {
            let ambiguous = is_ambiguous(key);
            if ambiguous {
                self.left_out.push((key.id.clone(), LeftOut::Ambiguous));
            }
            !ambiguous
        });
    }
}

#[cfg(test)]
mod tests;
