//! How a provider is talked to: what somebody configures, of which the secrets are kept apart.
//!
//! What may be shown is kept in the provider's row as it is here; what proves the registry to the provider is sealed, as
//! [`Secrets`].

use std::collections::BTreeMap;

use filter_core::jwt::ClientClaim;
use serde::{Deserialize, Serialize};

use super::ProviderKind;

/// What may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Configuration {
    /// The registry itself needs none.
    Builtin,
    /// Of [`ProviderKind::Oidc`].
    Oidc(Oidc),
    /// Of [`ProviderKind::HttpBridge`].
    HttpBridge(HttpBridge),
}

/// How a provider with dynamic client registration is talked to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Where its metadata is (RFC 8414, `OpenID` Connect Discovery); by default looked for below the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery_url: Option<String>,
    /// How clients are registered.
    #[serde(default)]
    pub registration: Registration,
    /// What its tokens are like.
    #[serde(default)]
    pub tokens: Tokens,
}

/// How clients are registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Where, unless the metadata says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Where a token to register with is fetched by client credentials; the client's secret is kept apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<FetchedToken>,
    /// Where the provider lists its clients, with the same credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_endpoint: Option<String>,
    /// How a client gets another secret.
    #[serde(default)]
    pub secret_rotation: SecretRotation,
}

/// A token to register with, fetched by client credentials (RFC 6749 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchedToken {
    /// Where, unless the metadata says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Who fetches it.
    pub client_id: String,
    /// What it is to be good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Where it is to be good (RFC 8707).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// How a client gets another secret at a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", deny_unknown_fields)]
pub enum SecretRotation {
    /// Not at all: another client is registered, and takes its place.
    #[default]
    Registration,
    /// By an update (RFC 7592 section 2.2), which answers with another secret.
    Update,
    /// By an endpoint of its own.
    Endpoint {
        /// Where, with `{client_id}` in the place of the client's name.
        url: String,
        /// By which method.
        #[serde(default)]
        method: RenewMethod,
    },
}

/// By which method a renewing endpoint is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RenewMethod {
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
}

/// How a bridge is talked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpBridge {
    /// Where it is.
    pub base_url: String,
    /// Which of the two protocols it speaks.
    pub dialect: Dialect,
    /// Where the bridge lists its clients, with the same credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_endpoint: Option<String>,
    /// What the provider's tokens are like.
    #[serde(default)]
    pub tokens: Tokens,
}

/// A protocol of bridges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// API7's: below `/clients`, with RFC 7591 bodies.
    Api7,
    /// Kong Konnect's: at `/`, with its own.
    Konnect,
}

/// What a provider's tokens are like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Which claim names the client.
    #[serde(default)]
    pub client_claim: ClientClaimWord,
    /// Whether tokens say in their header that they are access tokens (RFC 9068), and others are refused.
    #[serde(default = "yes")]
    pub typed: bool,
    /// Where its keys are, unless the metadata says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// What RSA keys are used for that do not say it themselves: names of algorithms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rsa_algorithms: Vec<String>,
    /// How the provider is asked about tokens that are no JWTs (RFC 7662); without, it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection: Option<Introspection>,
}

const fn yes() -> bool {
    true
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            client_claim: ClientClaimWord::default(),
            typed: true,
            jwks_uri: None,
            rsa_algorithms: Vec::new(),
            introspection: None,
        }
    }
}

/// Which claim names the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientClaimWord {
    /// `client_id`.
    #[default]
    ClientId,
    /// `azp`.
    Azp,
}

impl From<ClientClaimWord> for ClientClaim {
    fn from(word: ClientClaimWord) -> Self {
        match word {
            ClientClaimWord::ClientId => Self::ClientId,
            ClientClaimWord::Azp => Self::AuthorizedParty,
        }
    }
}

/// How a provider is asked about tokens; the secret is kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Introspection {
    /// Where, unless the metadata says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Who asks.
    pub client_id: String,
    /// Whom tokens are for where the provider's answers do not say it. Without, such tokens are for nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

/// What proves the registry to a provider. Kept sealed, never shown.
#[derive(Default, Serialize, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// A token to register with (RFC 7591 section 3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_access_token: Option<String>,
    /// Headers that go with every request to the provider's own origin, such as an API key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[zeroize(skip)]
    pub headers: BTreeMap<String, HeaderSecret>,
    /// Of the client that fetches a token to register with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_client_secret: Option<String>,
    /// Of the client that asks about tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_client_secret: Option<String>,
}

impl Secrets {
    /// Whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.initial_access_token.is_none()
            && self.headers.is_empty()
            && self.token_client_secret.is_none()
            && self.introspection_client_secret.is_none()
    }
}

/// A header's value.
#[derive(Clone, Serialize, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
#[serde(transparent)]
pub struct HeaderSecret(pub String);

impl std::fmt::Debug for HeaderSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HeaderSecret")
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Configuration {
    /// Reads what is kept of a provider of this kind; `None` when it is not that.
    #[must_use]
    pub fn read(kind: ProviderKind, json: &str) -> Option<Self> {
        Some(match kind {
            ProviderKind::Builtin => Self::Builtin,
            ProviderKind::Oidc => Self::Oidc(serde_json::from_str(json).ok()?),
            ProviderKind::HttpBridge => Self::HttpBridge(serde_json::from_str(json).ok()?),
        })
    }

    /// As it is kept.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Builtin => Ok("{}".to_owned()),
            Self::Oidc(oidc) => serde_json::to_string(oidc),
            Self::HttpBridge(bridge) => serde_json::to_string(bridge),
        }
    }

    /// What its tokens are like; `None` for the built-in one, which knows.
    #[must_use]
    pub const fn tokens(&self) -> Option<&Tokens> {
        match self {
            Self::Builtin => None,
            Self::Oidc(oidc) => Some(&oidc.tokens),
            Self::HttpBridge(bridge) => Some(&bridge.tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_back_as_it_was_kept() {
        let json = r#"{"registration":{"token":{"client_id":"registry"},"secret_rotation":{"by":"endpoint","url":"https://id.example/{client_id}/new","method":"PUT"}},
            "tokens":{"client_claim":"azp","typed":false,"introspection":{"client_id":"registry"}}}"#;
        let read = Configuration::read(ProviderKind::Oidc, json).unwrap();
        let Configuration::Oidc(oidc) = &read else {
            panic!("{read:?}");
        };
        assert!(!oidc.tokens.typed);
        let kept = read.write().unwrap();
        assert_eq!(Configuration::read(ProviderKind::Oidc, &kept), Some(read));
    }

    #[test]
    fn tokens_are_typed_unless_it_is_said_that_they_are_not() {
        let read = Configuration::read(ProviderKind::Oidc, "{}").unwrap();
        assert!(read.tokens().unwrap().typed);
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut secrets = Secrets::default();
        secrets.initial_access_token = Some("hush".to_owned());
        let header = HeaderSecret("hush".to_owned());
        secrets.headers.insert("X-API-Key".to_owned(), header);
        assert_eq!(
            format!("{secrets:?} {:?}", secrets.headers),
            "Secrets {\"X-API-Key\": HeaderSecret}"
        );
    }
}
