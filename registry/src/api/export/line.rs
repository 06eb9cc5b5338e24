//! A credential on a line.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{credentials::body::TypeWord, time::Moment},
    export::Exported,
};

/// A credential without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportedCredential)]
pub(super) struct ExportedBody {
    /// The name of its application.
    pub(super) application: String,
    /// Unique within the application.
    pub(super) name: String,
    /// How it is presented.
    #[serde(rename = "type")]
    pub(super) kind: TypeWord,
    /// The user name, for HTTP Basic.
    pub(super) username: Option<String>,
    /// The upstream sees it as `X-Credential-Identifier`.
    pub(super) identifier: String,
    /// For people.
    pub(super) description: String,
    /// For people.
    pub(super) labels: BTreeMap<String, String>,
    /// What it may be used for.
    pub(super) scopes: Vec<String>,
    /// Whether it is honoured.
    pub(super) enabled: bool,
    /// From when it is honoured.
    pub(super) not_before: Option<Moment>,
    /// Until when it is honoured.
    pub(super) expires_at: Option<Moment>,
    /// Its id.
    pub(super) id: String,
    /// When it was created.
    pub(super) created_at: Moment,
    /// When it was last changed.
    pub(super) updated_at: Moment,
    /// When its secret was made.
    pub(super) rotated_at: Moment,
    /// When a gateway last admitted it, as far as gateways have reported.
    pub(super) last_used_at: Option<Moment>,
}

impl From<Exported> for ExportedBody {
    fn from(exported: Exported) -> Self {
        let credential = exported.credential;
        Self {
            application: exported.application,
            name: credential.name,
            kind: credential.kind.into(),
            username: credential.username,
            identifier: credential.identifier,
            description: credential.description,
            labels: credential.labels.as_map().clone(),
            scopes: credential.scopes.iter().map(ToOwned::to_owned).collect(),
            enabled: credential.enabled,
            not_before: credential.not_before.map(Moment),
            expires_at: credential.expires_at.map(Moment),
            id: credential.id.to_string(),
            created_at: credential.created_at.into(),
            updated_at: credential.updated_at.into(),
            rotated_at: credential.rotated_at.into(),
            last_used_at: credential.last_used_at.map(Moment),
        }
    }
}

/// One object a line.
pub(super) fn write(bodies: impl Iterator<Item = ExportedBody>) -> Vec<u8> {
    let mut text = Vec::new();
    for body in bodies {
        // What is written to memory and has only texts as keys cannot fail.
        if serde_json::to_writer(&mut text, &body).is_ok() {
            text.push(b'\n');
        }
    }
    text
}
