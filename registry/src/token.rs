//! Tokens for the registry's own API.

use crate::{
    clock::Timestamp,
    ids::{GroupId, OrganizationId, TokenId},
    secret::Display,
};

mod authenticate;
mod issue;
mod provision;

#[cfg(test)]
mod tests;

pub use authenticate::{authenticate, is_valid};
pub(crate) use issue::revoke_again;
pub use issue::{create, list, revoke};
pub use provision::{has_admin, mint, provision};

/// A token, of which only a keyed digest is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// For which organization it acts.
    pub organization: OrganizationId,
    /// What it may do.
    pub role: Role,
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

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    PortalAdmin,
    /// Report leaked secrets.
    LeakReporter,
    /// Follow the feed of one gateway group, report, and have passwords verified.
    Gateway {
        /// The group.
        group: GroupId,
    },
}

/// The role of a token to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewRole {
    /// [`Role::PortalAdmin`].
    PortalAdmin,
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

impl Role {
    /// The word for it in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PortalAdmin => "portal_admin",
            Self::LeakReporter => "leak_reporter",
            Self::Gateway { .. } => "gateway",
        }
    }
}

impl Token {
    /// Whether it works at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
