//! OAuth clients as this surface reads and writes them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    api::{problem::Problem, time::Moment},
    oauth::{TokenFormat, resources},
    oauth_client::{OauthClient, Registration, metadata::ClientMetadata},
};

/// Who looks after a client's registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ClientRegistration)]
pub(super) enum RegistrationWord {
    /// The registry has made it, and removes it.
    #[default]
    Managed,
    /// Somebody else: the registry only knows of it.
    External,
}

/// Whether a client can keep a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ClientType)]
enum ClientTypeWord {
    /// Whatever `token_endpoint_auth_method` says, or else the provider.
    #[default]
    None,
    /// It cannot: `token_endpoint_auth_method` is `none`.
    Public,
    /// It can, and proves itself by `client_secret_basic` unless it says otherwise.
    Confidential,
}

/// What is to be registered of a client, as in RFC 7591.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = Client)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientRequest {
    /// Whether it can keep a secret.
    #[serde(default)]
    client_type: ClientTypeWord,
    /// For people; the credential's name when absent.
    client_name: Option<String>,
    /// Where users may be sent back to: `https://`, `http://` to the user's own machine, or a scheme such as
    /// `com.example.app:`.
    #[serde(default)]
    redirect_uris: Vec<String>,
    /// How it gets tokens; `client_credentials` when absent.
    grant_types: Option<Vec<String>>,
    /// What it asks the authorization endpoint for; when absent, `code` with the grant type `authorization_code`.
    response_types: Option<Vec<String>>,
    /// How it proves itself at the token endpoint.
    #[schema(example = "client_secret_basic")]
    token_endpoint_auth_method: Option<String>,
    /// Some of the credential's scopes, separated by spaces; all of them when absent. A credential without `scopes` gets
    /// these.
    scope: Option<String>,
    /// Its public keys (RFC 7517).
    #[schema(value_type = Option<Object>)]
    jwks: Option<serde_json::Map<String, Value>>,
    /// Where its public keys are.
    jwks_uri: Option<String>,
    /// People who answer for it.
    #[serde(default)]
    contacts: Vec<String>,
    /// Only at the built-in identity provider: where its access tokens are good (RFC 8707), absolute URLs, at most 16. Not with
    /// `access_token_format` `opaque`.
    resources: Option<Vec<String>>,
    /// Only at the built-in identity provider: what its access tokens are like. When absent, `jwt`, and in a change what it was.
    access_token_format: Option<TokenFormatWord>,
}

/// What access tokens are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AccessTokenFormat)]
enum TokenFormatWord {
    /// A JWT (RFC 9068), which gateways verify by themselves.
    Jwt,
    /// A value that says nothing, and that gateways look up: for rules that accept `bearer_token`.
    Opaque,
}

impl From<TokenFormatWord> for TokenFormat {
    fn from(word: TokenFormatWord) -> Self {
        match word {
            TokenFormatWord::Jwt => Self::Jwt,
            TokenFormatWord::Opaque => Self::Opaque,
        }
    }
}

impl ClientRequest {
    /// Checks that the type and the way to prove itself fit together.
    pub(super) fn into_parts(self) -> Result<(ClientMetadata, Option<TokenFormat>), Problem> {
        let format = self.access_token_format.map(TokenFormat::from);
        Ok((self.into_metadata()?, format))
    }

    fn into_metadata(self) -> Result<ClientMetadata, Problem> {
        let method = self.token_endpoint_auth_method;
        let proves = method.as_deref().is_some_and(|method| method != "none");
        let method = match self.client_type {
            ClientTypeWord::None => method,
            ClientTypeWord::Public if proves => {
                let message = "must be none for client_type public";
                return Err(Problem::invalid(
                    "client.token_endpoint_auth_method",
                    message,
                ));
            }
            ClientTypeWord::Public => Some("none".to_owned()),
            ClientTypeWord::Confidential if method.is_some() && !proves => {
                let message = "must not be none for client_type confidential";
                return Err(Problem::invalid(
                    "client.token_endpoint_auth_method",
                    message,
                ));
            }
            ClientTypeWord::Confidential => {
                Some(method.unwrap_or_else(|| "client_secret_basic".to_owned()))
            }
        };
        let grants = self
            .grant_types
            .unwrap_or_else(|| vec!["client_credentials".to_owned()]);
        let sends_users = grants.iter().any(|grant| grant == "authorization_code");
        let responses = self.response_types.unwrap_or_else(|| {
            let code = sends_users.then(|| "code".to_owned());
            code.into_iter().collect()
        });
        let mut other = serde_json::Map::new();
        if let Some(list) = self.resources {
            other.insert(resources::MEMBER.to_owned(), list.into());
        }
        Ok(ClientMetadata {
            client_name: self.client_name,
            redirect_uris: self.redirect_uris,
            grant_types: grants,
            response_types: responses,
            token_endpoint_auth_method: method,
            scope: self.scope,
            jwks: self.jwks.map(Value::Object),
            jwks_uri: self.jwks_uri,
            contacts: self.contacts,
            other,
            ..ClientMetadata::default()
        })
    }
}

/// A client at its identity provider. Nothing of it is secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegisteredClient)]
pub(super) struct ClientBody {
    /// Its name there.
    client_id: String,
    /// What its access tokens say in `iss`.
    issuer: String,
    /// The id of the identity provider.
    provider: String,
    /// Who looks after it.
    registration: RegistrationWord,
    /// As the provider says that it is registered (RFC 7591), with `access_token_format` where that is `opaque`; empty for one that
    /// is `external`.
    #[schema(value_type = Object)]
    metadata: Value,
    /// When it was registered, or linked.
    registered_at: Moment,
    /// When what is known of it was last written.
    updated_at: Moment,
}

impl From<&OauthClient> for ClientBody {
    fn from(client: &OauthClient) -> Self {
        let metadata = serde_json::from_str(&client.metadata);
        Self {
            client_id: client.client_id.clone(),
            issuer: client.issuer.clone(),
            provider: client.provider.to_string(),
            registration: match client.registration {
                Registration::Managed => RegistrationWord::Managed,
                Registration::External => RegistrationWord::External,
            },
            metadata: metadata.unwrap_or_default(),
            registered_at: client.created_at.into(),
            updated_at: client.updated_at.into(),
        }
    }
}
