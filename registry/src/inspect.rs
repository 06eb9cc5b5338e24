//! Looking into a registry's database beside it: with the configuration that `serve` reads, while it runs or not.

use std::sync::Arc;

use crate::{
    config::Config,
    secrets::Keys,
    start::{DataDir, StartError},
    store::{OpenError, Store, sql::SqlStore},
};

/// A database that is only read.
#[derive(Debug)]
pub struct Inspection {
    /// Where things are kept.
    pub store: Arc<dyn Store>,
    /// What is derived from the master key.
    pub keys: Arc<Keys>,
}

/// Why nothing can be seen.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The data directory and what is in it.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database.
    #[error("cannot open {path}: {source}")]
    Open {
        /// Which.
        path: String,
        /// Why.
        source: OpenError,
    },
}

impl Inspection {
    /// Opens what the registry with this configuration uses. Makes and changes nothing.
    pub async fn open(config: &Config) -> Result<Self, InspectError> {
        let data = DataDir::beside(&config.data_dir);
        let path = data.database_path();
        // Not the address of a server, which has a password in it.
        let shown = match &config.database.url {
            Some(url) => url.origin().to_owned(),
            None => path.display().to_string(),
        };
        let keys = Arc::new(data.known_keys(&config.secrets, &shown)?);
        let store = match &config.database.url {
            Some(url) => SqlStore::look_postgres(url.expose(), &keys).await,
            None => SqlStore::look_sqlite(&path, &keys).await,
        };
        let store = store.map_err(|source| InspectError::Open {
            path: shown,
            source,
        })?;
        Ok(Self {
            store: Arc::new(store),
            keys,
        })
    }
}
