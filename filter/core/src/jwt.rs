//! JSON Web Tokens as access tokens (RFC 7515, RFC 7519, RFC 9068), read strictly.
//!
//! Three steps, each of which may refuse: [`Token::parse`] reads the form, [`Signed::verify`] proves who wrote it, and [`Claims::check`](claims::Claims::check) says whether it is good here and now. What is read before the signature
//! holds is only used to find the key: the issuer and the key's name.
//!
//! The algorithm is the key's, never the token's choice (RFC 8725 section 3.1). There is no `none` and no HMAC. Keys and
//! addresses that a token brings along (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.

pub mod algorithm;
pub mod claims;
pub mod header;
mod json;
pub mod key;
pub mod signature;

use alloc::vec::Vec;

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use sha2::{Digest as _, Sha256};

pub use self::{
    algorithm::Algorithm,
    claims::{Claims, ClientClaim, Expected},
    header::Header,
    key::{PublicKey, VerificationKey},
};

/// The longest token that is read, in bytes.
pub const MAX_TOKEN_LENGTH: usize = 8 * 1024;

/// Base64url without padding, and only in its canonical form (RFC 7515 section 2).
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum JwtError {
    /// It is longer than [`MAX_TOKEN_LENGTH`].
    #[error("the token is too long")]
    TooLong,
    /// It is not three parts of canonical base64url, of which the first two are JSON objects within bounds and without a
    /// member twice, or a member that is looked at has another type than it must have.
    #[error("the token cannot be read")]
    Malformed,
    /// An algorithm that is not among [`Algorithm`]s, such as `none` and every HMAC.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// It names an extension that must be understood and is not (RFC 7515 section 4.1.11), or one that changes what is
    /// signed.
    #[error("the token needs an extension that is not supported")]
    Critical,
    /// It is of another type than an access token (RFC 9068 section 4).
    #[error("the token is not an access token")]
    Type,
    /// None of the issuer's keys has its name and algorithm, or it has no name and several could be meant.
    #[error("the token's key is not known")]
    KeyUnknown,
    /// The signature is not one of the key over the token.
    #[error("the token's signature is wrong")]
    Signature,
    /// The issuer is missing, or is not the one whose key signed it.
    #[error("the token's issuer is not accepted")]
    Issuer,
    /// It is meant for others, or for nobody.
    #[error("the token is for another audience")]
    Audience,
    /// It does not say when it ends.
    #[error("the token does not say when it expires")]
    ExpiryMissing,
    /// It has ended.
    #[error("the token has expired")]
    Expired,
    /// It begins later, or was issued in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It does not name the client it was issued to, or names two.
    #[error("the token does not name one client")]
    Client,
    /// It is bound to a key that its caller must prove to have (RFC 7800), and nothing here checks that.
    #[error("the token is bound to a key of its caller")]
    Bound,
}

/// The first half of the SHA-256 of what a token's signature is over. Not of the whole token: a signature of ECDSA can be
/// written in two ways.
pub type TokenDigest = [u8; 16];

/// Something signed, in its compact form (RFC 7515 section 7.1), read but not believed.
#[derive(Clone, Debug)]
pub struct Signed<'a> {
    /// What its header says.
    pub header: Header,
    /// What it carries, to be believed after [`Signed::verify`] alone.
    pub payload: Vec<u8>,
    /// What is signed: header and payload as they were sent, with the dot between them.
    covered: &'a [u8],
    signature: Vec<u8>,
}

/// A token, read but not believed.
#[derive(Clone, Debug)]
pub struct Token<'a> {
    /// How it was signed.
    pub signed: Signed<'a>,
    /// What it claims, to be believed after [`Signed::verify`] alone.
    pub claims: Claims,
}

/// Whether a bearer token has the form of a JWT: that decides by which means it is checked, and nothing else.
#[must_use]
pub fn has_form(token: &[u8]) -> bool {
    // Added up, so that many bytes are compared at once.
    let dots = token.iter().map(|byte| usize::from(*byte == b'.'));
    dots.sum::<usize>() == 2
}

impl<'a> Signed<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// [`JwtError::TooLong`], [`JwtError::Malformed`], [`JwtError::Algorithm`] and [`JwtError::Critical`].
    pub fn parse(text: &'a [u8]) -> Result<Self, JwtError> {
        if text.len() > MAX_TOKEN_LENGTH {
            return Err(JwtError::TooLong);
        }
        let mut parts = text.split(|byte| *byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwtError::Malformed);
        };
        let length = header.len().saturating_add(1).saturating_add(payload.len());
        Ok(Self {
            header: Header::read(&json::object(&decode(header)?)?)?,
            payload: decode(payload)?,
            covered: text.get(..length).ok_or(JwtError::Malformed)?,
            signature: decode(signature)?,
        })
    }

    /// By which it is told from others, however its signature is written.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        let full: [u8; 32] = Sha256::digest(self.covered).into();
        let mut half = [0; 16];
        for (place, byte) in half.iter_mut().zip(full) {
            *place = byte;
        }
        half
    }

    /// Whether `key` signed it.
    ///
    /// # Errors
    /// [`JwtError::KeyUnknown`] when it says another algorithm than the key's, [`JwtError::Signature`] when the signature
    /// is not good.
    pub fn verify(
        &self,
        key: &VerificationKey,
        verifier: &dyn signature::Verifier,
    ) -> Result<(), JwtError> {
        if key.algorithm != self.header.algorithm {
            return Err(JwtError::KeyUnknown);
        }
        if signature::verify(key, self.covered, &self.signature, verifier) {
            Ok(())
        } else {
            Err(JwtError::Signature)
        }
    }
}

impl<'a> Token<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// As [`Signed::parse`], and [`JwtError::Malformed`] when it does not carry claims.
    pub fn parse(token: &'a [u8]) -> Result<Self, JwtError> {
        let signed = Signed::parse(token)?;
        let claims = Claims::read(&json::object(&signed.payload)?)?;
        Ok(Self { signed, claims })
    }
}

fn decode(part: &[u8]) -> Result<Vec<u8>, JwtError> {
    BASE64URL.decode(part).map_err(|_| JwtError::Malformed)
}
