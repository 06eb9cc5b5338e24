//! The verbs that read where credentials are honoured.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{CredentialRange, Deployed, Override, Positions, StoreError};
use crate::ids::{ApplicationId, CredentialId, GroupId};

/// Reading what is deployed to which group, and why.
#[async_trait]
pub trait DeploymentReads: Send {
    /// Where a credential's secrets are deployed.
    async fn deployed(&mut self, credential: CredentialId) -> Result<Vec<Deployed>, StoreError>;
    /// Of which credential the group's gateways find a record by the digest.
    async fn digest_owner(
        &mut self,
        group: GroupId,
        digest: &[u8; 16],
    ) -> Result<Option<CredentialId>, StoreError>;
    /// Where the secrets of a stretch of an application's credentials are deployed.
    async fn deployed_of(
        &mut self,
        application: ApplicationId,
        range: CredentialRange,
    ) -> Result<Vec<(CredentialId, Deployed)>, StoreError>;
    /// What was said of a credential against what it does by itself.
    async fn overrides(&mut self, credential: CredentialId) -> Result<Vec<Override>, StoreError>;
    /// What was said of a stretch of an application's credentials.
    async fn overrides_of(
        &mut self,
        application: ApplicationId,
        range: CredentialRange,
    ) -> Result<Vec<(CredentialId, Override)>, StoreError>;
    /// Whether one of the application's credentials was said to be honoured in the group.
    async fn is_wanted(
        &mut self,
        application: ApplicationId,
        group: GroupId,
    ) -> Result<bool, StoreError>;
    /// Which positions in the log last told groups of the credential and of its application.
    async fn positions(
        &mut self,
        credential: CredentialId,
        application: ApplicationId,
    ) -> Result<Positions, StoreError>;
    /// Which positions in the log last told groups of the application, those among them that were told to forget it.
    async fn admitted_at(
        &mut self,
        application: ApplicationId,
    ) -> Result<BTreeMap<GroupId, u64>, StoreError>;
}
