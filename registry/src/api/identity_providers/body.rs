//! What is sent and answered about identity providers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::{object, patch, problem::Problem, time::Moment};
use crate::{
    provider::{
        self, NewProvider, Outcome, Provider, ProviderKind, Step,
        configuration::{HeaderSecret, Secrets},
    },
    token::{Role, RoleName},
};

const fn yes() -> bool {
    true
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

/// A kind of provider that can be made known.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[schema(as = IdentityProviderKind)]
#[serde(rename_all = "snake_case")]
enum KindWord {
    /// By discovery and dynamic client registration.
    Oidc,
    /// By an HTTP bridge.
    HttpBridge,
}

/// A provider to be made known.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewIdentityProvider)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderRequest {
    /// Unique; it never changes.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "keycloak")]
    name: String,
    /// How it is talked to; it never changes.
    kind: KindWord,
    /// What its tokens say in `iss`, byte for byte; unique, and it never changes.
    #[schema(example = "https://id.example.com/realms/main")]
    issuer: String,
    /// For people; at most 1024 characters.
    #[serde(default)]
    description: String,
    /// Whether clients are registered there, and its tokens accepted.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
    /// How it is talked to; what belongs into it depends on the kind.
    #[serde(default = "nothing")]
    #[schema(value_type = Object)]
    configuration: Value,
    /// What proves the registry to it.
    #[serde(default, deserialize_with = "object::one")]
    secrets: SecretsRequest,
}

/// What is to change of a provider. Fields that are absent stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = IdentityProviderChange)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderChange {
    /// The next description.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    pub(super) description: Option<String>,
    /// Whether clients are registered there, and its tokens accepted.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    pub(super) enabled: Option<bool>,
    /// The next configuration, whole.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub(super) configuration: Option<Value>,
    /// The next credentials, whole: what is absent is forgotten.
    #[serde(default, deserialize_with = "object::present")]
    #[schema(nullable = false)]
    pub(super) secrets: Option<SecretsRequest>,
}

/// What proves the registry to a provider. It is kept sealed and never shown.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = IdentityProviderSecrets)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretsRequest {
    /// A token to register with (RFC 7591 section 3), for kind `oidc`.
    initial_access_token: Option<String>,
    /// Headers that go with every request to the provider's own origin, such as an API key.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Of the client in `configuration.registration.token`.
    token_client_secret: Option<String>,
    /// Of the client in `configuration.tokens.introspection`.
    introspection_client_secret: Option<String>,
}

impl std::fmt::Debug for SecretsRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretsRequest")
    }
}

impl From<SecretsRequest> for Secrets {
    fn from(request: SecretsRequest) -> Self {
        let mut secrets = Self::default();
        secrets.initial_access_token = request.initial_access_token;
        let headers = request.headers.into_iter();
        secrets.headers = headers
            .map(|(name, value)| (name, HeaderSecret(value)))
            .collect();
        secrets.token_client_secret = request.token_client_secret;
        secrets.introspection_client_secret = request.introspection_client_secret;
        secrets
    }
}

impl ProviderRequest {
    pub(super) fn read(self) -> Result<NewProvider, Problem> {
        let kind = match self.kind {
            KindWord::Oidc => ProviderKind::Oidc,
            KindWord::HttpBridge => ProviderKind::HttpBridge,
        };
        Ok(NewProvider {
            name: self.name,
            issuer: self.issuer,
            description: self.description,
            enabled: self.enabled,
            configuration: provider::read_configuration(kind, self.configuration)?,
            secrets: self.secrets.into(),
        })
    }
}

/// An identity provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IdentityProvider)]
pub(super) struct ProviderBody {
    /// Its id.
    #[schema(example = "idp_01kag3p5k8e4trsn0ps4fwt5ea")]
    id: String,
    /// Its name.
    name: String,
    /// How it is talked to: `builtin`, `oidc` or `http_bridge`.
    kind: &'static str,
    /// What its tokens say in `iss`; null for the built-in one while the registry has no `public_url`.
    issuer: Option<String>,
    /// For people.
    description: String,
    /// Whether clients are registered there, and its tokens accepted.
    enabled: bool,
    /// What it is able to.
    capabilities: Capabilities,
    /// How it is talked to. Only for administrators and auditors.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    configuration: Option<Value>,
    /// When it was made known.
    created_at: Moment,
    /// When it was last changed.
    updated_at: Moment,
}

/// What a provider is able to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IdentityProviderCapabilities)]
struct Capabilities {
    /// A client can get another secret and stay what it is; where not, another client takes its place.
    rotates_secrets: bool,
    /// It can be asked which clients it has, so that those are found that nobody knows of.
    lists_clients: bool,
    /// It is asked about tokens that are no JWTs.
    introspects: bool,
}

impl ProviderBody {
    /// For who may see how providers are configured.
    pub(super) fn whole(provider: Provider) -> Self {
        Self {
            configuration: serde_json::from_str(&provider.configuration).ok(),
            ..Self::part(provider)
        }
    }

    /// As much as somebody of this role may see.
    pub(super) fn for_role(provider: Provider, role: Role) -> Self {
        match role.name() {
            RoleName::PortalAdmin | RoleName::Auditor => Self::whole(provider),
            _ => Self::part(provider),
        }
    }

    fn part(provider: Provider) -> Self {
        Self {
            id: provider.id.to_string(),
            kind: provider.kind.word(),
            capabilities: Capabilities {
                rotates_secrets: provider.rotates_secrets(),
                lists_clients: provider.lists_clients(),
                introspects: provider.introspects(),
            },
            name: provider.name,
            issuer: provider.issuer,
            description: provider.description,
            enabled: provider.enabled,
            configuration: None,
            created_at: provider.created_at.into(),
            updated_at: provider.updated_at.into(),
        }
    }
}

/// What came of trying a provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IdentityProviderVerification)]
pub(super) struct VerificationBody {
    /// Whether no step failed.
    ok: bool,
    /// What was tried, in this order.
    steps: Vec<StepBody>,
}

/// What came of one step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IdentityProviderStep)]
struct StepBody {
    /// What was tried.
    step: &'static str,
    /// `ok`, `failed` or `skipped`.
    outcome: &'static str,
    /// More about it, for people.
    detail: String,
}

impl From<Vec<Step>> for VerificationBody {
    fn from(steps: Vec<Step>) -> Self {
        Self {
            ok: steps.iter().all(|step| step.outcome != Outcome::Failed),
            steps: steps.into_iter().map(StepBody::from).collect(),
        }
    }
}

impl From<Step> for StepBody {
    fn from(step: Step) -> Self {
        Self {
            step: step.step,
            outcome: match step.outcome {
                Outcome::Ok => "ok",
                Outcome::Failed => "failed",
                Outcome::Skipped => "skipped",
            },
            detail: step.detail,
        }
    }
}
