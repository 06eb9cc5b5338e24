//! The embedded database: one file, write-ahead log, one writer.

use std::{collections::HashSet, fmt, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::watch;

use self::{log::Notes, wake::Heads};
use super::{OpenError, ReadTransaction, Stamp, Store, StoreError, WriteTransaction};
use crate::{clock::Timestamp, entropy::Entropy, ids::GroupId, secrets::Keys};

mod admission;
mod application;
mod audit;
mod credential;
mod deployment;
mod export;
mod feed;
mod forgetting;
mod gateway;
mod idempotency;
mod installation;
mod leak;
mod log;
mod name;
mod read;
mod rendering;
mod rotation;
mod search;
mod secret;
mod token;
mod usage;
mod username;
mod value;
mod wake;
mod write;

#[cfg(test)]
mod tests;

/// Readers at the same time.
pub(crate) const READERS: u8 = 4;
/// What each connection may keep of the file in memory, in KiB as SQLite writes it: the default of 2 MB makes a snapshot
/// of many credentials read the same pages again and again.
const CACHE: &str = "-32768";
const PING: &str = "select 1";
const CHECKPOINT: &str = "pragma wal_checkpoint(truncate)";
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The embedded database.
pub struct SqliteStore {
    readers: SqlitePool,
    writer: SqlitePool,
    heads: Arc<Heads>,
}

/// A transaction on either pool. Dropped without a commit, it is rolled back.
struct SqliteTransaction {
    inner: Transaction<'static, Sqlite>,
    /// What the transaction changed, so far.
    notes: Notes,
    /// Groups that the transaction made: nobody follows them yet, so what changes for them is not noted.
    new_groups: HashSet<GroupId>,
    heads: Arc<Heads>,
}

impl SqliteStore {
    /// Opens the database, after making it where there is none, and brings its tables up to date.
    pub async fn open(
        path: &Path,
        keys: &Keys,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, OpenError> {
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
        let revision = installation::prepare(&writer, keys, now, entropy).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(u32::from(READERS))
            .connect_with(options.pragma("query_only", "on"))
            .await?;
        Ok(Self {
            readers,
            writer,
            heads: Arc::new(Heads::new(revision)),
        })
    }

    fn transaction(&self, inner: Transaction<'static, Sqlite>) -> Box<SqliteTransaction> {
        Box::new(SqliteTransaction {
            inner,
            notes: Notes::default(),
            new_groups: HashSet::new(),
            heads: Arc::clone(&self.heads),
        })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn read(&self) -> Result<Box<dyn ReadTransaction>, StoreError> {
        Ok(self.transaction(self.readers.begin().await?))
    }

    async fn write(&self) -> Result<Box<dyn WriteTransaction>, StoreError> {
        // Immediate: what is read before the first write is still true when it is written.
        Ok(self.transaction(self.writer.begin_with("begin immediate").await?))
    }

    fn revision(&self) -> u64 {
        self.heads.revision()
    }

    fn watch(&self, group: GroupId) -> watch::Receiver<u64> {
        self.heads.watch(group)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query(PING).execute(&self.readers).await?;
        Ok(())
    }

    async fn close(&self) {
        self.readers.close().await;
        // So that the one file holds everything, and a copy of it is a backup.
        let checkpoint = sqlx::query(CHECKPOINT);
        if let Err(error) = checkpoint.execute(&self.writer).await {
            tracing::warn!(%error, "the write-ahead log stays beside the database");
        }
        self.writer.close().await;
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteStore")
    }
}

impl SqliteTransaction {
    async fn finish(mut self, stamp: Stamp) -> Result<u64, StoreError> {
        let head = log::append(&mut self.inner, &self.notes, stamp).await?;
        self.inner.commit().await?;
        self.heads.rise(head, self.notes.groups());
        Ok(head)
    }
}

#[cfg(test)]
impl SqliteStore {
    /// For tests that look at the tables.
    pub(crate) const fn pool(&self) -> &SqlitePool {
        &self.readers
    }
}
