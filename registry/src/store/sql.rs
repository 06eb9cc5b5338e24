//! Both databases: every verb in one statement or a few, in words that both understand. What differs between them lies in
//! `sqlite.rs` and `postgres.rs`, and in the statements that have two texts.

use std::{
    collections::HashSet,
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use tokio::sync::watch;

use self::{
    connection::Connection, database::Database, log::Notes, postgres::PostgresDatabase,
    sqlite::SqliteDatabase, wake::Heads,
};
use super::{
    JournalReads as _, OpenError, ReadTransaction, Stamp, Store, StoreError, WriteTransaction,
};
use crate::{
    clock::Timestamp,
    entropy::Entropy,
    ids::{GroupId, SecretId},
    journal::{Journal, Revocation, Revoked},
    secrets::Keys,
};

mod access_token;
mod admission;
mod application;
mod audit;
mod authorization;
mod catalog;
mod chain;
mod connection;
mod copy;
mod credential;
mod data_keys;
mod database;
mod deployment;
mod evidence;
mod export;
mod feed;
mod forgetting;
mod gateway;
mod idempotency;
mod installation;
mod issuer;
mod journal;
mod keeping;
mod key;
mod leak;
mod log;
mod master;
mod migrations;
mod name;
mod oauth_client;
mod operation;
mod organization;
mod postgres;
mod provider;
mod read;
mod registration;
mod rekeying;
mod rendering;
mod restoring;
mod rotation;
mod sealed;
mod search;
mod secret;
mod sqlite;
mod switch;
mod token;
mod usage;
mod username;
mod value;
mod wake;
mod witness;
mod write;

#[cfg(test)]
mod tests;

pub use catalog::{Column, Kind, Table};
pub use copy::{Cell, Dump, Load, Location};
pub use evidence::Evidence;
pub use postgres::PostgresPlace;
pub(crate) use sqlite::READERS;

/// Either database.
pub struct SqlStore {
    database: Database,
    heads: Arc<Heads>,
    /// Where revocations are written a second time.
    journal: OnceLock<Arc<Journal>>,
}

/// A transaction. Dropped without a commit, it is rolled back.
struct SqlTransaction {
    inner: Connection,
    /// What the transaction changed, so far.
    notes: Notes,
    /// Groups that the transaction made: nobody follows them yet, so what changes for them is not noted.
    new_groups: HashSet<GroupId>,
    heads: Arc<Heads>,
    /// What the transaction revoked, so far.
    revoked: Vec<Revoked>,
    /// Secrets that retire, or are the current ones again, so far.
    turned: Vec<SecretId>,
    journal: Option<Arc<Journal>>,
    /// Where the audit log's chain begins and ends, as this transaction leaves it.
    chain: chain::KnownState,
}

impl SqlStore {
    /// Opens the embedded database, after making it where there is none, and brings its tables up to date.
    pub async fn open_sqlite(
        path: &Path,
        keys: &Keys,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, OpenError> {
        let database = SqliteDatabase::open(path).await?;
        Self::open(Database::Sqlite(database), keys, now, entropy).await
    }

    /// Opens the embedded database to read it, as it is, beside a registry that may serve it.
    pub async fn look_sqlite(path: &Path, keys: &Keys) -> Result<Self, OpenError> {
        Self::look(Database::Sqlite(SqliteDatabase::look(path).await?), keys).await
    }

    /// The same of a database on a PostgreSQL server.
    pub async fn look_postgres(url: &str, keys: &Keys) -> Result<Self, OpenError> {
        let database = PostgresDatabase::open(PostgresPlace { url, readers: 1 }).await?;
        Self::look(Database::Postgres(database), keys).await
    }

    async fn look(database: Database, keys: &Keys) -> Result<Self, OpenError> {
        let revision = installation::look(&database, keys).await?;
        Ok(Self::at(database, revision))
    }

    /// Connects to a PostgreSQL server, and brings the tables up to date.
    pub async fn open_postgres(
        place: PostgresPlace<'_>,
        keys: &Keys,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, OpenError> {
        let database = PostgresDatabase::open(place).await?;
        Self::open(Database::Postgres(database), keys, now, entropy).await
    }

    /// Opens a database that was filled from a backup, on which no registry starts yet.
    pub async fn open_restored(
        location: Location<'_>,
        keys: &Keys,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, OpenError> {
        let database = match location {
            Location::File(path) => Database::Sqlite(SqliteDatabase::open(path).await?),
            Location::Server(url) => {
                Database::Postgres(PostgresDatabase::open(PostgresPlace { url, readers: 1 }).await?)
            }
        };
        Self::prepare(database, keys, now, entropy).await
    }

    /// Whether a registry has used the database on the server at `url` already.
    pub async fn is_filled(url: &str) -> Result<bool, OpenError> {
        let database = PostgresDatabase::open(PostgresPlace { url, readers: 1 }).await?;
        let filled =
            installation::is_there(&mut Connection::Postgres(database.read().await?)).await;
        database.close().await;
        Ok(filled?)
    }

    async fn open(
        database: Database,
        keys: &Keys,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, OpenError> {
        if restoring::is_in_progress(&mut database.read().await?).await? {
            return Err(OpenError::RestoreInProgress);
        }
        let store = Box::pin(Self::prepare(database, keys, now, entropy)).await?;
        // A restore that was under way shows once it has filled the database, for which this start has waited.
        if restoring::is_in_progress(&mut store.database.read().await?).await? {
            store.close().await;
            return Err(OpenError::RestoreInProgress);
        }
        Ok(store)
    }

    async fn prepare(
        database: Database,
        keys: &Keys,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, OpenError> {
        let revision = installation::prepare(&database, keys, now, entropy).await?;
        let store = Self::at(database, revision);
        store.database.follow(&store.heads).await?;
        Ok(store)
    }

    fn at(database: Database, revision: u64) -> Self {
        Self {
            database,
            heads: Arc::new(Heads::new(revision)),
            journal: OnceLock::new(),
        }
    }

    /// From now on, what is revoked is in the journal before a commit returns.
    pub fn keep_journal(&self, journal: Arc<Journal>) {
        // Given twice, it is the same one: a registry has one.
        let _ = self.journal.set(journal);
    }

    async fn settle(&self, doubtful: &[Revocation]) -> Result<(), StoreError> {
        let Some(journal) = self.journal.get() else {
            return Ok(());
        };
        // With the turn: whatever was committed without a word is over by then.
        let mut write = self.transaction(self.database.write().await?);
        let mut revoked = Vec::new();
        for one in doubtful {
            if write.is_revoked(&one.what).await? {
                revoked.push(*one);
            }
        }
        drop(write);
        journal.append(revoked).await
    }

    fn transaction(&self, inner: Connection) -> Box<SqlTransaction> {
        Box::new(SqlTransaction {
            inner,
            notes: Notes::default(),
            new_groups: HashSet::new(),
            heads: Arc::clone(&self.heads),
            revoked: Vec::new(),
            turned: Vec::new(),
            journal: self.journal.get().cloned(),
            chain: chain::KnownState::default(),
        })
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn read(&self) -> Result<Box<dyn ReadTransaction>, StoreError> {
        Ok(self.transaction(self.database.read().await?))
    }

    async fn write(&self) -> Result<Box<dyn WriteTransaction>, StoreError> {
        Ok(self.transaction(self.database.write().await?))
    }

    fn revision(&self) -> u64 {
        self.heads.revision()
    }

    fn watch(&self, group: GroupId) -> watch::Receiver<u64> {
        self.heads.watch(group)
    }

    fn generation(&self) -> watch::Receiver<u64> {
        self.heads.generation()
    }

    fn is_shared(&self) -> bool {
        matches!(self.database, Database::Postgres(_))
    }

    fn gateway_news(&self) -> watch::Receiver<u64> {
        self.heads.gateway_news()
    }

    async fn settle_doubts(&self) -> Result<(), StoreError> {
        let doubtful = self.heads.take_doubtful();
        if doubtful.is_empty() {
            return Ok(());
        }
        let settled = self.settle(&doubtful).await;
        if settled.is_err() {
            self.heads.doubt(doubtful);
        }
        settled
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.database.close().await;
        if let Some(journal) = self.journal.get() {
            journal.close().await;
        }
    }
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlStore")
    }
}

impl SqlTransaction {
    async fn count_turns(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for secret in std::mem::take(&mut self.turned) {
            let turn = switch::count_turn(&mut self.inner, secret, now).await?;
            self.revoked.extend(turn.map(Revoked::Turned));
        }
        Ok(())
    }

    async fn finish(mut self, stamp: Stamp) -> Result<u64, StoreError> {
        self.keep_chain_state().await?;
        self.count_turns(stamp.at).await?;
        let head = log::append(&mut self.inner, &self.notes, stamp).await?;
        let groups = self.notes.groups();
        if !groups.is_empty() {
            self.inner.announce(head, &groups).await?;
        }
        let revocation = |what| Revocation {
            what,
            at: stamp.at,
            revision: head,
        };
        let revoked: Vec<Revocation> = self.revoked.into_iter().map(revocation).collect();
        if let Err(error) = self.inner.commit().await {
            if self.journal.is_some() && matches!(error, StoreError::Unavailable(_)) {
                self.heads.doubt(revoked);
            }
            return Err(error);
        }
        // Gateways need not wait for the journal.
        self.heads.rise(head, groups);
        if let Some(journal) = self.journal {
            journal.append(revoked).await?;
        }
        Ok(head)
    }
}

#[cfg(test)]
impl SqlStore {
    /// For tests that change what only another program would.
    pub(crate) async fn tamper(
        &self,
        (sqlite, postgres): (&'static str, &'static str),
        id: Option<String>,
    ) -> Result<(), StoreError> {
        let mut write = self.database.write().await?;
        let statement = connection::sql(connection::Sql { sqlite, postgres });
        let statement = match id {
            Some(id) => statement.bind(id),
            None => statement,
        };
        statement.execute(&mut write).await?;
        write.commit().await
    }

    /// For tests that show what taking turns is for: a transaction that writes whoever else does.
    pub(crate) async fn write_out_of_turn(&self) -> Result<Box<dyn WriteTransaction>, StoreError> {
        let transaction = self.postgres().begin().await?;
        Ok(self.transaction(Connection::Postgres(transaction)))
    }

    /// For tests that look at the tables: the number that a query answers, as `number`.
    pub(crate) async fn number(&self, query: &'static str) -> Result<i64, StoreError> {
        let mut read = self.database.read().await?;
        let row = connection::sql(query).fetch_one(&mut read).await?;
        row.try_get("number")
    }

    /// For tests that look at the embedded database's plans.
    pub(crate) fn sqlite(&self) -> &sqlx::SqlitePool {
        match &self.database {
            Database::Sqlite(database) => database.pool(),
            Database::Postgres(_) => panic!("not the embedded database"),
        }
    }

    /// For tests that look at PostgreSQL's plans.
    pub(crate) fn postgres(&self) -> &sqlx::PgPool {
        match &self.database {
            Database::Postgres(database) => database.pool(),
            Database::Sqlite(_) => panic!("not PostgreSQL"),
        }
    }
}
