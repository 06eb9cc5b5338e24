//! What a token may do.

use std::str::FromStr;

use filter_core::key::SecretType;

use super::NewRole;
use crate::{ids::GroupId, owner::Owner};

/// What a token may do, with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    PortalAdmin,
    /// All applications and credentials of every organization, and what applications are allowed.
    ApiOwner,
    /// The applications, credentials and tokens of its organization.
    OrgAdmin,
    /// The applications of one owner in its organization.
    Developer {
        /// The owner.
        owner: Owner,
    },
    /// Read everything of every organization, and no secret.
    Auditor,
    /// Report leaked secrets.
    LeakReporter,
    /// Follow the feed of one gateway group, report, and have passwords verified.
    Gateway {
        /// The group.
        group: GroupId,
    },
}

/// The name of a [`Role`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleName {
    /// [`Role::PortalAdmin`].
    PortalAdmin,
    /// [`Role::ApiOwner`].
    ApiOwner,
    /// [`Role::OrgAdmin`].
    OrgAdmin,
    /// [`Role::Developer`].
    Developer,
    /// [`Role::Auditor`].
    Auditor,
    /// [`Role::LeakReporter`].
    LeakReporter,
    /// [`Role::Gateway`].
    Gateway,
}

impl RoleName {
    /// Each of them, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::PortalAdmin,
        Self::ApiOwner,
        Self::OrgAdmin,
        Self::Developer,
        Self::Auditor,
        Self::LeakReporter,
        Self::Gateway,
    ];

    /// The word for it in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PortalAdmin => "portal_admin",
            Self::ApiOwner => "api_owner",
            Self::OrgAdmin => "org_admin",
            Self::Developer => "developer",
            Self::Auditor => "auditor",
            Self::LeakReporter => "leak_reporter",
            Self::Gateway => "gateway",
        }
    }

    /// Whether its tokens are the installation's, rather than one organization's.
    #[must_use]
    pub const fn is_of_installation(self) -> bool {
        !matches!(self, Self::OrgAdmin | Self::Developer)
    }

    /// Whether its tokens act in the organization that a request names.
    #[must_use]
    pub const fn chooses_organization(self) -> bool {
        matches!(self, Self::PortalAdmin | Self::ApiOwner | Self::Auditor)
    }

    /// What a token of this role begins with.
    #[must_use]
    pub const fn secret_type(self) -> SecretType {
        match self {
            Self::Gateway => SecretType::GatewayToken,
            _ => SecretType::AdminToken,
        }
    }
}

impl FromStr for RoleName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let named = Self::ALL.into_iter().find(|name| name.word() == text);
        named.ok_or(())
    }
}

impl Role {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> RoleName {
        match self {
            Self::PortalAdmin => RoleName::PortalAdmin,
            Self::ApiOwner => RoleName::ApiOwner,
            Self::OrgAdmin => RoleName::OrgAdmin,
            Self::Developer { .. } => RoleName::Developer,
            Self::Auditor => RoleName::Auditor,
            Self::LeakReporter => RoleName::LeakReporter,
            Self::Gateway { .. } => RoleName::Gateway,
        }
    }

    /// The word for it in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.name().word()
    }

    /// The owner whose applications alone it sees, where there is one.
    #[must_use]
    pub const fn owner(self) -> Option<Owner> {
        match self {
            Self::Developer { owner } => Some(owner),
            _ => None,
        }
    }
}

impl NewRole {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> RoleName {
        match self {
            Self::PortalAdmin => RoleName::PortalAdmin,
            Self::ApiOwner => RoleName::ApiOwner,
            Self::OrgAdmin => RoleName::OrgAdmin,
            Self::Developer { .. } => RoleName::Developer,
            Self::Auditor => RoleName::Auditor,
            Self::LeakReporter => RoleName::LeakReporter,
            Self::Gateway { .. } => RoleName::Gateway,
        }
    }
}
