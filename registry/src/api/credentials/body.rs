//! Credentials as this surface writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use crate::{
    api::time::Moment,
    credential::{CredentialDetail, CredentialType, Issued, SecretSummary},
    secret::Origin,
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
}

impl From<CredentialType> for TypeWord {
    fn from(kind: CredentialType) -> Self {
        match kind {
            CredentialType::ApiKey => Self::ApiKey,
            CredentialType::Basic => Self::Basic,
            CredentialType::BearerToken => Self::BearerToken,
        }
    }
}

/// A credential. Its secret is shown once, when it is made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Credential)]
pub(super) struct CredentialBody {
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
    /// Its living secrets: the current one first, then the one that works until its grace period ends.
    secrets: Vec<SecretBody>,
    /// When it was created.
    created_at: Moment,
    /// When it was last changed.
    updated_at: Moment,
}

/// What can be shown of a secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Secret)]
pub(super) struct SecretBody {
    /// Which of the credential's secrets it is, counting from 1.
    version: u32,
    /// Whether it is the credential's secret or the one before.
    state: StateWord,
    /// Until when a retiring secret works.
    until: Option<Moment>,
    /// Where it came from.
    origin: OriginWord,
    /// Brand and type of a generated secret; empty for others.
    #[schema(example = "ks_ak_")]
    prefix: String,
    /// The last four characters; empty for chosen passwords and short values.
    last_four: String,
    /// When it was made.
    created_at: Moment,
}

/// Whether a secret is the credential's or the one before.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SecretState)]
pub(super) enum StateWord {
    /// It is the credential's secret.
    Current,
    /// It works until its grace period ends.
    Retiring,
}

/// Where a secret came from.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SecretOrigin)]
pub(super) enum OriginWord {
    /// The registry made it.
    Generated,
    /// The caller's own API key.
    Own,
    /// A password that a person chose.
    Chosen,
}

/// A credential with its new secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IssuedCredential)]
pub(super) struct IssuedBody {
    /// The credential.
    #[serde(flatten)]
    pub(super) credential: CredentialBody,
    /// The secret, shown this once; null for a password that the caller chose.
    secret: Option<IssuedSecret>,
}

/// A new secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IssuedSecret {
    /// The API key, the bearer token or the password.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    value: SecretText,
}

/// The one place where a secret is written: into the answer that makes it.
fn expose<S: Serializer>(secret: &SecretText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
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
            secrets: detail.secrets.into_iter().map(SecretBody::from).collect(),
            created_at: credential.created_at.into(),
            updated_at: credential.updated_at.into(),
        }
    }
}

impl From<SecretSummary> for SecretBody {
    fn from(secret: SecretSummary) -> Self {
        Self {
            version: secret.version,
            state: match secret.retiring_until {
                None => StateWord::Current,
                Some(_) => StateWord::Retiring,
            },
            until: secret.retiring_until.map(Moment),
            origin: match secret.origin {
                Origin::Generated => OriginWord::Generated,
                Origin::Own => OriginWord::Own,
                Origin::Chosen => OriginWord::Chosen,
            },
            prefix: secret.display.prefix,
            last_four: secret.display.last_four,
            created_at: secret.created_at.into(),
        }
    }
}

impl From<Issued> for IssuedBody {
    fn from(issued: Issued) -> Self {
        Self {
            credential: issued.detail.into(),
            secret: issued.secret.map(|value| IssuedSecret { value }),
        }
    }
}
