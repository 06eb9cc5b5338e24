//! A PostgreSQL server, for several registries that share it.

use std::{
    io,
    str::FromStr as _,
    sync::{Arc, OnceLock},
    time::Duration,
};

use sqlx::{
    Connection as _, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use tokio::time::timeout;

use self::listen::Listening;
use super::migrations;
use super::wake::Heads;
use crate::store::{OpenError, StoreError};

mod compare;
mod listen;
mod open;

pub(super) use listen::{announce, announce_gateways};

const PING: &str = "select 1";
/// One writer at a time, of all registries: revisions are committed in their order, and what a writer has read is true
/// until it commits. The number is this product's own ("keysmith" in ASCII); the lock ends with the transaction.
pub(super) const TAKE_TURN: &str = "select pg_advisory_xact_lock(7738160033391571048)";
/// Each statement sees what was committed before it, whatever the server's settings say: what was is seen once the turn has
/// come, and not as it was when the wait for it began.
const BEGIN_WRITE: &str = "begin isolation level read committed, read write";
const BEGIN_READ: &str = "begin isolation level repeatable read, read only";
/// The snapshot is taken by the first statement, not by `begin`.
const LOOK: &str = "select 1";
/// For a connection, before the request is told that the database is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// For a turn to write among the requests of this registry.
const WRITER_PATIENCE: Duration = Duration::from_secs(10);
/// A commit that was answered survives a crash of the server, whatever its settings say of others: a credential that was
/// revoked stays revoked. A setting that waits for more, such as standbys, stays.
const WAIT_FOR_THE_DISK: &str = "select set_config('synchronous_commit', 'on', false)
     where current_setting('synchronous_commit') = 'off'";
/// A statement that takes longer is given up, also one that waits for another registry's turn to end. Milliseconds.
const STATEMENT_TIMEOUT: &str = "60000";
/// For an answer. The server gives a statement up sooner: one that does not answer is gone, whatever becomes of the connection
/// to it, which nobody may ever close.
const ANSWER_PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 15 } else { 65 });
/// A transaction of a registry that hangs or is cut off gives its turn up. Milliseconds.
const IDLE_TIMEOUT: &str = "30000";

/// Where the database is.
#[derive(Clone, Copy)]
pub struct PostgresPlace<'a> {
    /// `postgres://…`, with the password.
    pub url: &'a str,
    /// Connections for reading, at most.
    pub readers: u32,
}

/// Connections to the server.
pub(super) struct PostgresDatabase {
    options: PgConnectOptions,
    readers: PgPool,
    /// One: only one transaction writes at a time, and those that wait for their turn leave the readers alone.
    writer: PgPool,
    listening: OnceLock<Listening>,
    /// What is known of the log, once it is followed: every new connection is to a server that has the same.
    heads: Arc<OnceLock<Arc<Heads>>>,
}

impl PostgresDatabase {
    /// Connects, and makes sure that the server can be worked with.
    pub(super) async fn open(place: PostgresPlace<'_>) -> Result<Self, OpenError> {
        let options = PgConnectOptions::from_str(place.url)
            .map_err(|_| OpenError::Server(open::UNREADABLE.to_owned()))?
            .application_name("keysmith");
        open::examine(&options).await?;
        let limited = options.clone().options([
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
        ]);
        let heads = Arc::new(OnceLock::new());
        Ok(Self {
            options,
            readers: pool(&heads)
                .max_connections(place.readers)
                .acquire_timeout(PATIENCE)
                .connect_lazy_with(limited.clone()),
            writer: pool(&heads)
                .max_connections(1)
                .acquire_timeout(WRITER_PATIENCE)
                .connect_lazy_with(limited),
            listening: OnceLock::new(),
            heads,
        })
    }

    pub(super) async fn read(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut transaction = answered(self.readers.begin_with(BEGIN_READ)).await?;
        answered(sqlx::query(LOOK).execute(&mut *transaction)).await?;
        Ok(transaction)
    }

    pub(super) async fn write(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut transaction = answered(self.writer.begin_with(BEGIN_WRITE)).await?;
        answered(sqlx::query(TAKE_TURN).execute(&mut *transaction)).await?;
        Ok(transaction)
    }

    pub(super) async fn migrate(&self) -> Result<(), OpenError> {
        // Without a time limit: on many rows it takes what it takes.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_with(self.options.clone())
            .await?;
        let done = migrations::POSTGRES.run(&pool).await;
        pool.close().await;
        Ok(done?)
    }

    /// From now on hears of what other registries commit.
    pub(super) async fn follow(&self, heads: &Arc<Heads>) -> Result<(), StoreError> {
        // There is no second time, here or below.
        let _ = self.heads.set(Arc::clone(heads));
        let listening = Listening::begin(&self.options, &self.readers, heads).await?;
        let _ = self.listening.set(listening);
        Ok(())
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        let answer = within(PATIENCE, sqlx::query(PING).execute(&self.readers));
        answer.await?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        if let Some(listening) = self.listening.get() {
            listening.end();
        }
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// What the server answers, if it does.
pub(super) fn answered<T>(
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> impl Future<Output = Result<T, StoreError>> {
    let answer = within(ANSWER_PATIENCE, work);
    async { Ok(answer.await?) }
}

/// Boxed: it is part of every transaction's future, several times.
fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> impl Future<Output = Result<T, sqlx::Error>> {
    let waited = Box::pin(timeout(patience, work));
    async {
        let away = |_| io::Error::new(io::ErrorKind::TimedOut, "the server does not answer");
        waited.await.map_err(away)?
    }
}

/// What was given up goes back to the others only if its server still answers. What was committed need not be asked.
async fn is_of_use(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    if connection.should_flush() {
        within(PATIENCE, connection.ping()).await?;
    }
    Ok(true)
}

/// Connections that are used only while they are to a server with the log that is known.
fn pool(heads: &Arc<OnceLock<Arc<Heads>>>) -> PgPoolOptions {
    let (connected, acquired) = (Arc::clone(heads), Arc::clone(heads));
    PgPoolOptions::new()
        .after_connect(move |connection, _| {
            let heads = connected.get().cloned();
            Box::pin(async move {
                sqlx::query(WAIT_FOR_THE_DISK)
                    .execute(&mut *connection)
                    .await?;
                if let Some(heads) = heads {
                    compare::compare(connection, &heads).await?;
                }
                Ok(())
            })
        })
        .before_acquire(move |_, about| {
            let heads = acquired.get();
            let is_outdated = heads.is_some_and(|heads| heads.is_outdated(about.age));
            Box::pin(async move { Ok(!is_outdated) })
        })
        .after_release(|connection, _| Box::pin(is_of_use(connection)))
}

#[cfg(test)]
impl PostgresDatabase {
    /// For tests that look at the plans.
    pub(super) const fn pool(&self) -> &PgPool {
        &self.readers
    }
}
