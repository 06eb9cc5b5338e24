//! Who asks for a change.

use std::net::IpAddr;

use crate::{
    application::Application,
    ids::{OrganizationId, TokenId},
    owner::Owner,
    token::Role,
};

/// Who asks, what it may do, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// For which organization it acts.
    pub organization: OrganizationId,
    /// The token that it presented; `None` for the registry itself.
    pub token: Option<TokenId>,
    /// What it may do; everything, for the registry itself.
    pub role: Role,
    /// The address that the request came from, as its connection shows it.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// The registry itself, which ends what time has ended.
    #[must_use]
    pub const fn registry(organization: OrganizationId) -> Self {
        Self {
            organization,
            token: None,
            role: Role::PortalAdmin,
            address: None,
        }
    }

    /// The same caller, where what it does happens in this organization.
    #[must_use]
    pub const fn acting_in(self, organization: OrganizationId) -> Self {
        Self {
            organization,
            ..self
        }
    }

    /// Whose applications alone it sees; `None` for those of every owner.
    #[must_use]
    pub const fn owner(&self) -> Option<Owner> {
        match self.role {
            Role::Developer { owner } => Some(owner),
            _ => None,
        }
    }

    /// Whether the application exists for it.
    #[must_use]
    pub fn sees(&self, application: &Application) -> bool {
        let is_theirs = self.owner().is_none() || self.owner() == application.owner;
        self.organization == application.organization && is_theirs
    }

    /// Whether it decides what applications are allowed: scopes, gateway groups and custom ids, and which values may be
    /// somebody's own.
    #[must_use]
    pub const fn grants(&self) -> bool {
        matches!(self.role, Role::PortalAdmin | Role::ApiOwner)
    }
}
