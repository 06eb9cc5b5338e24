//! What is shown of a credential's secrets.

use serde::Serialize;
use utoipa::ToSchema;

use super::body::PartWord;
use crate::{
    api::time::Moment, credential::SecretSummary, oauth_client::OauthClient, secret::Origin,
};

/// What can be shown of a secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Secret)]
pub(super) struct SecretBody {
    /// Which of the credential's secrets it is, counting from 1, both parts of a pair together.
    version: u32,
    /// Which part of a pair it is.
    part: PartWord,
    /// Whether it is the credential's secret or the one before.
    state: StateWord,
    /// Until when a retiring secret works.
    until: Option<Moment>,
    /// Seconds without use after which a retiring secret ends by itself.
    end_after_silence: Option<u64>,
    /// Where it came from.
    origin: OriginWord,
    /// Brand and type of a generated secret; empty for others.
    #[schema(example = "ks_ak_")]
    prefix: String,
    /// The last four characters; empty for chosen passwords and short values.
    last_four: String,
    /// Of an OAuth client: its name at its identity provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_id: Option<String>,
    /// Since when it is known to be in the wrong hands.
    leaked_at: Option<Moment>,
    /// How often it was used, allowed or forbidden, as far as gateways have reported.
    used: u64,
    /// When it was last used.
    last_used_at: Option<Moment>,
    /// When it was made.
    created_at: Moment,
}

/// Whether a secret is the credential's or the one before.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SecretState)]
enum StateWord {
    /// It is the credential's secret.
    Current,
    /// It works until its grace period ends.
    Retiring,
}

/// Where a secret came from.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SecretOrigin)]
enum OriginWord {
    /// The registry made it.
    Generated,
    /// The caller's own API key.
    Own,
    /// A password that a person chose.
    Chosen,
    /// An identity provider, where it names a client.
    Registered,
}

/// Each with the name of the client that it is.
pub(super) fn secrets(secrets: Vec<SecretSummary>, clients: &[OauthClient]) -> Vec<SecretBody> {
    let client_id = |secret: &SecretSummary| {
        let client = clients.iter().find(|one| one.secret == secret.id)?;
        Some(client.client_id.clone())
    };
    let secrets = secrets.into_iter().map(|secret| SecretBody {
        client_id: client_id(&secret),
        ..SecretBody::from(secret)
    });
    secrets.collect()
}

impl From<SecretSummary> for SecretBody {
    fn from(secret: SecretSummary) -> Self {
        Self {
            version: secret.version,
            part: secret.part.into(),
            state: match secret.retiring_until {
                None => StateWord::Current,
                Some(_) => StateWord::Retiring,
            },
            until: secret.retiring_until.map(Moment),
            end_after_silence: secret.end_after_silence.map(|silence| silence.as_secs()),
            origin: match secret.origin {
                Origin::Generated => OriginWord::Generated,
                Origin::Own => OriginWord::Own,
                Origin::Chosen => OriginWord::Chosen,
                Origin::Registered => OriginWord::Registered,
            },
            used: secret.uses.count,
            last_used_at: secret.uses.last.map(Moment),
            prefix: secret.display.prefix,
            last_four: secret.display.last_four,
            client_id: None,
            leaked_at: secret.leaked_at.map(Moment),
            created_at: secret.created_at.into(),
        }
    }
}
