//! Applications as this surface writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;

use crate::{
    api::{
        credentials::body::IssuedBody, labels, patch, propagation::PropagationBody, time::Moment,
    },
    application::{Application, ApplicationPatch, Created, DefaultKey, NewApplication, Reach},
    edit::Edit,
    ids::CredentialId,
};

/// An application to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewApplication)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplicationRequest {
    /// Unique; the upstream sees it as `X-Consumer-Username`.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,256}$", example = "billing")]
    name: String,
    /// Which developers see it: those whose tokens have the same. A developer's own applications have the developer's.
    #[schema(example = "team-payments")]
    owner: Option<String>,
    /// The upstream sees it as `X-Consumer-Custom-ID`. 1 to 256 visible ASCII characters. Like `scopes` and `gateway_groups`
    /// set by `portal_admin` and `api_owner` alone.
    #[schema(pattern = "^[!-~]{1,256}$")]
    custom_id: Option<String>,
    /// For people; at most 1024 characters.
    #[serde(default)]
    #[schema(max_length = 1024)]
    description: String,
    /// For people; at most 64.
    #[serde(default, deserialize_with = "labels::once")]
    labels: BTreeMap<String, String>,
    /// The scopes that its credentials may carry.
    #[serde(default)]
    scopes: Vec<String>,
    /// The names of the gateway groups that its credentials may use; null for all of them.
    gateway_groups: Option<Vec<String>>,
    /// Whether its credentials are honoured.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
    /// Whether it must always have an API key that is honoured wherever it is deployed: `required` makes one with it, named
    /// `default`, which has all of its scopes.
    #[serde(default)]
    default_key: DefaultKeyWord,
}

const fn yes() -> bool {
    true
}

/// Whether an application must always have an API key that is honoured wherever it is deployed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DefaultKey)]
pub(super) enum DefaultKeyWord {
    /// It may have none.
    #[default]
    None,
    /// Its default credential can be neither disabled, deleted nor given an end.
    Required,
}

impl From<DefaultKeyWord> for DefaultKey {
    fn from(word: DefaultKeyWord) -> Self {
        match word {
            DefaultKeyWord::None => Self::None,
            DefaultKeyWord::Required => Self::Required,
        }
    }
}

impl From<DefaultKey> for DefaultKeyWord {
    fn from(key: DefaultKey) -> Self {
        match key {
            DefaultKey::None => Self::None,
            DefaultKey::Required => Self::Required,
        }
    }
}

impl From<ApplicationRequest> for NewApplication {
    fn from(request: ApplicationRequest) -> Self {
        Self {
            name: request.name,
            owner: request.owner,
            custom_id: request.custom_id,
            description: request.description,
            labels: request.labels,
            scopes: request.scopes,
            gateway_groups: request.gateway_groups,
            enabled: request.enabled,
            default_key: request.default_key.into(),
        }
    }
}

/// What is to change of an application. Fields that are absent stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ApplicationChange)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplicationChange {
    /// The next name. The old one stays reserved for its organization.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false, pattern = "^[A-Za-z0-9_-]{1,256}$")]
    name: Option<String>,
    /// The next owner; null for none. Not by a developer.
    #[serde(default, deserialize_with = "patch::edit")]
    #[schema(value_type = Option<String>)]
    owner: Edit<Option<String>>,
    /// The next custom id; null removes it. Like `scopes` and `gateway_groups` set by `portal_admin` and `api_owner` alone.
    #[serde(default, deserialize_with = "patch::edit")]
    #[schema(value_type = Option<String>)]
    custom_id: Edit<Option<String>>,
    /// The next description.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    description: Option<String>,
    /// All labels.
    #[serde(default, deserialize_with = "labels::present")]
    #[schema(nullable = false)]
    labels: Option<BTreeMap<String, String>>,
    /// All scopes. One that a credential of the application carries cannot be removed.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    scopes: Option<Vec<String>>,
    /// All gateway groups that its credentials may use; null for all there are.
    #[serde(default, deserialize_with = "patch::edit")]
    #[schema(value_type = Option<Vec<String>>)]
    gateway_groups: Edit<Option<Vec<String>>>,
    /// Whether its credentials are honoured.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// Whether it must always have an API key that is honoured wherever it is deployed. `required` needs `default_credential`, unless it was so.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    default_key: Option<DefaultKeyWord>,
    /// The id of its next default credential: an API key of its own, enabled, valid now, without `expires_at`, and
    /// with a current secret. Where `leak_policy` ends a leaked one, the default is left without a secret until it is rotated.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false, value_type = Option<String>)]
    default_credential: Option<CredentialText>,
}

