//! The keys of an issuer, as the registry has checked them and the feed tells them.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{JwtError, algorithm::Algorithm, header::Header};

/// A key that verifies tokens by one algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationKey {
    /// Its name in its set (`kid`).
    pub id: Option<String>,
    /// The one algorithm that it is for. A key that an issuer uses with several is told once for each.
    pub algorithm: Algorithm,
    /// The key itself.
    pub key: PublicKey,
}

/// A public key in the form in which it is verified with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublicKey {
    /// Modulus and exponent, big endian without leading zeros.
    Rsa {
        /// At least 2048 bits.
        modulus: Vec<u8>,
        /// Odd, at least 3.
        exponent: Vec<u8>,
    },
    /// A point, uncompressed (SEC 1 section 2.3.3) without its leading 4: both coordinates in full length, 32, 48 or 66
    /// bytes each, as the algorithm says.
    EllipticCurve(Vec<u8>),
    /// As RFC 8032 encodes it.
    Ed25519([u8; 32]),
}

/// The key of an issuer that a token must have been signed with.
///
/// # Errors
/// [`JwtError::KeyUnknown`] unless there is exactly one: with the name that the header says, or, where it says none, with
/// its algorithm.
pub fn find<'k>(
    keys: &'k [VerificationKey],
    header: &Header,
) -> Result<&'k VerificationKey, JwtError> {
    let mut fitting = keys.iter().filter(|key| {
        key.algorithm == header.algorithm && (header.key_id.is_none() || key.id == header.key_id)
    });
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        _ => Err(JwtError::KeyUnknown),
    }
}
