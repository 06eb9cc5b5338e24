//! Where a registry under test keeps what it must not forget.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use private_postgres::Database;
use tempfile::TempDir;

use super::DATABASE;
use crate::{
    clock::Timestamp,
    entropy::SeededEntropy,
    secrets::Keys,
    store::{
        OpenError,
        sql::{Location, PostgresPlace, SqlStore},
    },
};

/// A folder, and the database: a file there, or one on the PostgreSQL server for tests.
pub(crate) struct Home {
    folder: TempDir,
    file: PathBuf,
    postgres: Option<Arc<Database>>,
}

/// What a database held at some moment.
pub(crate) enum Kept {
    File(Vec<u8>),
    Server(Database),
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
    pub(crate) fn within(folder: TempDir) -> Self {
        Self::of(folder, None)
    }

    fn of(folder: TempDir, postgres: Option<Arc<Database>>) -> Self {
        Self {
            file: folder.path().join(DATABASE),
            folder,
            postgres,
        }
    }

    /// The same as this one's kind of database, with nothing in it.
    pub(crate) async fn empty(&self) -> Self {
        let postgres = match &self.postgres {
            None => None,
            Some(_) => Some(Arc::new(Database::empty().await)),
        };
        Self::of(tempfile::tempdir().unwrap(), postgres)
    }

    /// On a PostgreSQL server.
    pub(crate) async fn postgres() -> Self {
        let database = Database::migrated().await;
        Self::of(tempfile::tempdir().unwrap(), Some(Arc::new(database)))
    }

    /// For another registry on the same database.
    pub(crate) fn beside(&self) -> Self {
        Self::of(tempfile::tempdir().unwrap(), self.postgres.clone())
    }

    /// How the database on a server is reached.
    pub(crate) fn url(&self) -> Option<&str> {
        self.postgres.as_deref().map(Database::url)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the database is.
    pub(crate) fn location(&self) -> Location<'_> {
        self.url()
            .map_or(Location::File(&self.file), Location::Server)
    }

    /// What the database holds now, while nobody uses it.
    pub(crate) async fn keep(&self) -> Kept {
        match &self.postgres {
            None => Kept::File(fs::read(&self.file).unwrap()),
            Some(database) => Kept::Server(database.copy().await),
        }
    }

    /// Puts back what the database held.
    pub(crate) async fn put_back(&mut self, kept: &Kept) {
        match kept {
            Kept::File(bytes) => fs::write(&self.file, bytes).unwrap(),
            Kept::Server(database) => self.postgres = Some(Arc::new(database.copy().await)),
        }
    }

    pub(crate) async fn open(
        &self,
        keys: &Keys,
        now: Timestamp,
        entropy: &SeededEntropy,
    ) -> Result<SqlStore, OpenError> {
        match &self.postgres {
            None => SqlStore::open_sqlite(&self.file, keys, now, entropy).await,
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
