//! Where everything is kept.
//!
//! Use cases work in transactions: they read, decide and write without anybody writing in between, and then commit. Each
//! verb that changes what gateways may see notes the change itself, so that no use case can forget to publish; the
//! commit gives all of a transaction's changes the next revision.

use std::fmt;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    application::{Application, ApplicationQuery},
    clock::Timestamp,
    credential::{Credential, CredentialFilter, CredentialQuery, Order, PlaceInOrder},
    export::Exported,
    gateway::GatewayGroup,
    ids::{ApplicationId, CredentialId, GroupId, OrganizationId, SecretId},
    leak::Leak,
    organization::Organization,
    owner::Owner,
    scope::Scopes,
    secret::{Secret, SecretState},
    secrets::Fingerprint,
};

mod access_token;
mod audit;
mod authorization;
mod deployment;
mod error;
mod feed;
mod idempotency;
mod issuer;
mod journal;
mod key;
mod organization;
mod provider;
pub(crate) mod record;
mod registration;
mod rekeying;
mod rotation;
mod row;
mod sharing;
pub mod sql;
mod token;
mod usage;
mod visible;

#[cfg(test)]
pub(crate) mod conformance;

pub use access_token::{AccessTokenReads, AccessTokenWrites};
pub use audit::{AuditReads, AuditWrites};
pub use authorization::{AuthorizationReads, AuthorizationWrites, ClientSecretDigest};
pub use deployment::DeploymentReads;
pub use error::{OpenError, StoreError};
pub use feed::FeedReads;
pub use idempotency::{IdempotencyReads, IdempotencyWrites};
pub use issuer::{IssuerReads, IssuerWrites};
pub use journal::{JournalReads, JournalWrites, RevokedSource};
pub(crate) use key::{CHECKED, KEY_CHECK};
pub use key::{
    KeyReads, KeyWrites, MasterRotation, NewMasterRotation, RegistryRecord, SealedDataKey,
    SealedValue, UsedMasterKey,
};
pub use organization::OrganizationReads;
pub use provider::{ProviderReads, ProviderWrites};
pub use record::RenderedCredential;
pub use registration::{RegistrationReads, RegistrationWrites};
pub use rekeying::{DeployedRecord, Phase, Rekeying, RekeyingReads, RekeyingWrites};
pub use rotation::{RotationReads, RotationWrites, SecretUse};
pub use row::*;
pub use sharing::{SharingReads, SharingWrites, Witness};
pub use token::{TokenReads, TokenWrites};
pub use usage::{UsageReads, UsageWrites};

/// A database.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Begins to read: everything the transaction sees is as it is now.
    async fn read(&self) -> Result<Box<dyn ReadTransaction>, StoreError>;

    /// Begins to write, once nobody else does. Dropped without a commit, it never happened.
    async fn write(&self) -> Result<Box<dyn WriteTransaction>, StoreError>;

    /// The log's last revision.
    fn revision(&self) -> u64;

    /// Wakes when something changed for the group, and for no other: the revision of its last change since somebody
    /// watches.
    fn watch(&self, group: GroupId) -> watch::Receiver<u64>;

    /// Raised whenever the database turns out to be another one than before: a standby that took over behind, or an older
    /// state. What was read before may be of a log that is gone.
    fn generation(&self) -> watch::Receiver<u64>;

    /// Whether other registries may use the database, and hear of other gateways.
    fn is_shared(&self) -> bool;

    /// Wakes when another registry may have written down what it heard of gateways.
    fn gateway_news(&self) -> watch::Receiver<u64>;

    /// Writes into the journal what was revoked by commits of which nobody was told whether they happened, if they did.
    async fn settle_doubts(&self) -> Result<(), StoreError>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Ends every connection.
    async fn close(&self);
}

