//! Which registries serve the database, and which master keys each was given.

use std::fs;

use crate::{
    clock::Timestamp,
    entropy::EntropyError,
    environment::Environment,
    error::Error,
    keys::{self, rotation::REGISTRY_SILENT_AFTER},
    store::RegistryRecord,
};

/// This registry, as the others that serve the same database see it.
#[derive(Clone, Debug)]
pub struct Presence {
    instance: [u8; 16],
    name: String,
}

impl Presence {
    /// People know it by its machine and the address at which it listens.
    pub fn of(env: &Environment, address: &str) -> Result<Self, EntropyError> {
        // Every registry may listen at the same address of a machine of its own.
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = match host.trim() {
            "" => address.to_owned(),
            host => format!("{address} ({host})"),
        };
        Self::new(env, name)
    }

    /// People know it by this name.
    pub fn new(env: &Environment, name: String) -> Result<Self, EntropyError> {
        Ok(Self {
            instance: env.entropy.bytes()?,
            name,
        })
    }

    /// At the start: whoever had this machine's address before is gone, however it ended. Where two machines cannot be told
    /// apart by it, the other one says again that it is there.
    pub async fn arrive(&self, env: &Environment) -> Result<(), Error> {
        let mut write = env.store.write().await?;
        for known in write.registries(Timestamp::from_millis(0)).await? {
            if known.name == self.name && known.instance != self.instance {
                write.delete_registry(&known.instance).await?;
            }
        }
        env.commit(write).await?;
        Ok(())
    }

    /// Says that it is there, and which master keys it holds; forgets those that have not said so for long. An error where
    /// the master key in use is not among its own: then it can read nothing that is written from now on.
    pub async fn announce(&self, env: &Environment) -> Result<(), Error> {
        let mut write = env.store.write().await?;
        let record = RegistryRecord {
            instance: self.instance,
            name: self.name.clone(),
            master_keys: env.keys.ids(),
            seen_at: env.now(),
        };
        write.put_registry(&record).await?;
        let before = env.now().before(REGISTRY_SILENT_AFTER);
        write.forget_registries(before).await?;
        env.sealer(write.as_mut()).await?;
        // Another registry may have replaced the master key, and the key of the audit log with it.
        keys::reload(env, write.as_mut()).await?;
        env.commit(write).await?;
        Ok(())
    }

    /// Says that it is no more.
    pub async fn leave(&self, env: &Environment) -> Result<(), Error> {
        let mut write = env.store.write().await?;
        write.delete_registry(&self.instance).await?;
        env.commit(write).await?;
        Ok(())
    }
}
