//! Credentials: the ways in which applications prove who they are.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    caller::Caller,
    clock::Timestamp,
    edit::Edit,
    environment::Environment,
    error::{Error, Kind},
    ids::{ApplicationId, CredentialId, OrganizationId},
    label::Labels,
    scope::Scopes,
    secret::{Display, Origin, Part, Secret, SecretState},
    secrets::SecretText,
    store::ReadTransaction,
    usage::{Grace, SecretUse, UsageTotals},
};

mod again;
mod announce;
mod create;
mod delete;
mod finish;
mod impact;
mod import;
mod issue;
mod retire;
mod reveal;
mod rotate;
mod schedule;
mod search;
mod shown;
mod update;
mod value;
mod verify;
mod versions;

#[cfg(test)]
mod tests;

pub(crate) use again::{delete_again, revoke_again};
pub(crate) use create::Draft;
pub(crate) use delete::end;
pub(crate) use issue::end_retired;
pub(crate) use rotate::Prepared as PreparedRotation;
pub(crate) use update::change;
pub(crate) use versions::version_of_record;

pub use announce::{
    RotationCounts, RotationNote, announce_rotations, count_rotations, reconsider_rotations,
};
pub use create::create;
pub use delete::{Deployed, delete};
pub use finish::{cancel_rotation, finish_rotation};
pub use impact::{GroupImpact, Impact, ImpactAction, Unknown, impact};
pub use import::{Import, Imported, ImportedPassword, ImportedSecret, ImportedValue, import};
pub use reveal::{Revealed, reveal};
pub use rotate::rotate;
pub use schedule::{RotationPolicy, RotationState, Schedule};
pub use search::{
    CredentialFilter, CredentialSearch, CredentialStatus, Found, LabelFilter, Order, OrderBy,
    OrderKey, PlaceInOrder, RotationFilter, search,
};
pub use update::update;
pub use verify::{Candidate, Verdict, candidates, verify};
pub use versions::{VersionPlace, secrets_of_version};

/// One way in which an application proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its id, which stays when its secret is rotated.
    pub id: CredentialId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Which application proves itself with it.
    pub application: ApplicationId,
    /// How it is presented.
    pub kind: CredentialType,
    /// Unique within the application.
    pub name: String,
    /// What the upstream sees as `X-Credential-Identifier`: unique within the application, by default the id.
    pub identifier: String,
    /// The current user name, for HTTP Basic. Unique in the installation.
    pub username: Option<String>,
    /// For people.
    pub description: String,
    /// For people.
    pub labels: Labels,
    /// Whether it is honoured.
    pub enabled: bool,
    /// From when it is honoured.
    pub not_before: Option<Timestamp>,
    /// Until when it is honoured.
    pub expires_at: Option<Timestamp>,
    /// A subset of the application's.
    pub scopes: Scopes,
    /// Where it is deployed, unless an exception is made for a group.
    pub deploy: Deploy,
    /// Whether a shared secret belongs to it, which must be presented together with its key. API keys only.
    pub is_paired: bool,
    /// Whether its secrets can be shown again.
    pub secret_type: SecretType,
    /// The version that was last given to one of its secrets, whichever part of a pair that is.
    pub secret_version: u32,
    /// After what time a new secret is due; `None` for what is configured.
    pub rotate_every: Option<Duration>,
    /// When the value was made that it has.
    pub rotated_at: Timestamp,
    /// When it was last used, allowed or forbidden (403), as far as gateways have reported. Never written with the rest.
    pub last_used_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Rises with each change.
    pub version: u64,
}

/// Where a credential is deployed, unless an exception is made for a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deploy {
    /// In every automatic group that its application may use, also those made later.
    #[default]
    Automatic,
    /// Only where it is deployed explicitly.
    Chosen,
}

/// Whether a credential's secrets can be shown again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretType {
    /// They are shown once; what is kept recognises them and no more.
    #[default]
    Hashed,
    /// They are kept sealed as well, and can be revealed.
    Retrievable,
}

/// How a credential is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialType {
    /// As an API key.
    ApiKey,
    /// As HTTP Basic.
    Basic,
    /// As a bearer token.
    BearerToken,
}

/// What [`create()`] needs to know.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// Whose credential it will be.
    pub application: ApplicationId,
    /// 1 to 256 visible ASCII characters.
    pub name: String,
    /// 1 to 64 of letters, digits and `._-`; by default the id.
    pub identifier: Option<String>,
    /// At most 1024 characters.
    pub description: String,
    /// At most 64.
    pub labels: BTreeMap<String, String>,
    /// Whether it is honoured.
    pub enabled: bool,
    /// From when it is honoured.
    pub not_before: Option<Timestamp>,
    /// Until when it is honoured; in the future. A bearer token must have it.
    pub expires_at: Option<Timestamp>,
    /// Some of the application's; none unless they are named.
    pub scopes: Vec<String>,
    /// The names of the gateway groups to which it is deployed; `None` for every automatic one that its application may use.
    pub gateway_groups: Option<Vec<String>>,
    /// After what time a new secret is due; `None` for what is configured.
    pub rotate_every: Option<Duration>,
    /// Whether its secrets can be shown again.
    pub secret_type: SecretType,
    /// Whether a shared secret is made as well, without which the key is of no use. API keys only.
    pub is_paired: bool,
    /// Its type, and where its secret comes from.
    pub secret: NewSecret,
}

