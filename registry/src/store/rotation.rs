//! The verbs about rotation.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::{
    clock::Timestamp,
    credential::{Credential, RotationCounts, RotationNote, RotationPolicy},
    ids::{CredentialId, OrganizationId, SecretId},
    secret::Secret,
};

/// What gateways have reported of the use of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// How often it was presented, whatever came of it.
    pub count: u64,
    /// When last.
    pub last_at: Timestamp,
}

/// Reading what rotation is decided by.
#[async_trait]
pub trait RotationReads: Send {
    /// Whether the organization once had the credential, also if it is deleted.
    async fn was_credential(
        &mut self,
        id: CredentialId,
        organization: OrganizationId,
    ) -> Result<bool, StoreError>;
    /// Whether the credential had another secret of the same part after `old` and until `new` was made.
    async fn rotated_between(&mut self, old: &Secret, new: &Secret) -> Result<bool, StoreError>;
    /// What gateways have reported of the use of the credential's secret; `None` if nobody used it.
    async fn secret_use(
        &mut self,
        credential: &Credential,
        secret: &Secret,
    ) -> Result<Option<SecretUse>, StoreError>;
    /// Credentials of which is to be said now that a new secret is due, or will soon be.
    async fn rotations_to_note(
        &mut self,
        policy: &RotationPolicy,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<CredentialId>, StoreError>;
    /// Of how many living credentials that was said.
    async fn rotation_counts(&mut self, now: Timestamp) -> Result<RotationCounts, StoreError>;
}

/// Writing what rotation leaves behind.
#[async_trait]
pub trait RotationWrites: Send {
    /// For how long nobody must have used the retiring secret before it may end by itself. Forgotten when it is not
    /// retiring any more.
    async fn set_end_after_silence(
        &mut self,
        id: SecretId,
        silence: Duration,
    ) -> Result<(), StoreError>;
    /// Keeps what was said of the credential's next rotation.
    async fn set_rotation_note(
        &mut self,
        id: CredentialId,
        note: RotationNote,
    ) -> Result<(), StoreError>;
    /// Forgets what was said of rotations and is not true by this policy.
    async fn forget_untrue_rotation_notes(
        &mut self,
        policy: &RotationPolicy,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}
