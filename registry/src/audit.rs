//! What was done, by whom, when and from where: one entry for each thing that was done, written in the transaction that
//! did it. Entries are only ever added, each chained to the one before it (`chain`); the oldest may be pruned.
//!
//! An entry holds no secret, no digest and nothing that is kept sealed.

use serde_json::{Map, Value};

use crate::{
    caller::Caller,
    clock::Timestamp,
    environment::Environment,
    error::Error,
    ids::{ApplicationId, CredentialId, OrganizationId, TokenId},
    listing::{Listing, MAX_LIMIT},
    token::Role,
};

mod action;
mod adopt;
mod append;
mod chain;
mod event;
pub mod export;
mod fields;
mod head;
mod prune;
mod refusals;
mod say;
mod tend;
pub mod verify;

#[cfg(test)]
mod tests;

pub use action::{Action, UnknownAction};
pub(crate) use adopt::adopt;
pub(crate) use append::note;
pub use chain::{ChainState, Link, Mac, Record, UnknownKey};
pub use event::Event;
pub(crate) use fields::{Fields, moment};
pub use head::{Head, InvalidHead};
pub(crate) use prune::prune;
pub use refusals::{Reason, Refusals, Refused};
pub use say::{Sayer, head};
pub use tend::Keeper;

/// One thing that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// For which organization.
    pub organization: OrganizationId,
    /// When.
    pub at: Timestamp,
    /// With which token; `None` if the registry did it by itself.
    pub token: Option<TokenId>,
    /// From which address the request came, without its port.
    pub address: Option<String>,
    /// What: [`Action::word`]. A text, because entries outlive the versions that write them.
    pub action: String,
    /// Of which application, if of any.
    pub application: Option<ApplicationId>,
    /// Of which credential, if of any.
    pub credential: Option<CredentialId>,
    /// The name, or the id where there is no name, of what it was done to.
    pub subject: String,
    /// More about it: `before` and `after` hold the fields that changed.
    pub detail: Map<String, Value>,
}

/// An entry with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberedEntry {
    /// Rises with each entry of the installation.
    pub sequence: u64,
    /// The entry.
    pub entry: Entry,
}

/// Where a list of entries goes on: after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// When it was written.
    pub at: Timestamp,
    /// Its number.
    pub sequence: u64,
}

/// Which entries to list. Every condition that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Those written before this one.
    pub before: Option<Position>,
    /// At most this many.
    pub limit: usize,
    /// Of this application.
    pub application: Option<ApplicationId>,
    /// Of this credential.
    pub credential: Option<CredentialId>,
    /// With this token.
    pub token: Option<TokenId>,
    /// With this action.
    pub action: Option<Action>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// What it may be about.
    pub whose: Whose,
}

/// What entries of an organization may be about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whose {
    /// Anything.
    #[default]
    Everybodys,
    /// Its applications and credentials, and what its own tokens did and what was done to those.
    Tenants,
}

/// A record as it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every one is a record")]
pub enum KeptRecord {
    /// Whatever it says.
    Read(Record),
    /// The one with this number holds what no registry writes.
    Unreadable(u64),
}

/// Lists the entries of the organization in which the caller acts, the newest first. What was done to the installation is
/// the default organization's, but not its administrators' to know.
pub async fn list(
    env: &Environment,
    caller: Caller,
    mut query: AuditQuery,
) -> Result<Listing<NumberedEntry>, Error> {
    let limit = query.limit.clamp(1, MAX_LIMIT);
    query.limit = limit.saturating_add(1);
    query.whose = match caller.role {
        Role::OrgAdmin => Whose::Tenants,
        _ => Whose::Everybodys,
    };
    let mut read = env.store.read().await?;
    Ok(Listing::cut(
        read.audit_entries(caller.organization, &query).await?,
        limit,
    ))
}
