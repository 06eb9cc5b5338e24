//! Tokens for the registry's own API.

use crate::{
    clock::Timestamp,
    ids::{OrganizationId, TokenId},
    secret::Display,
};

mod authenticate;
mod issue;
mod provision;
mod recognise;
mod role;

#[cfg(test)]
mod tests;

pub use authenticate::{authenticate, is_valid};
pub use issue::{create, list, revoke};
pub(crate) use issue::{end, revoke_again};
pub use provision::{has_admin, mint, provision};
pub(crate) use recognise::recognise;
pub use role::{Role, RoleName};

/// A token, of which only a keyed digest is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// For which organization it acts; for a token of the installation, where no request names another one.
    pub organization: OrganizationId,
    /// What it may do.
    pub role: Role,
    /// The token that made it; `None` where configuration did.
    pub created_by: Option<TokenId>,
    /// For people.
    pub description: String,
    /// Whether configuration brought it, rather than the API.
    pub configured: bool,
    /// What may be shown of it.
    pub display: Display,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it works.
    pub expires_at: Option<Timestamp>,
    /// Since when it does not work any more.
    pub revoked_at: Option<Timestamp>,
}

/// The role of a token to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewRole {
    /// [`Role::PortalAdmin`].
    PortalAdmin,
    /// [`Role::ApiOwner`].
    ApiOwner,
    /// [`Role::OrgAdmin`].
    OrgAdmin,
    /// [`Role::Developer`].
    Developer {
        /// The owner's name.
        owner: String,
    },
    /// [`Role::Auditor`].
    Auditor,
    /// [`Role::LeakReporter`].
    LeakReporter,
    /// [`Role::Gateway`].
    Gateway {
        /// The group's name.
        group: String,
    },
}

/// What [`create`] needs to know.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it may do.
    pub role: NewRole,
    /// At most 1024 characters.
    pub description: String,
    /// Until when it works; in the future.
    pub expires_at: Option<Timestamp>,
}

/// Who a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The token that was presented.
    pub token: TokenId,
    /// For which organization it acts.
    pub organization: OrganizationId,
    /// What it may do.
    pub role: Role,
}

impl Token {
    /// Whether it works at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
