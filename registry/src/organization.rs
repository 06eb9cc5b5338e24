//! Tenants. One exists from the start, and every row says whose it is.

use crate::ids::OrganizationId;

/// The name of the organization that exists from the start.
pub const DEFAULT: &str = "default";

/// A tenant, which owns applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
}
