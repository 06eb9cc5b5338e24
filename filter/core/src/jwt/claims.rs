//! What a token claims, and whether that is good here and now.

use alloc::{string::String, vec::Vec};

use super::{
    JwtError,
    json::{self, Object, Value, member},
};

/// The last second of the year 9999: no time beyond it is meant (RFC 7519 section 2, RFC 3339).
const LATEST: f64 = 253_402_300_799.0;

/// What is looked at of a token's claims (RFC 7519 section 4.1, RFC 9068 section 2.2).
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// Who issued it.
    pub issuer: Option<String>,
    /// Whom it is for.
    pub audiences: Vec<String>,
    /// The client it was issued to, as RFC 9068 names it.
    pub client_id: Option<String>,
    /// The client it was issued to, as `OpenID` Connect names it.
    pub authorized_party: Option<String>,
    /// What it is good for: `scope`, or what some issuers say in `scp` instead.
    pub scopes: Vec<String>,
    /// Unix milliseconds from which it is no longer good.
    pub expires_at: Option<u64>,
    /// Unix milliseconds before which it is not good yet.
    pub not_before: Option<u64>,
    /// Unix milliseconds at which it was issued.
    pub issued_at: Option<u64>,
    /// Whether it is bound to a key of its caller (RFC 7800).
    pub is_bound: bool,
}

/// Which claim names the client. It is the provider's, fixed in advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ClientClaim {
    /// `client_id` (RFC 9068).
    ClientId,
    /// `azp` (`OpenID` Connect Core section 2).
    AuthorizedParty,
}

/// What a token must claim to be good.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// Whose key verified it; compared byte for byte.
    pub issuer: &'e str,
    /// One of these must be among the token's audiences.
    pub audiences: &'e [String],
    /// How far clocks may be apart, in milliseconds.
    pub leeway_ms: u64,
    /// Unix milliseconds.
    pub now_ms: u64,
}

impl Claims {
    pub(super) fn read(claims: &Object) -> Result<Self, JwtError> {
        let scopes = match json::texts(claims, "scope")? {
            Some(scopes) => Some(scopes),
            None => json::texts(claims, "scp")?,
        };
        let scopes = scopes.unwrap_or_default();
        Ok(Self {
            issuer: json::text(claims, "iss")?,
            audiences: json::texts(claims, "aud")?.unwrap_or_default(),
            client_id: json::text(claims, "client_id")?,
            authorized_party: json::text(claims, "azp")?,
            scopes: scopes
                .iter()
                .flat_map(|scopes| scopes.split(' '))
                .filter(|scope| !scope.is_empty())
                .map(String::from)
                .collect(),
            expires_at: time(claims, "exp")?,
            not_before: time(claims, "nbf")?,
            issued_at: time(claims, "iat")?,
            is_bound: member(claims, "cnf").is_some(),
        })
    }

    /// Whether the token is good for what is expected.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), JwtError> {
        let Expected {
            issuer,
            audiences,
            leeway_ms,
            now_ms,
        } = *expected;
        if self.issuer.as_deref() != Some(issuer) {
            return Err(JwtError::Issuer);
        }
        if !self.is_for(audiences) {
            return Err(JwtError::Audience);
        }
        let expires_at = self.expires_at.ok_or(JwtError::ExpiryMissing)?;
        if expires_at.saturating_add(leeway_ms) <= now_ms {
            return Err(JwtError::Expired);
        }
        self.has_begun(now_ms, leeway_ms)?;
        if self.is_bound {
            return Err(JwtError::Bound);
        }
        Ok(())
    }

    /// Whether the token is for one of these.
    #[must_use]
    pub fn is_for(&self, audiences: &[String]) -> bool {
        self.audiences.iter().any(|own| audiences.contains(own))
    }

    /// Whether the token is good already, where clocks may be so far apart.
    ///
    /// # Errors
    /// [`JwtError::NotYetValid`].
    pub fn has_begun(&self, now_ms: u64, leeway_ms: u64) -> Result<(), JwtError> {
        let latest = now_ms.saturating_add(leeway_ms);
        let begins = [self.not_before, self.issued_at];
        if begins.into_iter().flatten().any(|begin| begin > latest) {
            return Err(JwtError::NotYetValid);
        }
        Ok(())
    }

    /// Roughly what it takes to remember them: the texts, and as much again as a constant for all the rest.
    pub(crate) fn weight(&self) -> usize {
        const REST: usize = 512;
        const TEXT: usize = 32;
        let texts = [&self.issuer, &self.client_id, &self.authorized_party];
        let texts = texts.into_iter().flatten();
        texts
            .chain(&self.audiences)
            .chain(&self.scopes)
            .map(|text: &String| text.len().saturating_add(TEXT))
            .fold(REST, usize::saturating_add)
    }

    /// The client that the token was issued to.
    ///
    /// # Errors
    /// [`JwtError::Client`] when the claim is missing or empty, or the other one names another client.
    pub fn client(&self, claim: ClientClaim) -> Result<&str, JwtError> {
        let (named, other) = match claim {
            ClientClaim::ClientId => (&self.client_id, &self.authorized_party),
            ClientClaim::AuthorizedParty => (&self.authorized_party, &self.client_id),
        };
        let named = named.as_deref().filter(|named| !named.is_empty());
        match (named, other.as_deref()) {
            (Some(named), Some(other)) if named != other => Err(JwtError::Client),
            (named, _) => named.ok_or(JwtError::Client),
        }
    }
}

/// A `NumericDate` (RFC 7519 section 2) in milliseconds; fractions of a millisecond are cut off.
fn time(claims: &Object, name: &str) -> Result<Option<u64>, JwtError> {
    match member(claims, name) {
        None => Ok(None),
        Some(Value::Number(seconds)) if (0.0..=LATEST).contains(seconds) => {
            Ok(Some(millis(*seconds)))
        }
        Some(_) => Err(JwtError::Malformed),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the caller made sure that it is between 0 and 2^48"
)]
fn millis(seconds: f64) -> u64 {
    (seconds * 1000.0) as u64
}
