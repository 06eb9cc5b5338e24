//! Applications as this surface writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{labels, patch, time::Moment},
    application::{Application, ApplicationPatch, NewApplication, Reach},
    edit::Edit,
};

/// An application to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewApplication)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplicationRequest {
    /// Unique; the upstream sees it as `X-Consumer-Username`.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,256}$", example = "billing")]
    name: String,
    /// The upstream sees it as `X-Consumer-Custom-ID`. 1 to 256 visible ASCII characters.
    custom_id: Option<String>,
    /// For people; at most 1024 characters.
    #[serde(default)]
    description: String,
    /// For people; at most 64.
    #[serde(default, deserialize_with = "labels::once")]
    labels: BTreeMap<String, String>,
    /// The scopes that its credentials may carry.
    #[serde(default)]
    scopes: Vec<String>,
    /// The names of the gateway groups in which its credentials work; null for every automatic one.
    gateway_groups: Option<Vec<String>>,
    /// Whether its credentials are honoured.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
}

const fn yes() -> bool {
    true
}

impl From<ApplicationRequest> for NewApplication {
    fn from(request: ApplicationRequest) -> Self {
        Self {
            name: request.name,
            custom_id: request.custom_id,
            description: request.description,
            labels: request.labels,
            scopes: request.scopes,
            gateway_groups: request.gateway_groups,
            enabled: request.enabled,
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
    /// The next custom id; null removes it.
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
    /// All gateway groups; null for every automatic one.
    #[serde(default, deserialize_with = "patch::edit")]
    #[schema(value_type = Option<Vec<String>>)]
    gateway_groups: Edit<Option<Vec<String>>>,
    /// Whether its credentials are honoured.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
}

impl From<ApplicationChange> for ApplicationPatch {
    fn from(change: ApplicationChange) -> Self {
        Self {
            name: change.name,
            custom_id: change.custom_id,
            description: change.description,
            labels: change.labels,
            scopes: change.scopes,
            gateway_groups: change.gateway_groups,
            enabled: change.enabled,
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
    /// The upstream sees it as `X-Consumer-Custom-ID`.
    custom_id: Option<String>,
    /// For people.
    description: String,
    /// For people.
    labels: BTreeMap<String, String>,
    /// The scopes that its credentials may carry, in order.
    scopes: Vec<String>,
    /// The names of the gateway groups in which its credentials work; null for every automatic one.
    gateway_groups: Option<Vec<String>>,
    /// Whether its credentials are honoured.
    enabled: bool,
    /// When it was created.
    created_at: Moment,
    /// When it was last changed.
    updated_at: Moment,
}

impl From<Application> for ApplicationBody {
    fn from(application: Application) -> Self {
        Self {
            id: application.id.to_string(),
            name: application.name,
            custom_id: application.custom_id,
            description: application.description,
            labels: application.labels.as_map().clone(),
            scopes: application.scopes.iter().map(ToOwned::to_owned).collect(),
            gateway_groups: match application.reach {
                Reach::Automatic => None,
                Reach::Listed(names) => Some(names.into_iter().collect()),
            },
            enabled: application.enabled,
            created_at: application.created_at.into(),
            updated_at: application.updated_at.into(),
        }
    }
}
