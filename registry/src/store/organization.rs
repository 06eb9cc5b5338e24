//! What is read of organizations.

use async_trait::async_trait;

use super::StoreError;
use crate::{clock::Timestamp, ids::OrganizationId, organization::Organization};

/// Reading organizations.
#[async_trait]
pub trait OrganizationReads: Send {
    /// One organization.
    async fn organization(
        &mut self,
        id: OrganizationId,
    ) -> Result<Option<Organization>, StoreError>;
    /// Organizations in order of creation.
    async fn organizations(
        &mut self,
        after: Option<OrganizationId>,
        limit: usize,
    ) -> Result<Vec<Organization>, StoreError>;
    /// Whether an organization has or had this name.
    async fn organization_name_is_taken(&mut self, name: &str) -> Result<bool, StoreError>;
    /// How many of the organization's tokens are valid at `now`; at most `most` are counted.
    async fn valid_tokens(
        &mut self,
        organization: OrganizationId,
        now: Timestamp,
        most: usize,
    ) -> Result<u64, StoreError>;
    /// The organization with this name.
    async fn organization_named(&mut self, name: &str) -> Result<Option<Organization>, StoreError>;
}
