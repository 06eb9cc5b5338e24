//! Credentials: the ways in which applications prove who they are.

use std::time::Duration;

use crate::{
    caller::Caller,
    clock::Timestamp,
    environment::Environment,
    error::{Error, Kind},
    ids::{ApplicationId, CredentialId, OrganizationId},
    label::Labels,
    scope::Scopes,
    secrets::SecretText,
    store::ReadTransaction,
};

mod again;
mod announce;
mod create;
mod delete;
mod detail;
mod finish;
mod impact;
mod import;
mod issue;
mod lifetime;
mod request;
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

pub(crate) use again::{cut_off_again, delete_again, revoke_again, switch_again, turn_again};
pub(crate) use create::{Draft, Plan};
pub(crate) use delete::end;
pub(crate) use issue::{end_retired, registered};
pub(crate) use lifetime::latest as latest_end;
pub(crate) use rotate::{Prepared as PreparedRotation, check_version, find_to_rotate};
pub(crate) use update::change;
pub(crate) use versions::version_of_record;

pub use announce::{
    RotationCounts, RotationNote, announce_rotations, count_rotations, reconsider_rotations,
};
pub use create::create;
pub use delete::{Deployed, delete};
pub use detail::{CredentialDetail, SecretSummary};
pub use finish::{cancel_rotation, finish_rotation};
pub use impact::{GroupImpact, Impact, ImpactAction, Unknown, impact};
pub use import::{Import, Imported, ImportedPassword, ImportedSecret, ImportedValue, import};
pub use request::{CredentialPatch, NewCredential, NewSecret, RotatedSecret, Rotation};
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
    /// Of an OAuth client: its access tokens must have been issued at or after this moment; `None` for any time.
    pub tokens_valid_from: Option<Timestamp>,
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
    /// As an access token that an identity provider gave to a client that is registered there.
    OauthClient,
}

/// Which of an application's credentials to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct CredentialQuery {
    /// Those created after this one.
    pub after: Option<CredentialId>,
    /// At most this many.
    pub limit: usize,
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

pub(crate) async fn detail(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    credential: Credential,
    now: Timestamp,
) -> Result<CredentialDetail, Error> {
    let secrets = read.unrevoked_secrets(credential.id).await?;
    let counts = read.usage(&[credential.id]).await?;
    let detail = CredentialDetail::new(env, credential, &secrets, now).with_usage(&counts, now);
    detail.with_clients(read).await
}
