//! Credentials as this surface writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use super::{
    client::ClientBody,
    secret::{SecretBody, secrets},
    usage::{GraceBody, UsageBody},
};
use crate::{
    api::{deployments::DeploymentBody, propagation::PropagationBody, time::Moment},
    credential::{
        CredentialDetail, CredentialType, Deploy, Issued, RotationState, Schedule, SecretSummary,
        SecretType,
    },
    deployment::Whereabouts,
    oauth_client::OauthClient,
    secret::Part,
    secrets::SecretText,
};

/// How a credential is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CredentialType)]
pub(in crate::api) enum TypeWord {
    /// In a header, a query parameter or a cookie; also as a bearer token where the gateway accepts that.
    ApiKey,
    /// As HTTP Basic.
    Basic,
    /// As `Authorization: Bearer`.
    BearerToken,
    /// As an access token that an identity provider gave to a client that is registered there.
    OauthClient,
}

impl From<CredentialType> for TypeWord {
    fn from(kind: CredentialType) -> Self {
        match kind {
            CredentialType::ApiKey => Self::ApiKey,
            CredentialType::Basic => Self::Basic,
            CredentialType::BearerToken => Self::BearerToken,
            CredentialType::OauthClient => Self::OauthClient,
        }
    }
}

/// Whether secrets can be shown again.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SecretType)]
pub(super) enum SecretTypeWord {
    /// They are shown once.
    #[default]
    Hashed,
    /// They are kept sealed, and can be revealed.
    Retrievable,
}

impl From<SecretTypeWord> for SecretType {
    fn from(word: SecretTypeWord) -> Self {
        match word {
            SecretTypeWord::Hashed => Self::Hashed,
            SecretTypeWord::Retrievable => Self::Retrievable,
        }
    }
}

impl From<SecretType> for SecretTypeWord {
    fn from(kind: SecretType) -> Self {
        match kind {
            SecretType::Hashed => Self::Hashed,
            SecretType::Retrievable => Self::Retrievable,
        }
    }
}

/// Which secret of a credential: most have but one part.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SecretPart)]
pub(super) enum PartWord {
    /// The key, the token or the password.
    #[default]
    Value,
    /// The secret that is presented together with a key.
    Shared,
}

impl From<PartWord> for Part {
    fn from(word: PartWord) -> Self {
        match word {
            PartWord::Value => Self::Value,
            PartWord::Shared => Self::Shared,
        }
    }
}

impl From<Part> for PartWord {
    fn from(part: Part) -> Self {
        match part {
            Part::Value => Self::Value,
            Part::Shared => Self::Shared,
        }
    }
}

/// A credential. Its secret is shown once, when it is made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Credential)]
pub(in crate::api) struct CredentialBody {
    /// Its id, which stays when its secret is rotated.
    #[schema(example = "cred_01kag3p5k8e4trsn0ps4fwt5ea")]
    pub(super) id: String,
    /// The id of its application.
    application: String,
    /// How it is presented.
    #[serde(rename = "type")]
    kind: TypeWord,
    /// Unique within the application.
    name: String,
    /// The upstream sees it as `X-Credential-Identifier`. Unique within the application, by default the id.
    identifier: String,
    /// The user name, for HTTP Basic. Unique in the installation.
    username: Option<String>,
    /// For people.
    description: String,
    /// For people.
    labels: BTreeMap<String, String>,
    /// Whether it is honoured.
    enabled: bool,
    /// From when it is honoured.
    not_before: Option<Moment>,
    /// Until when it is honoured.
    expires_at: Option<Moment>,
    /// What it may be used for, in order.
    scopes: Vec<String>,
    /// Whether a shared secret belongs to it, without which its key is of no use.
    shared_secret: bool,
    /// Whether its secrets can be shown again.
    secret_type: SecretTypeWord,
    /// Where it is deployed, unless something else was said of a gateway group.
    deploy: DeployWord,
    /// Its living secrets: the current one first, then those that work until their grace period ends.
    secrets: Vec<SecretBody>,
    /// The client that is the credential's current secret; null for other types.
    client: Option<ClientBody>,
    /// Of an OAuth client: its access tokens must have been issued at or after this moment; null for any time.
    tokens_valid_from: Option<Moment>,
    /// Seconds after which it wants a new secret; null for what is configured.
    rotate_every: Option<u64>,
    /// Its next rotation.
    rotation: RotationBody,
    /// When it was last used, allowed or forbidden (403), as far as gateways have reported; null if it never was.
    last_used_at: Option<Moment>,
    /// What it was used for in all, as far as gateways have reported.
    usage: UsageBody,
    /// While an older secret still works: whether the new one has taken over.
    grace: Option<GraceBody>,
    /// When it was created.
    created_at: Moment,
    /// When it was last changed.
    updated_at: Moment,
    /// Where it is, was, or is to be honoured; only where it is shown alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    deployments: Option<Vec<DeploymentBody>>,
    /// How far its last change for gateways has come: where it is shown alone and a gateway was ever told of it, and of a change
    /// with `Prefer: wait=N`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    propagation: Option<PropagationBody>,
}

