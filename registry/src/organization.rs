//! Tenants. One exists from the start, and every row says whose it is.

use crate::{
    clock::Timestamp,
    edit::Edit,
    environment::Environment,
    error::{Error, Kind},
    ids::OrganizationId,
    listing::{Listing, MAX_LIMIT},
    store::ReadTransaction,
};

mod manage;
mod quota;

#[cfg(test)]
mod tests;

pub(crate) use quota::{admit_application, admit_credential, admit_token};

pub use manage::{create, delete, update};
pub use quota::{Quotas, Resource};

/// The name of the organization that exists from the start.
pub const DEFAULT: &str = "default";

/// A tenant, which owns applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name, which never changes, and is never another's.
    pub name: String,
    /// For people.
    pub description: String,
    /// How much it may have; what is not said is as configured.
    pub quotas: Quotas,
    /// How many applications it has.
    pub applications: u64,
    /// How many credentials they have.
    pub credentials: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Rises with each change of it.
    pub version: u64,
}

/// What [`create()`] needs to know.
#[derive(Clone, Debug, Default)]
pub struct NewOrganization {
    /// 1 to 64 of letters, digits, `_` and `-`.
    pub name: String,
    /// At most 1024 characters.
    pub description: String,
    /// How much it may have; what is not said is as configured.
    pub quotas: Quotas,
}

/// What [`update()`] changes.
#[derive(Clone, Debug, Default)]
pub struct OrganizationPatch {
    /// The next description.
    pub description: Option<String>,
    /// How many applications it may have; `None`: as configured.
    pub max_applications: Edit<Option<u64>>,
    /// How many credentials it may have; `None`: as configured.
    pub max_credentials: Edit<Option<u64>>,
    /// How many tokens it may have; `None`: as configured.
    pub max_tokens: Edit<Option<u64>>,
}

/// Reads the organization with this name.
pub async fn get(env: &Environment, name: &str) -> Result<Organization, Error> {
    let mut read = env.store.read().await?;
    named(read.as_mut(), name).await
}

/// Lists organizations in order of creation.
pub async fn list(
    env: &Environment,
    after: Option<OrganizationId>,
    limit: usize,
) -> Result<Listing<Organization>, Error> {
    let limit = limit.clamp(1, MAX_LIMIT);
    let mut read = env.store.read().await?;
    let found = read.organizations(after, limit.saturating_add(1)).await?;
    Ok(Listing::cut(found, limit))
}

async fn named(read: &mut dyn ReadTransaction, name: &str) -> Result<Organization, Error> {
    let found = read.organization_named(name).await?;
    found.ok_or(Error::NotFound(Kind::Organization))
}
