//! Which registries serve the database, and which master keys each was given.

use crate::{
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
    /// `name` is by what people know it: the address at which it listens.
    pub fn new(env: &Environment, name: String) -> Result<Self, EntropyError> {
        Ok(Self {
            instance: env.entropy.bytes()?,
            name,
        })
    }

    /// Says that it is there, and which master keys it holds; forgets those that have not said so for long.
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
