//! Registration tokens: the initial access tokens with which clients register themselves (RFC 7591 section 3).
//!
//! One says for which application, with which scopes at most, and how many clients. Whoever holds it decides nothing else.

use crate::{
    clock::Timestamp,
    ids::{ApplicationId, OrganizationId, RegistrationTokenId, TokenId},
    scope::Scopes,
    secret::Display,
};

mod issue;
mod manage;
mod refusal;
mod register;
mod wanted;

#[cfg(test)]
mod clients;
#[cfg(test)]
mod tests;

pub use issue::{Made, create, delete, list};
pub use manage::{read, remove, update};
pub use refusal::{Code, Refusal};
pub use register::{Presented, RegisteredClient, register};

/// Clients at most that one token registers.
pub const MAX_CLIENTS: u32 = 1000;

/// Registration tokens at most of an organization.
pub const MAX_TOKENS: usize = 500;

/// A registration token, of which only a keyed digest is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationToken {
    /// Its id.
    pub id: RegistrationTokenId,
    /// Whose its application is.
    pub organization: OrganizationId,
    /// Whose credentials the clients are.
    pub application: ApplicationId,
    /// What a client may be given at most.
    pub scopes: Scopes,
    /// For people.
    pub description: String,
    /// How many clients it registers.
    pub clients: u32,
    /// How many of them have registered; those that are gone since count.
    pub registered: u32,
    /// The token that made it, in whose name clients are registered.
    pub created_by: Option<TokenId>,
    /// What may be shown of it.
    pub display: Display,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
}

impl RegistrationToken {
    /// Whether a client may register with it.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        let lasts = self.expires_at.is_none_or(|end| now < end);
        lasts && self.registered < self.clients
    }
}

/// What [`create()`] needs to know.
#[derive(Clone, Debug)]
pub struct NewRegistrationToken {
    /// Whose credentials the clients are.
    pub application: ApplicationId,
    /// What a client may be given at most: some of the application's; `None` for all that it has now.
    pub scopes: Option<Vec<String>>,
    /// For people.
    pub description: String,
    /// How many clients it registers.
    pub clients: u32,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
}
