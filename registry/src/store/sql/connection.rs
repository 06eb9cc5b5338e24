//! One language for both databases: a statement is prepared, its values bound and its rows read in the same words, so
//! that each verb is written once. Where the databases want different texts, a statement has both.

use std::collections::BTreeSet;

use sqlx::{
    Database, Decode, Postgres, Row as _, Sqlite, Transaction, Type, postgres::PgRow,
    sqlite::SqliteRow,
};

use super::postgres;
use crate::{ids::GroupId, store::StoreError};

/// A transaction on either database. Dropped without a commit, it is rolled back.
pub(super) enum Connection {
    /// On the embedded database.
    Sqlite(Transaction<'static, Sqlite>),
    /// On a PostgreSQL server.
    Postgres(Transaction<'static, Postgres>),
}

impl Connection {
    /// Tells other registries of the commit that follows, where there may be any.
    pub(super) async fn announce(
        &mut self,
        head: u64,
        groups: &BTreeSet<GroupId>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(transaction) => postgres::announce(transaction, head, groups).await,
        }
    }

    /// With the commit that follows, tells other registries that there is news of gateways, where there may be any.
    pub(super) async fn announce_gateways(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(transaction) => postgres::announce_gateways(transaction).await,
        }
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => postgres::answered(transaction.commit()).await?,
        }
        Ok(())
    }
}

/// The text of a statement. Parameters are `$1`, `$2`, … for both databases.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sql {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

impl From<&'static str> for Sql {
    fn from(both: &'static str) -> Self {
        Self {
            sqlite: both,
            postgres: both,
        }
    }
}

/// A statement of which only parts differ: what both understand, and in braces what SQLite and what PostgreSQL reads.
macro_rules! texts {
    ($($part:tt)+) => {
        crate::store::sql::connection::Sql {
            sqlite: concat!($(crate::store::sql::connection::part!(sqlite $part)),+),
            postgres: concat!($(crate::store::sql::connection::part!(postgres $part)),+),
        }
    };
}

macro_rules! part {
    (sqlite { $sqlite:literal | $postgres:literal }) => {
        $sqlite
    };
    (postgres { $sqlite:literal | $postgres:literal }) => {
        $postgres
    };
    ($side:ident $both:literal) => {
        $both
    };
}

pub(super) use {part, texts};

/// A value on its way into a statement. A missing one has a type as well, which PostgreSQL wants to know.
#[derive(Debug)]
pub(super) enum Value {
    Flag(Option<bool>),
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($from:ty: $variant:ident, $name:ident => $into:expr;)+) => {
        $(
            impl From<$from> for Value {
                fn from($name: $from) -> Self {
                    Self::$variant(Some($into))
                }
            }
            impl From<Option<$from>> for Value {
                fn from(value: Option<$from>) -> Self {
                    Self::$variant(value.map(|$name| $into))
                }
            }
        )+
    };
}

values! {
    bool: Flag, it => it;
    i64: Number, it => it;
    i32: Number, it => i64::from(it);
    String: Text, it => it;
    &String: Text, it => it.clone();
    &str: Text, it => it.to_owned();
    Vec<u8>: Bytes, it => it;
    &Vec<u8>: Bytes, it => it.clone();
    &[u8]: Bytes, it => it.to_vec();
}

impl From<&Option<String>> for Value {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.clone())
    }
}

impl From<&Option<Vec<u8>>> for Value {
    fn from(value: &Option<Vec<u8>>) -> Self {
        Self::Bytes(value.clone())
    }
}

/// A statement with the values that it takes so far.
#[derive(Debug)]
pub(super) struct Query {
    sql: Sql,
    values: Vec<Value>,
}

/// Begins a statement.
pub(super) fn sql(text: impl Into<Sql>) -> Query {
    Query {
        sql: text.into(),
        values: Vec::new(),
    }
}

/// What a statement did that answers no rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done(u64);

impl Done {
    pub(super) const fn rows_affected(self) -> u64 {
        self.0
    }
}

/// Binds what was collected; the same words for types that have no trait in common.
macro_rules! bound {
    ($sql:expr, $values:expr) => {{
        let mut statement = sqlx::query($sql);
        for value in $values {
            statement = match value {
                Value::Flag(value) => statement.bind(value),
                Value::Number(value) => statement.bind(value),
                Value::Text(value) => statement.bind(value),
                Value::Bytes(value) => statement.bind(value),
            };
        }
        statement
    }};
}

impl Query {
    /// The next parameter.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(super) async fn execute(self, connection: &mut Connection) -> Result<Done, StoreError> {
        let rows = match connection {
            Connection::Sqlite(transaction) => {
                let statement = bound!(self.sql.sqlite, self.values);
                statement.execute(&mut **transaction).await?.rows_affected()
            }
            Connection::Postgres(transaction) => {
                let statement = bound!(self.sql.postgres, self.values);
                let done = postgres::answered(statement.execute(&mut **transaction));
                done.await?.rows_affected()
            }
        };
        Ok(Done(rows))
    }

    pub(super) async fn fetch_all(
        self,
        connection: &mut Connection,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(match connection {
            Connection::Sqlite(transaction) => {
                let statement = bound!(self.sql.sqlite, self.values);
                let rows = statement.fetch_all(&mut **transaction).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Connection::Postgres(transaction) => {
                let statement = bound!(self.sql.postgres, self.values);
                let rows = postgres::answered(statement.fetch_all(&mut **transaction));
                rows.await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(super) async fn fetch_optional(
        self,
        connection: &mut Connection,
    ) -> Result<Option<Row>, StoreError> {
        Ok(match connection {
            Connection::Sqlite(transaction) => {
                let statement = bound!(self.sql.sqlite, self.values);
                statement
                    .fetch_optional(&mut **transaction)
                    .await?
                    .map(Row::Sqlite)
            }
            Connection::Postgres(transaction) => {
                let statement = bound!(self.sql.postgres, self.values);
                postgres::answered(statement.fetch_optional(&mut **transaction))
                    .await?
                    .map(Row::Postgres)
            }
        })
    }

    /// The one row that there must be.
    pub(super) async fn fetch_one(self, connection: &mut Connection) -> Result<Row, StoreError> {
        let row = self.fetch_optional(connection).await?;
        Ok(row.ok_or(sqlx::Error::RowNotFound)?)
    }
}

/// What a statement answered.
pub(super) enum Row {
    /// From the embedded database.
    Sqlite(SqliteRow),
    /// From a PostgreSQL server.
    Postgres(PgRow),
}

/// What a column of both databases can be read as.
pub(super) trait FromColumn<'r>:
    FromColumnOf<'r, Sqlite> + FromColumnOf<'r, Postgres>
{
}
impl<'r, T: FromColumnOf<'r, Sqlite> + FromColumnOf<'r, Postgres>> FromColumn<'r> for T {}

/// What a column of one database can be read as.
pub(super) trait FromColumnOf<'r, D: Database>: Decode<'r, D> + Type<D> {}
impl<'r, D: Database, T: Decode<'r, D> + Type<D>> FromColumnOf<'r, D> for T {}

impl Row {
    pub(super) fn try_get<'r, T: FromColumn<'r>>(
        &'r self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }
}
