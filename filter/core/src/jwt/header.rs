//! The header of a token (RFC 7515 section 4.1).

use alloc::string::String;

use super::{
    JwtError,
    algorithm::Algorithm,
    json::{self, Object, member},
};

/// What is looked at of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it says it is signed with. To be compared with the key's own.
    pub algorithm: Algorithm,
    /// The name of the key among the issuer's.
    pub key_id: Option<String>,
    /// The media type of the whole, where it says one.
    pub token_type: Option<String>,
}

impl Header {
    pub(super) fn read(header: &Object) -> Result<Self, JwtError> {
        let name = json::text(header, "alg")?.ok_or(JwtError::Malformed)?;
        let algorithm = Algorithm::named(&name).ok_or(JwtError::Algorithm)?;
        // No extension is understood, and these two change what was signed or what it means (RFC 7797, RFC 7516).
        if ["crit", "b64", "zip"]
            .iter()
            .any(|name| member(header, name).is_some())
        {
            return Err(JwtError::Critical);
        }
        Ok(Self {
            algorithm,
            key_id: json::text(header, "kid")?,
            token_type: json::text(header, "typ")?,
        })
    }

    /// Whether it says that this is an access token: `at+jwt`, with or without `application/` (RFC 9068 section 4).
    #[must_use]
    pub fn is_access_token(&self) -> bool {
        self.is_one_of(&["at+jwt", "application/at+jwt"])
    }

    /// Whether it could be an access token of an issuer that does not say so: of no type, or of JWTs in general.
    #[must_use]
    pub fn may_be_access_token(&self) -> bool {
        self.token_type.is_none() || self.is_one_of(&["jwt", "application/jwt"])
    }

    fn is_one_of(&self, types: &[&str]) -> bool {
        let own = self.token_type.as_deref();
        own.is_some_and(|own| types.iter().any(|known| own.eq_ignore_ascii_case(known)))
    }
}