/// A new credential's type, and where its secret comes from.
#[derive(Clone, Debug)]
pub enum NewSecret {
    /// An API key made by the registry.
    GeneratedApiKey,
    /// The caller's own API key.
    OwnApiKey(SecretText),
    /// HTTP Basic with a password made by the registry.
    GeneratedPassword {
        /// Unique in the installation.
        username: String,
    },
    /// HTTP Basic with a password that somebody chose.
    ChosenPassword {
        /// Unique in the installation.
        username: String,
        /// The password.
        password: SecretText,
    },
    /// A bearer token made by the registry.
    BearerToken,
}

/// What [`rotate()`] needs to know.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Which part of a pair gets a new secret; the other stays.
    pub part: Part,
    /// For how long the secret that was current still works; zero ends it, and every retiring one, at once.
    pub grace: Duration,
    /// For how long nobody must have used the retiring secret before it may end by itself: at least a day, and less than
    /// the grace period.
    pub end_after_silence: Option<Duration>,
    /// Where the new secret comes from.
    pub secret: RotatedSecret,
}

/// Where a credential's next secret comes from.
#[derive(Clone, Debug)]
pub enum RotatedSecret {
    /// The registry makes it.
    Generated {
        /// The next user name, for HTTP Basic only.
        username: Option<String>,
    },
    /// The caller's own, for API keys only.
    Own(SecretText),
    /// A password that somebody chose, for HTTP Basic only.
    Chosen {
        /// The next user name.
        username: Option<String>,
        /// The password.
        password: SecretText,
    },
}

/// What [`update()`] changes. The identifier never changes, the user name only with the secret, by [`rotate()`].
#[derive(Clone, Debug, Default)]
pub struct CredentialPatch {
    /// The next name.
    pub name: Option<String>,
    /// The next description.
    pub description: Option<String>,
    /// All labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether it is honoured.
    pub enabled: Option<bool>,
    /// From when it is honoured.
    pub not_before: Edit<Option<Timestamp>>,
    /// Until when it is honoured; in the future. A bearer token keeps an end.
    pub expires_at: Edit<Option<Timestamp>>,
    /// All scopes.
    pub scopes: Option<Vec<String>>,
    /// After what time a new secret is due; `None` for what is configured.
    pub rotate_every: Edit<Option<Duration>>,
}

/// Which of an application's credentials to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct CredentialQuery {
    /// Those created after this one.
    pub after: Option<CredentialId>,
    /// At most this many.
    pub limit: usize,
}

/// A credential and what may be shown of its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialDetail {
    /// The credential.
    pub credential: Credential,
    /// Its living secrets: the current ones first, then those retiring.
    pub secrets: Vec<SecretSummary>,
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

/// A credential with its new secret, which is shown this once.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The credential.
    pub detail: CredentialDetail,
    /// The secret; `None` for a password that the caller chose, and where only the shared secret is new.
    pub secret: Option<SecretText>,
    /// The shared secret, where a new one was made.
    pub shared_secret: Option<SecretText>,
}

/// Reads one credential.
pub async fn get(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
) -> Result<CredentialDetail, Error> {
    let mut read = env.store.read().await?;
    let credential = find(read.as_mut(), caller, id).await?;
    detail(env, read.as_mut(), credential, env.now()).await
}

/// The credential, unless the caller does not see its application, which is as if it did not exist. Every use case finds
/// credentials by this, in its own transaction.
pub(crate) async fn find(
    read: &mut dyn ReadTransaction,
    caller: Caller,
    id: CredentialId,
) -> Result<Credential, Error> {
    let unknown = || Error::NotFound(Kind::Credential);
    let found = read.credential(id).await?;
    let found = found.filter(|credential| credential.organization == caller.organization);
    let credential = found.ok_or_else(unknown)?;
    // Who sees every owner's needs no look at the application.
    if caller.owner().is_some() {
        let application = read.application(credential.application).await?;
        application
            .filter(|application| caller.sees(application))
            .ok_or_else(unknown)?;
    }
    Ok(credential)
}

async fn detail(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    credential: Credential,
    now: Timestamp,
) -> Result<CredentialDetail, Error> {
    let secrets = read.unrevoked_secrets(credential.id).await?;
    let counts = read.usage(&[credential.id]).await?;
    Ok(CredentialDetail::new(env, credential, &secrets, now).with_usage(&counts, now))
}

impl CredentialDetail {
    /// Shows the living ones of `secrets`.
    #[must_use]
    fn new(env: &Environment, credential: Credential, secrets: &[Secret], now: Timestamp) -> Self {
        let living = Self::living(secrets, now).into_iter();
        let secrets = living.filter_map(SecretSummary::of).collect();
        Self {
            schedule: env.rotation.schedule(&credential, now),
            credential,
            secrets,
            usage: UsageTotals::default(),
            grace: None,
        }
    }

    /// Those that work, in the order in which they are shown.
    fn living(secrets: &[Secret], now: Timestamp) -> Vec<&Secret> {
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
    fn of(secret: &Secret) -> Option<Self> {
        let retiring_until = match secret.state {
            SecretState::Current => None,
            SecretState::Retiring { until } => Some(until),
            SecretState::Revoked { .. } => return None,
        };
        Some(Self {
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
