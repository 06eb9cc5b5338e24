//! Identity providers: where OAuth clients are registered, and who issues their access tokens.

mod answers;
pub mod bridge;
mod builtin;
pub mod configuration;
mod connect;
pub mod discovery;
pub mod exchange;
mod manage;
pub mod oidc;
pub mod reconcile;
pub mod registrar;
pub mod registrars;
mod rules;
mod verify;
pub mod worker;

pub use builtin::adopt;
pub(crate) use builtin::is_enabled;
pub use connect::{open, registrar};
pub use manage::{BUILTIN, NewProvider, ProviderPatch, create, delete, get, list, update};
pub use rules::read as read_configuration;
pub use verify::{Outcome, Step, verify};

use crate::{
    clock::Timestamp,
    ids::{ApplicationId, CredentialId, OperationId, OrganizationId, ProviderId},
};

/// Where OAuth clients are registered. It belongs to the installation, not to an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its id.
    pub id: ProviderId,
    /// Unique in the installation.
    pub name: String,
    /// How it is talked to. Never changes.
    pub kind: ProviderKind,
    /// What its tokens say in `iss`, byte for byte; unique. `None` only for the built-in one while the registry has no
    /// public URL.
    pub issuer: Option<String>,
    /// For people.
    pub description: String,
    /// Whether new clients are registered there, and its tokens accepted.
    pub enabled: bool,
    /// What may be shown of how it is talked to, in JSON; what belongs into it depends on the kind.
    pub configuration: String,
    /// What proves the registry to it, sealed.
    pub sealed: Option<Vec<u8>>,
    /// When it was made known.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Rises with each change.
    pub version: u64,
}

/// How a provider is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// It is the registry itself.
    Builtin,
    /// By `OpenID` Connect discovery, or RFC 8414, and dynamic client registration (RFC 7591, RFC 7592).
    Oidc,
    /// By an HTTP bridge that somebody has written for it.
    HttpBridge,
}

/// Something to be done at a provider: written down before it is called, and forgotten once it is done or undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its id, by which the provider's side recognises what came of it.
    pub id: OperationId,
    /// Where.
    pub provider: ProviderId,
    /// Whose credential it is about.
    pub organization: OrganizationId,
    /// The application of the credential.
    pub application: ApplicationId,
    /// The credential it is about, which may not exist yet, or not any more.
    pub credential: CredentialId,
    /// What is to be done.
    pub kind: OperationKind,
    /// How far it has come, in a word of its kind.
    pub phase: String,
    /// What is asked for, and what has come of it so far, sealed.
    pub sealed: Vec<u8>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is to be tried again; `None`: not before somebody says so.
    pub next_attempt_at: Option<Timestamp>,
    /// Whether somebody is at it: until then, nobody else takes it up.
    pub is_held: bool,
    /// Why it has not been done. Holds nothing secret.
    pub last_error: Option<String>,
    /// When it was written down.
    pub created_at: Timestamp,
}

/// What is to be done at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// A client is to be registered.
    Register,
    /// A client's metadata is to be replaced.
    Update,
    /// A client is to get another secret, or to be replaced by another client.
    Rotate,
    /// A client is to be removed.
    Delete,
}

/// The words for how far an operation has come.
pub(crate) mod phase {
    /// It was written down. Nobody knows whether the provider was asked.
    pub(crate) const INTENDED: &str = "intended";
    /// The provider was asked, and said no more than that.
    pub(crate) const UNANSWERED: &str = "unanswered";
    /// A client is being read: whatever comes of it, there is nothing to be done.
    pub(crate) const READING: &str = "reading";
    /// A client was registered that nobody gets to know: it is to be removed.
    pub(crate) const UNDOING: &str = "undoing";
    /// The provider was asked to remove it, and said no more than that.
    pub(crate) const UNDOING_UNANSWERED: &str = "undoing_unanswered";
    /// A client is to be registered in the place of another.
    pub(crate) const REPLACING: &str = "replacing";
}
