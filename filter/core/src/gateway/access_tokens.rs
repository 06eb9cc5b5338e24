//! What a gateway asks its registry about access tokens, as JSON. Both sides read and write it by these types.
//!
//! Either question may also be answered with 429 or 503: not now. Nothing is known then, and the gateway's caller is told to
//! try again.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::feed::Issuer;

/// `POST /v1/gateway/issuer-keys`: a token names a key of the issuer that the feed has not told of.
///
/// The registry looks at what the issuer publishes now, unless it has done so a moment ago. 404: it knows no such issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerKeysQuestion {
    /// [`Issuer::name`].
    pub issuer: String,
    /// The key's name (`kid`).
    pub key_id: String,
}

/// The answer to an [`IssuerKeysQuestion`]: 200.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerKeysAnswer {
    /// The issuer as the registry knows it now, and as the feed tells of it. Without a key of that name there is none.
    pub issuer: Issuer,
    /// The position in the log up to which the issuer reflects it: read together with the issuer, so that a gateway knows
    /// which is newer, this answer or what the feed has brought meanwhile.
    pub revision: u64,
}

/// `POST /v1/gateway/introspect`: whose is this token, which is no JWT and none that Keysmith made?
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntrospectionQuestion {
    /// The token as it was presented.
    pub token: Zeroizing<String>,
    /// The names of the issuers that may be asked: at least one, each of which [introspects](Issuer::introspects).
    pub issuers: Vec<String>,
}

impl fmt::Debug for IntrospectionQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionQuestion")
            .field("issuers", &self.issuers)
            .finish_non_exhaustive()
    }
}

/// The answer to an [`IntrospectionQuestion`]: 200 with `{"active": false}`, or `{"active": true, "issuer": …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub enum IntrospectionAnswer {
    /// None of the issuers vouches for it, or it is bound to a key of its caller (RFC 7800), which nothing here checks.
    Inactive,
    /// This one does.
    Active(ActiveToken),
}

/// A token that its issuer vouches for (RFC 7662 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveToken {
    /// [`Issuer::name`] of the one that was asked.
    pub issuer: String,
    /// The client it was issued to.
    pub client_id: String,
    /// Its scopes with a space between, as the issuer says them.
    pub scope: Option<String>,
    /// Whom it is for; empty where the issuer does not say.
    pub audiences: Vec<String>,
    /// Unix seconds from which it is no longer good.
    pub expires_at: Option<u64>,
    /// Unix seconds before which it is not good yet.
    pub not_before: Option<u64>,
    /// Unix seconds at which it was issued.
    pub issued_at: Option<u64>,
}

/// Reads one of these answers.
#[must_use]
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

/// Either answer as it is written.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Form {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audiences: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at: Option<u64>,
}

impl From<IntrospectionAnswer> for Form {
    fn from(answer: IntrospectionAnswer) -> Self {
        let IntrospectionAnswer::Active(token) = answer else {
            return Self::default();
        };
        Self {
            active: true,
            issuer: Some(token.issuer),
            client_id: Some(token.client_id),
            scope: token.scope,
            audiences: token.audiences,
            expires_at: token.expires_at,
            not_before: token.not_before,
            issued_at: token.issued_at,
        }
    }
}

impl TryFrom<Form> for IntrospectionAnswer {
    type Error = &'static str;

    fn try_from(form: Form) -> Result<Self, Self::Error> {
        if !form.active {
            return Ok(Self::Inactive);
        }
        Ok(Self::Active(ActiveToken {
            issuer: form.issuer.ok_or("active without issuer")?,
            client_id: form.client_id.ok_or("active without client_id")?,
            scope: form.scope,
            audiences: form.audiences,
            expires_at: form.expires_at,
            not_before: form.not_before,
            issued_at: form.issued_at,
        }))
    }
}
