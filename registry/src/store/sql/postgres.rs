//! A PostgreSQL server, for several registries that share it.

use sqlx::{PgPool, Postgres, Transaction, postgres::PgPoolOptions};

use super::migrations;
use crate::store::{OpenError, StoreError};

const PING: &str = "select 1";
/// One writer at a time, of all registries: revisions are committed in their order, and what a writer has read is true
/// until it commits. The number is this product's own ("keysmith" in ASCII); the lock ends with the transaction.
pub(super) const TAKE_TURN: &str = "select pg_advisory_xact_lock(7738160033391571048)";

/// Connections to the server.
pub(super) struct PostgresDatabase {
    pool: PgPool,
}

impl PostgresDatabase {
    /// Connects.
    pub(super) async fn open(url: &str) -> Result<Self, OpenError> {
        Ok(Self {
            pool: PgPoolOptions::new().connect(url).await?,
        })
    }

    pub(super) async fn read(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let begin = "begin isolation level repeatable read, read only";
        Ok(self.pool.begin_with(begin).await?)
    }

    pub(super) async fn write(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(TAKE_TURN).execute(&mut *transaction).await?;
        Ok(transaction)
    }

    pub(super) async fn migrate(&self) -> Result<(), OpenError> {
        Ok(migrations::POSTGRES.run(&self.pool).await?)
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query(PING).execute(&self.pool).await?;
        Ok(())
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}
