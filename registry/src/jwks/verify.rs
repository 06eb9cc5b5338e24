//! Signatures that the registry checks itself: those of clients that prove themselves by a JWT, and of its own tokens.

use filter_core::jwt::{Algorithm, PublicKey, VerificationKey, signature::Verifier};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents,
    UnparsedPublicKey,
};

/// By *ring*, which does not know P-521: whatever is signed with it is refused here.
#[derive(Clone, Copy, Debug)]
pub struct Ring;

impl Verifier for Ring {
    fn verify(&self, key: &VerificationKey, signature: &[u8], message: &[u8]) -> bool {
        match &key.key {
            PublicKey::Rsa { modulus, exponent } => {
                let parameters = match key.algorithm {
                    Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
                    _ => return false,
                };
                let (n, e) = (modulus, exponent);
                let key = RsaPublicKeyComponents { n, e };
                key.verify(parameters, message, signature).is_ok()
            }
            PublicKey::EllipticCurve(point) => {
                let curve = match key.algorithm {
                    Algorithm::Es256 => &ECDSA_P256_SHA256_ASN1,
                    Algorithm::Es384 => &ECDSA_P384_SHA384_ASN1,
                    _ => return false,
                };
                // Uncompressed, as SEC 1 section 2.3.3 marks it.
                let point = [&[4], point.as_slice()].concat();
                let key = UnparsedPublicKey::new(curve, point);
                key.verify(message, signature).is_ok()
            }
            PublicKey::Ed25519(_) => false,
        }
    }
}