/// Which credential is to be the application's default.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = DefaultCredentialChoice)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultRequest {
    /// The id of an API key of the application, enabled, valid now and without `expires_at`.
    #[schema(value_type = String, example = "cred_01kag3p5k8e4trsn0ps4fwt5ea")]
    pub(super) credential: CredentialText,
}

/// The id of a credential in a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct CredentialText(pub(super) CredentialId);

impl<'de> Deserialize<'de> for CredentialText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = text.parse();
        id.map(Self)
            .map_err(|_| D::Error::custom("expected the id of a credential"))
    }
}

impl From<ApplicationChange> for ApplicationPatch {
    fn from(change: ApplicationChange) -> Self {
        Self {
            name: change.name,
            owner: change.owner,
            custom_id: change.custom_id,
            description: change.description,
            labels: change.labels,
            scopes: change.scopes,
            gateway_groups: change.gateway_groups,
            enabled: change.enabled,
            default_key: change.default_key.map(Into::into),
            default_credential: change.default_credential.map(|id| id.0),
        }
    }
}

/// An application.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Application)]
pub(super) struct ApplicationBody {
    /// Its id.
    #[schema(example = "app_01kag3p5k8e4trsn0ps4fwt5ea")]
    pub(super) id: String,
    /// Unique; the upstream sees it as `X-Consumer-Username`.
    name: String,
    /// Which developers see it: those whose tokens have the same.
    owner: Option<String>,
    /// The upstream sees it as `X-Consumer-Custom-ID`.
    custom_id: Option<String>,
    /// For people.
    description: String,
    /// For people.
    labels: BTreeMap<String, String>,
    /// The scopes that its credentials may carry, in order.
    scopes: Vec<String>,
    /// The names of the gateway groups that its credentials may use; null for all of them.
    gateway_groups: Option<Vec<String>>,
    /// Whether its credentials are honoured.
    enabled: bool,
    /// Whether it must always have an API key that is honoured wherever it is deployed.
    default_key: DefaultKeyWord,
    /// The credential that is honoured, wherever it is deployed, as long as the application is: its id, and in the answer that creates the application
    /// the credential itself with its secret.
    default_credential: Option<DefaultBody>,
    /// When it was created.
    created_at: Moment,
    /// When it was last changed.
    updated_at: Moment,
    /// How far its last change for gateways has come: where it is shown alone and a gateway knows it, and of a change with
    /// `Prefer: wait=N`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) propagation: Option<PropagationBody>,
}

impl From<Application> for ApplicationBody {
    fn from(application: Application) -> Self {
        Self {
            id: application.id.to_string(),
            name: application.name,
            owner: application.owner.map(|owner| owner.to_string()),
            custom_id: application.custom_id,
            description: application.description,
            labels: application.labels.as_map().clone(),
            scopes: application.scopes.iter().map(ToOwned::to_owned).collect(),
            gateway_groups: match application.reach {
                Reach::Automatic => None,
                Reach::Listed(names) => Some(names.into_iter().collect()),
            },
            enabled: application.enabled,
            default_key: application.default_key.into(),
            default_credential: application
                .default_credential
                .map(|id| DefaultBody::Id(id.to_string())),
            created_at: application.created_at.into(),
            updated_at: application.updated_at.into(),
            propagation: None,
        }
    }
}

/// An application's default credential.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = DefaultCredential)]
pub(super) enum DefaultBody {
    /// Its id.
    Id(String),
    /// The credential with its secret, shown this once.
    Made(Box<IssuedBody>),
}

impl From<Created> for ApplicationBody {
    fn from(created: Created) -> Self {
        let mut body = Self::from(created.application);
        if let Some(issued) = created.default_credential {
            body.default_credential = Some(DefaultBody::Made(Box::new(issued.into())));
        }
        body
    }
}
