//! The embedded database: one file, write-ahead log, one writer.

use std::{path::Path, time::Duration};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::migrations;
use crate::store::{OpenError, StoreError};

/// Readers at the same time.
pub(crate) const READERS: u8 = 4;
/// What each connection may keep of the file in memory, in KiB as SQLite writes it: the default of 2 MB makes a snapshot
/// of many credentials read the same pages again and again.
const CACHE: &str = "-32768";
const PING: &str = "select 1";
const CHECKPOINT: &str = "pragma wal_checkpoint(truncate)";
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections to the file.
pub(super) struct SqliteDatabase {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl SqliteDatabase {
    /// Opens the file, after making it where there is none.
    pub(super) async fn open(path: &Path) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit that was answered survives a loss of power: a credential that was revoked stays revoked.
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", CACHE)
            .optimize_on_close(true, 400);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(u32::from(READERS))
            .connect_lazy_with(options.pragma("query_only", "on"));
        Ok(Self { readers, writer })
    }

    /// Opens a file that is there, to read it. A registry may serve it.
    pub(super) async fn look(path: &Path) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("query_only", "on")
            .pragma("cache_size", CACHE);
        let readers = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        // Never connected: nothing is written.
        let writer = SqlitePoolOptions::new().connect_lazy_with(options);
        Ok(Self { readers, writer })
    }

    pub(super) async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.readers.begin().await?)
    }

    pub(super) async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        // Immediate: what is read before the first write is still true when it is written.
        Ok(self.writer.begin_with("begin immediate").await?)
    }

    pub(super) async fn migrate(&self) -> Result<(), OpenError> {
        // By the pool: with a connection, the future is not `Send` (rust-lang/rust#100013).
        Ok(migrations::SQLITE.run(&self.writer).await?)
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query(PING).execute(&self.readers).await?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        // So that the one file holds everything, and a copy of it is a backup.
        let checkpoint = sqlx::query(CHECKPOINT);
        if let Err(error) = checkpoint.execute(&self.writer).await {
            tracing::warn!(%error, "the write-ahead log stays beside the database");
        }
        self.writer.close().await;
    }
}

#[cfg(test)]
impl SqliteDatabase {
    /// For tests that look at the tables.
    pub(super) const fn pool(&self) -> &SqlitePool {
        &self.readers
    }
}