/// Where a credential is deployed, unless something else was said of a gateway group.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CredentialDeploy)]
enum DeployWord {
    /// In every automatic group that its application may use, also those created later.
    Automatic,
    /// Nowhere else.
    Chosen,
}

impl CredentialBody {
    /// With where it is by now.
    pub(super) fn at(mut self, whereabouts: Whereabouts) -> Self {
        let deployments = whereabouts.deployments.into_iter();
        self.deployments = Some(deployments.map(DeploymentBody::from).collect());
        self.propagation = whereabouts.propagation.map(PropagationBody::from);
        self
    }
}

/// A credential's next rotation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RotationSchedule)]
pub(super) struct RotationBody {
    /// Seconds after which a new secret is due: the credential's `rotate_every`, or what is configured.
    every: Option<u64>,
    /// When that is.
    due_at: Option<Moment>,
    /// How it stands.
    state: RotationWord,
}

/// How a credential's next rotation stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RotationState)]
pub(super) enum RotationWord {
    /// None is wanted, or the credential has expired.
    None,
    /// There is time.
    Fresh,
    /// It comes within the time of warning.
    DueSoon,
    /// It is time, until somebody rotates.
    Due,
}

impl From<Schedule> for RotationBody {
    fn from(schedule: Schedule) -> Self {
        Self {
            every: schedule.every.map(|every| every.as_secs()),
            due_at: schedule.due_at.map(Moment),
            state: match schedule.state {
                RotationState::None => RotationWord::None,
                RotationState::Fresh => RotationWord::Fresh,
                RotationState::DueSoon => RotationWord::DueSoon,
                RotationState::Due => RotationWord::Due,
            },
        }
    }
}

/// A credential with its new secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IssuedCredential)]
pub(in crate::api) struct IssuedBody {
    /// The credential.
    #[serde(flatten)]
    credential: CredentialBody,
    /// The secret, shown this once; null for a password that the caller chose, and for an OAuth client that has none.
    secret: Option<IssuedSecret>,
}

/// A new secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IssuedSecret {
    /// The API key, the bearer token, the password or the OAuth client's secret; absent where only the shared secret is new.
    #[serde(serialize_with = "expose", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    value: Option<SecretText>,
    /// The secret that is presented together with the key, where a new one was made.
    #[serde(serialize_with = "expose", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    shared_secret: Option<SecretText>,
}

/// The one place where a secret is written: into the answer that makes it, or that shows it again.
#[expect(clippy::ref_option, reason = "the shape in which serde calls it")]
pub(super) fn expose<S: Serializer>(
    secret: &Option<SecretText>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_str(secret.expose()),
        None => serializer.serialize_none(),
    }
}

impl From<CredentialDetail> for CredentialBody {
    fn from(detail: CredentialDetail) -> Self {
        let credential = detail.credential;
        Self {
            id: credential.id.to_string(),
            application: credential.application.to_string(),
            kind: credential.kind.into(),
            name: credential.name,
            identifier: credential.identifier,
            username: credential.username,
            description: credential.description,
            labels: credential.labels.as_map().clone(),
            enabled: credential.enabled,
            not_before: credential.not_before.map(Moment),
            expires_at: credential.expires_at.map(Moment),
            scopes: credential.scopes.iter().map(ToOwned::to_owned).collect(),
            shared_secret: credential.is_paired,
            secret_type: credential.secret_type.into(),
            deploy: match credential.deploy {
                Deploy::Automatic => DeployWord::Automatic,
                Deploy::Chosen => DeployWord::Chosen,
            },
            client: current_client(&detail.secrets, &detail.clients),
            tokens_valid_from: credential.tokens_valid_from.map(Moment),
            secrets: secrets(detail.secrets, &detail.clients),
            rotate_every: credential.rotate_every.map(|every| every.as_secs()),
            rotation: detail.schedule.into(),
            last_used_at: credential.last_used_at.map(Moment),
            usage: detail.usage.into(),
            grace: detail.grace.map(GraceBody::from),
            created_at: credential.created_at.into(),
            updated_at: credential.updated_at.into(),
            deployments: None,
            propagation: None,
        }
    }
}

fn current_client(secrets: &[SecretSummary], clients: &[OauthClient]) -> Option<ClientBody> {
    let current = secrets.iter().find(|one| one.retiring_until.is_none())?;
    let client = clients.iter().find(|one| one.secret == current.id)?;
    Some(client.into())
}

impl From<Issued> for IssuedBody {
    fn from(issued: Issued) -> Self {
        Self {
            credential: issued.detail.into(),
            secret: (issued.secret.is_some() || issued.shared_secret.is_some()).then_some(
                IssuedSecret {
                    value: issued.secret,
                    shared_secret: issued.shared_secret,
                },
            ),
        }
    }
}
