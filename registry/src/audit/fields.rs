//! The fields of things that can be shown in an entry, by the names that they have in the API.

use serde_json::{Map, Value, json};

use crate::{
    application::{Application, DefaultKey, Reach},
    clock::Timestamp,
    credential::{Credential, CredentialType, Deploy, SecretType},
    gateway::{GatewayGroup, Mode},
    organization::Organization,
    provider::Provider,
    registration::RegistrationToken,
    token::Token,
};

/// Something whose fields can be shown: all of them, and no secret among them.
pub(crate) trait Fields {
    fn fields(&self) -> Map<String, Value>;
}

impl Fields for Application {
    fn fields(&self) -> Map<String, Value> {
        let groups = match &self.reach {
            Reach::Automatic => Value::Null,
            Reach::Listed(names) => json!(names),
        };
        map([
            ("name", json!(self.name)),
            ("owner", json!(self.owner.map(|owner| owner.to_string()))),
            ("custom_id", json!(self.custom_id)),
            ("description", json!(self.description)),
            ("labels", json!(self.labels.as_map())),
            ("scopes", json!(self.scopes.iter().collect::<Vec<_>>())),
            ("gateway_groups", groups),
            (
                "default_key",
                json!(match self.default_key {
                    DefaultKey::None => "none",
                    DefaultKey::Required => "required",
                }),
            ),
            (
                "default_credential",
                json!(self.default_credential.map(|id| id.to_string())),
            ),
            ("enabled", json!(self.enabled)),
        ])
    }
}

impl Fields for Credential {
    fn fields(&self) -> Map<String, Value> {
        map([
            ("type", json!(type_word(self.kind))),
            ("name", json!(self.name)),
            ("identifier", json!(self.identifier)),
            ("username", json!(self.username)),
            ("description", json!(self.description)),
            ("labels", json!(self.labels.as_map())),
            ("scopes", json!(self.scopes.iter().collect::<Vec<_>>())),
            ("enabled", json!(self.enabled)),
            ("not_before", moment(self.not_before)),
            ("expires_at", moment(self.expires_at)),
            ("tokens_valid_from", moment(self.tokens_valid_from)),
            (
                "deploy",
                json!(match self.deploy {
                    Deploy::Automatic => "automatic",
                    Deploy::Chosen => "chosen",
                }),
            ),
            (
                "secret_type",
                json!(match self.secret_type {
                    SecretType::Hashed => "hashed",
                    SecretType::Retrievable => "retrievable",
                }),
            ),
            ("shared_secret", json!(self.is_paired)),
            (
                "rotate_every",
                json!(self.rotate_every.map(|time| time.as_secs())),
            ),
        ])
    }
}

impl Fields for GatewayGroup {
    fn fields(&self) -> Map<String, Value> {
        let mode = match self.mode {
            Mode::Automatic => "automatic",
            Mode::OnDemand => "on_demand",
        };
        map([("name", json!(self.name)), ("mode", json!(mode))])
    }
}

impl Fields for Organization {
    fn fields(&self) -> Map<String, Value> {
        map([
            ("name", json!(self.name)),
            ("description", json!(self.description)),
            ("max_applications", json!(self.quotas.applications)),
            ("max_credentials", json!(self.quotas.credentials)),
            ("max_tokens", json!(self.quotas.tokens)),
        ])
    }
}

impl Fields for Provider {
    fn fields(&self) -> Map<String, Value> {
        let configuration = serde_json::from_str(&self.configuration);
        map([
            ("name", json!(self.name)),
            ("kind", json!(self.kind.word())),
            ("issuer", json!(self.issuer)),
            ("description", json!(self.description)),
            ("enabled", json!(self.enabled)),
            ("configuration", configuration.unwrap_or(Value::Null)),
        ])
    }
}

impl Fields for Token {
    fn fields(&self) -> Map<String, Value> {
        map([
            ("role", json!(self.role.word())),
            (
                "owner",
                json!(self.role.owner().map(|owner| owner.to_string())),
            ),
            ("description", json!(self.description)),
            ("configured", json!(self.configured)),
            ("expires_at", moment(self.expires_at)),
        ])
    }
}

impl Fields for RegistrationToken {
    fn fields(&self) -> Map<String, Value> {
        map([
            ("scopes", json!(self.scopes.iter().collect::<Vec<_>>())),
            ("description", json!(self.description)),
            ("clients", json!(self.clients)),
            ("expires_at", moment(self.expires_at)),
        ])
    }
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The word that the API has for it.
pub(crate) const fn type_word(kind: CredentialType) -> &'static str {
    match kind {
        CredentialType::ApiKey => "api_key",
        CredentialType::Basic => "basic",
        CredentialType::BearerToken => "bearer_token",
        CredentialType::OauthClient => "oauth_client",
    }
}

/// As the API writes it.
pub(crate) fn moment(at: Option<Timestamp>) -> Value {
    let at = at.and_then(|at| i64::try_from(at.as_millis()).ok());
    let at = at.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    at.map_or(Value::Null, |at| json!(format!("{at:.3}")))
}
