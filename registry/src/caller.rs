//! Who asks for a change.

use std::net::IpAddr;

use crate::ids::{OrganizationId, TokenId};

/// Who asks for a change, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// For which organization it acts.
    pub organization: OrganizationId,
    /// The token that it presented; `None` for the registry itself.
    pub token: Option<TokenId>,
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
            address: None,
        }
    }
}
