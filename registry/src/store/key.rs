//! The verbs about the keys under which everything is sealed and found.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    clock::Timestamp,
    sealing::{KeyId, Place},
    secrets::Purpose,
};

/// Where the value lies that opens only under the right master key.
pub(crate) const KEY_CHECK: Place<'_> = Place {
    column: "installation.key_check",
    row: "1",
};

/// What lies sealed there. Only that it opens counts.
pub(crate) const CHECKED: &[u8] = b"keysmith";

/// A value that is sealed under a master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedValue {
    /// What identifies its row.
    pub row: String,
    /// The value.
    pub sealed: Vec<u8>,
}

/// A move from one master key to another, as it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMasterRotation {
    /// Opens only under the key that is being left.
    pub retiring_check: Vec<u8>,
    /// When.
    pub began_at: Timestamp,
    /// Values that are sealed.
    pub total: u64,
}

/// A move from one master key to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterRotation {
    /// Opens only under the key that is being left.
    pub retiring_check: Vec<u8>,
    /// When it began.
    pub began_at: Timestamp,
    /// Values that were sealed when it began.
    pub total: u64,
    /// Values that were sealed anew.
    pub done: u64,
}

/// A registry that serves the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryRecord {
    /// The start of its process.
    pub instance: [u8; 16],
    /// By what people know it.
    pub name: String,
    /// The master keys that it was given.
    pub master_keys: Vec<KeyId>,
    /// When it last said so.
    pub seen_at: Timestamp,
}

/// A data key, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedDataKey {
    /// What it is for.
    pub purpose: Purpose,
    /// Which of the keys for that it is, counting from 1.
    pub version: u32,
    /// The key.
    pub sealed: Vec<u8>,
}

/// A master key that the database was or is sealed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedMasterKey {
    /// Which one.
    pub id: KeyId,
    /// Since when new values are sealed under it.
    pub since: Timestamp,
    /// Since when nothing is sealed under it any more.
    pub until: Option<Timestamp>,
}

/// Reading about keys.
#[async_trait]
pub trait KeyReads: Send {
    /// The value that opens only under the master key that new values are sealed under.
    async fn key_check(&mut self) -> Result<Vec<u8>, StoreError>;
    /// Every master key that there was, in order of their use.
    async fn master_keys(&mut self) -> Result<Vec<UsedMasterKey>, StoreError>;
    /// Every data key, by purpose and version.
    async fn data_keys(&mut self) -> Result<Vec<SealedDataKey>, StoreError>;
    /// The latest data key for the purpose.
    async fn latest_data_key(
        &mut self,
        purpose: Purpose,
    ) -> Result<Option<SealedDataKey>, StoreError>;
    /// The move from one master key to another, while one goes on.
    async fn master_rotation(&mut self) -> Result<Option<MasterRotation>, StoreError>;
    /// How many values are sealed in one of [`crate::sealing::COLUMNS`].
    async fn count_sealed(&mut self, column: &'static str) -> Result<u64, StoreError>;
    /// Values of one of these columns that are sealed under another key than this one, in order of their rows.
    async fn sealed_elsewhere(
        &mut self,
        column: &'static str,
        key: KeyId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<SealedValue>, StoreError>;
    /// The registries that said after this moment that they are there.
    async fn registries(&mut self, since: Timestamp) -> Result<Vec<RegistryRecord>, StoreError>;
}

/// Changing keys.
#[async_trait]
pub trait KeyWrites: Send {
    /// Replaces the value that opens only under the right master key.
    async fn set_key_check(&mut self, sealed: &[u8]) -> Result<(), StoreError>;
    /// Notes that new values are sealed under this master key.
    async fn insert_master_key(&mut self, id: KeyId, since: Timestamp) -> Result<(), StoreError>;
    /// Adds a data key.
    async fn insert_data_key(
        &mut self,
        key: &SealedDataKey,
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Replaces a sealed value in one of [`crate::sealing::COLUMNS`], if it is still the one that was `seen`; whether it was.
    async fn put_sealed(
        &mut self,
        column: &'static str,
        seen: &SealedValue,
        sealed: &[u8],
    ) -> Result<bool, StoreError>;
    /// Notes that everything moves to another master key.
    async fn begin_master_rotation(&mut self, new: &NewMasterRotation) -> Result<(), StoreError>;
    /// Adds to the values that were sealed anew.
    async fn count_sealed_anew(&mut self, values: u64) -> Result<(), StoreError>;
    /// Notes that everything is under the key that is in use, and that the others are left.
    async fn end_master_rotation(&mut self, in_use: KeyId, at: Timestamp)
    -> Result<(), StoreError>;
    /// Keeps what a registry says of itself, instead of what it said before.
    async fn put_registry(&mut self, registry: &RegistryRecord) -> Result<(), StoreError>;
    /// Forgets the registries that have said nothing since.
    async fn forget_registries(&mut self, before: Timestamp) -> Result<(), StoreError>;
    /// Forgets a registry.
    async fn delete_registry(&mut self, instance: &[u8; 16]) -> Result<(), StoreError>;
}
