//! Secrets that are shown again, as this surface writes them.

use serde::Serialize;
use utoipa::ToSchema;

use super::{body::expose, secret::SecretBody};
use crate::{credential::Revealed, secrets::SecretText};

/// The living secrets of a credential, shown again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevealedSecrets)]
pub(super) struct RevealedBody {
    /// The current ones first, then those retiring.
    secrets: Vec<RevealedSecret>,
}

/// A secret with its text.
#[derive(Debug, Serialize, ToSchema)]
struct RevealedSecret {
    /// Which secret it is.
    #[serde(flatten)]
    secret: SecretBody,
    /// The user name that belongs to it, for HTTP Basic.
    username: Option<String>,
    /// The secret; null where it was made while `allow_retrievable_secrets` was false.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = Option<String>)]
    value: Option<SecretText>,
}

impl From<Vec<Revealed>> for RevealedBody {
    fn from(revealed: Vec<Revealed>) -> Self {
        let secrets = revealed.into_iter().map(|one| RevealedSecret {
            secret: one.summary.into(),
            username: one.username,
            value: one.text,
        });
        Self {
            secrets: secrets.collect(),
        }
    }
}
