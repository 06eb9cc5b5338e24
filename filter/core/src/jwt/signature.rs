//! Whether a signature is one of a key.
//!
//! Envoy verifies RSASSA-PKCS1-v1_5 and ECDSA natively, by `verify_signature`; RSASSA-PSS and Ed25519 it cannot, so they
//! are verified here.

use alloc::vec::Vec;

use ed25519_dalek::VerifyingKey;
use rsa::{
    BoxedUint, RsaPublicKey,
    pss::{self, Signature},
    signature::Verifier as _,
};
use sha2::{Sha256, Sha384, Sha512};

use super::{
    algorithm::{Algorithm, Hash},
    key::{PublicKey, VerificationKey},
};

/// The longest RSA modulus, in bits: longer ones cost more than they are good for.
pub const MAX_RSA_BITS: usize = 4096;
/// The shortest (RFC 7518 section 3.3).
pub const MIN_RSA_BITS: usize = 2048;

/// Who verifies what is not verified here.
pub trait Verifier {
    /// Whether `signature` is one of `key` over `message`, by RSASSA-PKCS1-v1_5, or by ECDSA, as the key's algorithm says.
    /// An ECDSA signature is in DER (RFC 3279 section 2.2.3) here.
    fn verify(&self, key: &VerificationKey, signature: &[u8], message: &[u8]) -> bool;
}

/// Whether `signature`, as it stands in a token, is one of `key` over `message`.
#[must_use]
pub fn verify(
    key: &VerificationKey,
    message: &[u8],
    signature: &[u8],
    verifier: &dyn Verifier,
) -> bool {
    let hash = key.algorithm.hash();
    match (key.algorithm, &key.key) {
        (
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512,
            PublicKey::Rsa { modulus, .. },
        ) => {
            // As long as the modulus, and not longer by zeros (RFC 8017 section 8.2.2).
            signature.len() == modulus.len() && verifier.verify(key, signature, message)
        }
        (
            Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512,
            PublicKey::Rsa { modulus, exponent },
        ) => {
            signature.len() == modulus.len() && is_pss(hash, modulus, exponent, signature, message)
        }
        (
            algorithm @ (Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512),
            PublicKey::EllipticCurve(point),
        ) => Curve::of(algorithm)
            .filter(|curve| curve.has(point))
            .and_then(|curve| curve.signature(signature))
            .is_some_and(|signature| verifier.verify(key, &signature, message)),
        (Algorithm::Ed25519, PublicKey::Ed25519(key)) => is_ed25519(key, signature, message),
        _ => false,
    }
}

/// The key as a `SubjectPublicKeyInfo` in DER (RFC 5280 section 4.1), where somebody else verifies with it.
#[must_use]
pub fn subject_public_key_info(key: &VerificationKey) -> Option<Vec<u8>> {
    match &key.key {
        PublicKey::Rsa { modulus, exponent } => Some(der::rsa_key(modulus, exponent)),
        PublicKey::EllipticCurve(point) => {
            let curve = Curve::of(key.algorithm).filter(|curve| curve.has(point))?;
            Some(der::elliptic_curve_key(curve.identifier, point))
        }
        PublicKey::Ed25519(_) => None,
    }
}

/// With a salt as long as the hash, as RFC 7518 section 3.5 wants it.
fn is_pss(hash: Hash, modulus: &[u8], exponent: &[u8], signature: &[u8], message: &[u8]) -> bool {
    let number = BoxedUint::from_be_slice_vartime;
    let (modulus, exponent) = (number(modulus), number(exponent));
    let key = RsaPublicKey::new_with_size_limits(modulus, exponent, MIN_RSA_BITS..=MAX_RSA_BITS);
    let (Ok(key), Ok(signature)) = (key, Signature::try_from(signature)) else {
        return false;
    };
    match hash {
        Hash::Sha256 => pss::VerifyingKey::<Sha256>::new(key).verify(message, &signature),
        Hash::Sha384 => pss::VerifyingKey::<Sha384>::new(key).verify(message, &signature),
        Hash::Sha512 => pss::VerifyingKey::<Sha512>::new(key).verify(message, &signature),
    }
    .is_ok()
}

