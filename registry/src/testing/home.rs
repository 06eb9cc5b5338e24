//! Where a registry under test keeps what it must not forget.

use std::{path::Path, sync::Arc};

use private_postgres::Database;
use tempfile::TempDir;

use super::DATABASE;
use crate::{
    clock::Timestamp,
    entropy::SeededEntropy,
    secrets::Keys,
    store::{
        OpenError,
        sql::{PostgresPlace, SqlStore},
    },
};

/// A folder, and the database: a file there, or one on the PostgreSQL server for tests.
pub(crate) struct Home {
    folder: TempDir,
    postgres: Option<Arc<Database>>,
}

impl Home {
    /// In the database that `TEST_DATABASE` says, the embedded one by itself.
    pub(crate) async fn any() -> Self {
        if private_postgres::wanted() {
            Self::postgres().await
        } else {
            Self::sqlite()
        }
    }

    /// In the embedded database, for claims about its file.
    pub(crate) fn sqlite() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    /// In the embedded database of this folder.
    pub(crate) const fn within(folder: TempDir) -> Self {
        Self {
            folder,
            postgres: None,
        }
    }

    /// On a PostgreSQL server.
    pub(crate) async fn postgres() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            postgres: Some(Arc::new(Database::migrated().await)),
        }
    }

    /// For another registry on the same database.
    pub(crate) fn beside(&self) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            postgres: self.postgres.clone(),
        }
    }

    /// How the database on a server is reached.
    pub(crate) fn url(&self) -> Option<&str> {
        self.postgres.as_deref().map(Database::url)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn open(
        &self,
        keys: &Keys,
        now: Timestamp,
        entropy: &SeededEntropy,
    ) -> Result<SqlStore, OpenError> {
        match &self.postgres {
            None => {
                let path = self.path().join(DATABASE);
                SqlStore::open_sqlite(&path, keys, now, entropy).await
            }
            Some(database) => {
                let place = PostgresPlace {
                    url: database.url(),
                    readers: 4,
                };
                SqlStore::open_postgres(place, keys, now, entropy).await
            }
        }
    }
}
