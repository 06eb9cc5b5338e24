//! The two databases, as far as they differ in more than the text of a statement.

use std::sync::Arc;

use super::{
    connection::Connection, postgres::PostgresDatabase, sqlite::SqliteDatabase, wake::Heads,
};
use crate::store::{OpenError, StoreError};

/// Connections to either database.
#[expect(clippy::large_enum_variant, reason = "there is one in the process")]
pub(super) enum Database {
    /// The embedded database.
    Sqlite(SqliteDatabase),
    /// A PostgreSQL server.
    Postgres(PostgresDatabase),
}

impl Database {
    /// Begins to read: everything that follows sees one moment.
    pub(super) async fn read(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            Self::Sqlite(database) => Connection::Sqlite(database.read().await?),
            Self::Postgres(database) => Connection::Postgres(database.read().await?),
        })
    }

    /// Begins to write once nobody else does, so that what is read is still true when it is written, and so that
    /// revisions are committed in their order.
    pub(super) async fn write(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            Self::Sqlite(database) => Connection::Sqlite(database.write().await?),
            Self::Postgres(database) => Connection::Postgres(database.write().await?),
        })
    }

    /// Brings the tables up to date.
    pub(super) async fn migrate(&self) -> Result<(), OpenError> {
        match self {
            Self::Sqlite(database) => database.migrate().await,
            Self::Postgres(database) => database.migrate().await,
        }
    }

    /// From now on hears of what other registries commit, where there may be any.
    pub(super) async fn follow(&self, heads: &Arc<Heads>) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(database) => database.follow(heads).await,
        }
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(database) => database.ping().await,
            Self::Postgres(database) => database.ping().await,
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(database) => database.close().await,
            Self::Postgres(database) => database.close().await,
        }
    }
}