/// Without the keys and signatures that some implementations accept and others refuse (RFC 8032 section 5.1.7).
fn is_ed25519(key: &[u8; 32], signature: &[u8], message: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (
        VerifyingKey::from_bytes(key),
        ed25519_dalek::Signature::try_from(signature),
    ) else {
        return false;
    };
    key.verify_strict(message, &signature).is_ok()
}

/// One of the curves of ECDSA.
#[derive(Clone, Copy)]
struct Curve {
    /// Bytes of a coordinate, and of each half of a signature.
    length: usize,
    /// Its object identifier in DER.
    identifier: &'static [u8],
}

impl Curve {
    const fn of(algorithm: Algorithm) -> Option<Self> {
        let (length, identifier): (usize, &'static [u8]) = match algorithm {
            // 1.2.840.10045.3.1.7
            Algorithm::Es256 => (32, &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]),
            // 1.3.132.0.34
            Algorithm::Es384 => (48, &[6, 5, 0x2b, 0x81, 4, 0, 0x22]),
            // 1.3.132.0.35
            Algorithm::Es512 => (66, &[6, 5, 0x2b, 0x81, 4, 0, 0x23]),
            _ => return None,
        };
        Some(Self { length, identifier })
    }

    /// Whether the point has the length of one on the curve. Whether it lies on it is looked at by whoever verifies.
    fn has(self, point: &[u8]) -> bool {
        Some(point.len()) == self.length.checked_mul(2)
    }

    /// Both halves in their full length (RFC 7518 section 3.4), neither zero: a verifier that forgets to look would take
    /// a zero for a signature of everything.
    fn signature(self, signature: &[u8]) -> Option<Vec<u8>> {
        let (first, second) = signature.split_at_checked(self.length)?;
        let is_number = |half: &[u8]| half.iter().any(|byte| *byte != 0);
        (second.len() == self.length && is_number(first) && is_number(second))
            .then(|| der::signature(first, second))
    }
}

/// As much of DER (X.690) as keys and signatures need.
mod der {
    use alloc::vec::Vec;

    const INTEGER: u8 = 2;
    const BIT_STRING: u8 = 3;
    const SEQUENCE: u8 = 0x30;
    /// 1.2.840.113549.1.1.1 and its parameter, NULL.
    const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    /// 1.2.840.10045.2.1
    const ELLIPTIC_CURVE: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

    /// A `SubjectPublicKeyInfo` (RFC 3279 section 2.3.1).
    pub(super) fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let numbers = [integer(modulus), integer(exponent)].concat();
        public_key(RSA, &[], &tagged(SEQUENCE, &numbers))
    }

    /// A `SubjectPublicKeyInfo` (RFC 5480 section 2) of an uncompressed point.
    pub(super) fn elliptic_curve_key(curve: &[u8], point: &[u8]) -> Vec<u8> {
        public_key(ELLIPTIC_CURVE, curve, &[&[4], point].concat())
    }

    /// An `Ecdsa-Sig-Value` (RFC 3279 section 2.2.3).
    pub(super) fn signature(first: &[u8], second: &[u8]) -> Vec<u8> {
        tagged(SEQUENCE, &[integer(first), integer(second)].concat())
    }

    fn public_key(algorithm: &[u8], parameter: &[u8], key: &[u8]) -> Vec<u8> {
        let algorithm = tagged(SEQUENCE, &[algorithm, parameter].concat());
        let key = tagged(BIT_STRING, &[&[0], key].concat());
        tagged(SEQUENCE, &[algorithm, key].concat())
    }

    /// A positive number: without leading zeros, but for the one that keeps it positive.
    fn integer(number: &[u8]) -> Vec<u8> {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let digits = number.get(zeros..).unwrap_or_default();
        let sign: &[u8] = match digits.first() {
            Some(first) if *first < 0x80 => &[],
            _ => &[0],
        };
        tagged(INTEGER, &[sign, digits].concat())
    }

    fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = alloc::vec![tag];
        let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
        let [high, low] = length.to_be_bytes();
        match length {
            0..0x80 => bytes.push(low),
            0x80..0x100 => bytes.extend([0x81, low]),
            _ => bytes.extend([0x82, high, low]),
        }
        bytes.extend_from_slice(content);
        bytes
    }
}
