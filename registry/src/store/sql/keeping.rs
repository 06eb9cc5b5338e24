//! The verbs about keys, each handed to the file of its table.

use async_trait::async_trait;

use super::{SqlTransaction, installation, key, master, sealed};
use crate::{
    clock::Timestamp,
    sealing::KeyId,
    secrets::Purpose,
    store::{
        KeyReads, KeyWrites, MasterRotation, NewMasterRotation, RegistryRecord, SealedDataKey,
        SealedValue, StoreError, UsedMasterKey,
    },
};

#[async_trait]
impl KeyReads for SqlTransaction {
    async fn key_check(&mut self) -> Result<Vec<u8>, StoreError> {
        installation::key_check(&mut self.inner).await
    }

    async fn master_keys(&mut self) -> Result<Vec<UsedMasterKey>, StoreError> {
        key::master_keys(&mut self.inner).await
    }

    async fn data_keys(&mut self) -> Result<Vec<SealedDataKey>, StoreError> {
        key::data_keys(&mut self.inner).await
    }

    async fn latest_data_key(
        &mut self,
        purpose: Purpose,
    ) -> Result<Option<SealedDataKey>, StoreError> {
        key::latest_data_key(&mut self.inner, purpose).await
    }

    async fn master_rotation(&mut self) -> Result<Option<MasterRotation>, StoreError> {
        master::rotation(&mut self.inner).await
    }

    async fn count_sealed(&mut self, column: &'static str) -> Result<u64, StoreError> {
        sealed::count(&mut self.inner, column).await
    }

    async fn sealed_elsewhere(
        &mut self,
        column: &'static str,
        key: KeyId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<SealedValue>, StoreError> {
        sealed::elsewhere(&mut self.inner, column, key, after, limit).await
    }

    async fn registries(&mut self, since: Timestamp) -> Result<Vec<RegistryRecord>, StoreError> {
        master::registries(&mut self.inner, since).await
    }
}

#[async_trait]
impl KeyWrites for SqlTransaction {
    async fn set_key_check(&mut self, sealed: &[u8]) -> Result<(), StoreError> {
        key::set_check(&mut self.inner, sealed).await
    }

    async fn insert_master_key(&mut self, id: KeyId, since: Timestamp) -> Result<(), StoreError> {
        key::insert_master_key(&mut self.inner, id, since).await
    }

    async fn insert_data_key(
        &mut self,
        new: &SealedDataKey,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        key::insert_data_key(&mut self.inner, new, at).await
    }

    async fn put_sealed(
        &mut self,
        column: &'static str,
        seen: &SealedValue,
        sealed: &[u8],
    ) -> Result<bool, StoreError> {
        sealed::put(&mut self.inner, column, seen, sealed).await
    }

    async fn begin_master_rotation(&mut self, new: &NewMasterRotation) -> Result<(), StoreError> {
        master::begin(&mut self.inner, new).await
    }

    async fn count_sealed_anew(&mut self, values: u64) -> Result<(), StoreError> {
        master::count_done(&mut self.inner, values).await
    }

    async fn end_master_rotation(
        &mut self,
        in_use: KeyId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        master::end(&mut self.inner, in_use, at).await
    }

    async fn put_registry(&mut self, registry: &RegistryRecord) -> Result<(), StoreError> {
        master::put_registry(&mut self.inner, registry).await
    }

    async fn forget_registries(&mut self, before: Timestamp) -> Result<(), StoreError> {
        master::forget_registries(&mut self.inner, before).await
    }

    async fn delete_registry(&mut self, instance: &[u8; 16]) -> Result<(), StoreError> {
        master::delete_registry(&mut self.inner, instance).await
    }
}
