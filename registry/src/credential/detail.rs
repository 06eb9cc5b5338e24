//! What is shown of a credential.

use std::time::Duration;

use super::{Credential, Schedule};
use crate::{
    clock::Timestamp,
    environment::Environment,
    ids::SecretId,
    oauth_client::OauthClient,
    secret::{Display, Origin, Part, Secret, SecretState},
    usage::{Grace, SecretUse, UsageTotals},
};

/// A credential and what may be shown of its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialDetail {
    /// The credential.
    pub credential: Credential,
    /// Its living secrets: the current ones first, then those retiring.
    pub secrets: Vec<SecretSummary>,
    /// Of an OAuth client: what each of its secrets is, or was, at its identity provider.
    pub clients: Vec<OauthClient>,
    /// Its next rotation.
    pub schedule: Schedule,
    /// What it was used for.
    pub usage: UsageTotals,
    /// Whether its new secret has taken over, while an older one still works.
    pub grace: Option<Grace>,
}

/// What may be shown of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSummary {
    /// Its id.
    pub id: SecretId,
    /// Which of the credential's secrets it is.
    pub version: u32,
    /// Which part of a pair it is.
    pub part: Part,
    /// Until when it works, if it was the credential's secret and is not any more.
    pub retiring_until: Option<Timestamp>,
    /// For how long nobody must have used it before it may end by itself, if it is retiring.
    pub end_after_silence: Option<Duration>,
    /// Where it came from.
    pub origin: Origin,
    /// Its beginning and its end.
    pub display: Display,
    /// Since when it is known to be in the wrong hands.
    pub leaked_at: Option<Timestamp>,
    /// How often it was used.
    pub uses: SecretUse,
    /// When it was made.
    pub created_at: Timestamp,
}

impl CredentialDetail {
    /// Shows the living ones of `secrets`.
    #[must_use]
    pub(super) fn new(
        env: &Environment,
        credential: Credential,
        secrets: &[Secret],
        now: Timestamp,
    ) -> Self {
        let living = Self::living(secrets, now).into_iter();
        let secrets = living.filter_map(SecretSummary::of).collect();
        Self {
            schedule: env.rotation.schedule(&credential, now),
            credential,
            secrets,
            clients: Vec::new(),
            usage: UsageTotals::default(),
            grace: None,
        }
    }

    /// Those that work, in the order in which they are shown.
    pub(super) fn living(secrets: &[Secret], now: Timestamp) -> Vec<&Secret> {
        let living = secrets.iter().filter(|secret| secret.is_living(now));
        let mut living: Vec<&Secret> = living.collect();
        living.sort_by_key(|secret| {
            let newest_first = std::cmp::Reverse(secret.version);
            (secret.is_retiring(now), secret.part, newest_first)
        });
        living
    }
}

impl SecretSummary {
    /// Nothing is shown of a secret that was revoked.
    pub(super) fn of(secret: &Secret) -> Option<Self> {
        let retiring_until = match secret.state {
            SecretState::Current => None,
            SecretState::Retiring { until } => Some(until),
            SecretState::Revoked { .. } => return None,
        };
        Some(Self {
            id: secret.id,
            version: secret.version,
            part: secret.part,
            uses: SecretUse::default(),
            retiring_until,
            end_after_silence: secret.end_after_silence,
            origin: secret.origin,
            display: secret.display.clone(),
            leaked_at: secret.leaked_at,
            created_at: secret.created_at,
        })
    }
}