/// Reading, all of it from one moment.
#[async_trait]
pub trait ReadTransaction:
    AccessTokenReads
    + AuditReads
    + AuthorizationReads
    + DeploymentReads
    + FeedReads
    + IdempotencyReads
    + IssuerReads
    + JournalReads
    + KeyReads
    + OrganizationReads
    + ProviderReads
    + RegistrationReads
    + RekeyingReads
    + RotationReads
    + SharingReads
    + TokenReads
    + UsageReads
    + Send
{
    /// The organization that exists from the start.
    async fn default_organization(&mut self) -> Result<Organization, StoreError>;

    /// One application.
    async fn application(&mut self, id: ApplicationId) -> Result<Option<Application>, StoreError>;
    /// An organization's applications, in order of creation.
    async fn applications(
        &mut self,
        organization: OrganizationId,
        query: &ApplicationQuery,
    ) -> Result<Vec<Application>, StoreError>;
    /// An organization's applications, in order of creation, after as many as are skipped.
    async fn applications_from(
        &mut self,
        organization: OrganizationId,
        skipped: usize,
        limit: usize,
    ) -> Result<Vec<Application>, StoreError>;
    /// All applications after this one, in order of creation.
    async fn every_application(
        &mut self,
        after: Option<ApplicationId>,
        limit: usize,
    ) -> Result<Vec<Application>, StoreError>;
    /// For which organization the name is reserved, whether or not an application has it.
    async fn name_owner(&mut self, name: &str) -> Result<Option<OrganizationId>, StoreError>;
    /// Which application has the name.
    async fn application_named(&mut self, name: &str) -> Result<Option<ApplicationId>, StoreError>;
    /// The names of some applications that list the group.
    async fn applications_listing(
        &mut self,
        group: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError>;
    /// Which groups admit the application.
    async fn groups_admitting(
        &mut self,
        application: ApplicationId,
    ) -> Result<Vec<GroupId>, StoreError>;

    /// One credential.
    async fn credential(&mut self, id: CredentialId) -> Result<Option<Credential>, StoreError>;
    /// An application's credentials, in order of creation.
    async fn credentials(
        &mut self,
        application: ApplicationId,
        query: CredentialQuery,
    ) -> Result<Vec<Credential>, StoreError>;
    /// Credentials that pass a filter, in order, after a place in it.
    async fn search_credentials(
        &mut self,
        filter: &CredentialFilter,
        order: Order,
        after: Option<&PlaceInOrder>,
        limit: usize,
    ) -> Result<Vec<Credential>, StoreError>;
    /// Some of the application's credentials that have a scope beyond these.
    async fn credentials_beyond(
        &mut self,
        application: ApplicationId,
        scopes: &Scopes,
        limit: usize,
    ) -> Result<Vec<CredentialId>, StoreError>;
    /// Which of the application's credentials has the name.
    async fn credential_named(
        &mut self,
        application: ApplicationId,
        name: &str,
    ) -> Result<Option<CredentialId>, StoreError>;
    /// Which of the application's credentials has the identifier.
    async fn credential_identified(
        &mut self,
        application: ApplicationId,
        identifier: &str,
    ) -> Result<Option<CredentialId>, StoreError>;
    /// Which credential has the user name, with its current or a retiring secret.
    async fn username_owner(&mut self, username: &str) -> Result<Option<CredentialId>, StoreError>;
    /// A credential's current and retiring secrets; a retiring one may be past its end.
    async fn unrevoked_secrets(
        &mut self,
        credential: CredentialId,
    ) -> Result<Vec<Secret>, StoreError>;
    /// The current and retiring secrets of a stretch of an application's credentials, by credential and version.
    async fn unrevoked_secrets_of(
        &mut self,
        application: ApplicationId,
        range: CredentialRange,
    ) -> Result<Vec<Secret>, StoreError>;
    /// The current and retiring secrets of some credentials.
    async fn unrevoked_secrets_of_many(
        &mut self,
        credentials: &[CredentialId],
    ) -> Result<Vec<Secret>, StoreError>;
    /// Which secret the value is or was; also one that was known by another program's hash, once it was proven.
    async fn fingerprint_owner(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<SecretId>, StoreError>;
    /// The secret with this fingerprint, whether or not it was revoked.
    async fn secret_known_by(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<Secret>, StoreError>;
    /// An organization's credentials, or those of an owner's applications, with the names of their applications, in order
    /// of creation.
    async fn credentials_for_export(
        &mut self,
        organization: OrganizationId,
        owner: Option<Owner>,
        after: Option<CredentialId>,
        limit: usize,
    ) -> Result<Vec<Exported>, StoreError>;
    /// Credentials that have something to end at `now`: a retiring secret past its end, or an expired credential that is
    /// still deployed.
    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<CredentialId>, StoreError>;

    /// All gateway groups, by name.
    async fn groups(&mut self) -> Result<Vec<GatewayGroup>, StoreError>;
    /// The digest key of each group that a snapshot begins with.
    async fn digest_keys(&mut self) -> Result<Vec<SealedDigestKey>, StoreError>;

    /// The chosen passwords of this user name that the group's gateways may have verified, with their credentials.
    async fn passwords(
        &mut self,
        group: GroupId,
        username: &str,
    ) -> Result<Vec<PasswordRow>, StoreError>;
}

/// Reading and writing, alone.
#[async_trait]
pub trait WriteTransaction:
    ReadTransaction
    + AccessTokenWrites
    + AuditWrites
    + AuthorizationWrites
    + IdempotencyWrites
    + IssuerWrites
    + JournalWrites
    + KeyWrites
    + ProviderWrites
    + RegistrationWrites
    + RekeyingWrites
    + RotationWrites
    + SharingWrites
    + TokenWrites
    + UsageWrites
{
    /// Adds an organization.
    async fn insert_organization(&mut self, organization: &Organization) -> Result<(), StoreError>;
    /// Replaces an organization's fields, except what is counted.
    async fn update_organization(&mut self, organization: &Organization) -> Result<(), StoreError>;
    /// Removes an organization that has nothing. Names stay reserved for it.
    async fn delete_organization(
        &mut self,
        id: OrganizationId,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// A number for an application that none ever had.
    async fn next_application_number(&mut self) -> Result<u32, StoreError>;
    /// Adds an application and reserves its name.
    async fn insert_application(&mut self, application: &Application) -> Result<(), StoreError>;
    /// Replaces an application's fields and reserves its name. Gateways are told only where they see a difference.
    async fn update_application(&mut self, application: &Application) -> Result<(), StoreError>;
    /// Removes an application that no group knows, with its credentials. Their secrets stay, revoked at `at`.
    async fn delete_application(
        &mut self,
        id: ApplicationId,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Lets the group's gateways know the application.
    async fn admit(&mut self, group: GroupId, application: &Application) -> Result<(), StoreError>;
    /// Lets the group's gateways forget the application, and withdraws its credentials' secrets from them.
    async fn dismiss(
        &mut self,
        group: GroupId,
        application: &Application,
    ) -> Result<(), StoreError>;

    /// Adds a credential.
    async fn insert_credential(&mut self, credential: &Credential) -> Result<(), StoreError>;
    /// Replaces a credential's fields. Gateways are told only where they see a difference.
    async fn update_credential(&mut self, credential: &Credential) -> Result<(), StoreError>;
    /// Removes a credential whose secrets are deployed nowhere. The secrets stay, so that their values are known.
    async fn delete_credential(&mut self, id: CredentialId) -> Result<(), StoreError>;
    /// Keeps the user name for the credential.
    async fn claim_username(
        &mut self,
        username: &str,
        credential: CredentialId,
    ) -> Result<(), StoreError>;
    /// Frees every user name that the credential has.
    async fn release_usernames(&mut self, credential: CredentialId) -> Result<(), StoreError>;
    /// Adds a secret.
    async fn insert_secret(&mut self, secret: &Secret) -> Result<(), StoreError>;
    /// Moves a secret to another state.
    async fn set_secret_state(
        &mut self,
        id: SecretId,
        state: SecretState,
    ) -> Result<(), StoreError>;
    /// Replaces what is kept of a secret, which stays the same secret.
    async fn reseal_secret(&mut self, id: SecretId, sealed: &[u8]) -> Result<(), StoreError>;
    /// Keeps by what the password is recognised that was known by another program's hash alone, now that it was proven.
    async fn set_proven_fingerprint(
        &mut self,
        id: SecretId,
        fingerprint: &Fingerprint,
    ) -> Result<(), StoreError>;
    /// Says whether the credential is to be honoured in the group; `None` for what it does by itself.
    async fn set_override(
        &mut self,
        credential: CredentialId,
        group: GroupId,
        wanted: Option<bool>,
    ) -> Result<(), StoreError>;
    /// Notes that the secret is in the wrong hands.
    async fn mark_leaked(&mut self, id: SecretId, at: Timestamp) -> Result<(), StoreError>;
    /// Keeps a report of a leaked secret.
    async fn insert_leak(&mut self, leak: &Leak) -> Result<(), StoreError>;
    /// Lets the group's gateways honour the secret.
    async fn deploy(
        &mut self,
        deployed: &Deployed,
        credential: CredentialId,
    ) -> Result<(), StoreError>;
    /// Takes the digest from the group's gateways.
    async fn withdraw(&mut self, group: GroupId, digest: &[u8; 16]) -> Result<(), StoreError>;

    /// Adds a group with its first digest key.
    async fn insert_group(
        &mut self,
        group: &GatewayGroup,
        key: &SealedDigestKey,
    ) -> Result<(), StoreError>;
    /// Removes a group with everything its gateways knew.
    async fn delete_group(&mut self, id: GroupId) -> Result<(), StoreError>;
    /// Forgets changes and idempotent requests that are older than these moments.
    async fn prune(&mut self, prune: Prune) -> Result<(), StoreError>;

    /// The revision that the commit will have, or `None` if so far gateways see no difference.
    async fn pending_revision(&mut self) -> Result<Option<u64>, StoreError>;
    /// Makes everything true at once, and wakes the feeds. Returns the log's revision.
    async fn commit(self: Box<Self>, stamp: Stamp) -> Result<u64, StoreError>;
}
