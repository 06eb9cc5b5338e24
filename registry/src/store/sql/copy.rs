//! Writing a whole database out, and filling an empty one: row by row, whatever the tables are.
//!
//! These are the only statements that are put together at run time, from the names in the database's own catalog. They
//! go beside the pools that serve requests, without their limits on time.

use std::{path::Path, str::FromStr as _, time::Duration};

use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Row as _,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow},
};

use super::{
    catalog::{self, Kind, Table},
    connection::{Connection, Sql, sql},
    installation, log, migrations,
    value::Columns,
};
use crate::store::{Head, OpenError, StoreError};

/// For whoever writes at the moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a database is.
#[derive(Clone, Copy)]
pub enum Location<'a> {
    /// The embedded database's file.
    File(&'a Path),
    /// The URL of a PostgreSQL server, with the password.
    Server(&'a str),
}

/// What one column of one row holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// See [`Kind::Flag`].
    Flag(Option<bool>),
    /// See [`Kind::Number`].
    Number(Option<i64>),
    /// See [`Kind::Text`].
    Text(Option<String>),
    /// See [`Kind::Bytes`].
    Bytes(Option<Vec<u8>>),
}

/// A database as it was when this began, while others go on writing.
pub struct Dump {
    connection: Connection,
    /// Its tables, each after those that it refers to.
    pub tables: Vec<Table>,
    /// The version of its tables.
    pub schema: i64,
    /// Where its log is.
    pub head: Head,
    /// What opens only under its master key.
    pub key_check: Vec<u8>,
}

pub(super) const SCHEMA: &str =
    "select coalesce(max(version), 0) as version from _sqlx_migrations where success";

pub(super) const MIGRATIONS_EXIST: Sql = Sql {
    sqlite: "select 1 from sqlite_master where type = 'table' and name = '_sqlx_migrations'",
    postgres: "select 1 where to_regclass('_sqlx_migrations') is not null",
};

/// The version of the tables; 0 where there are none.
pub(super) async fn schema(connection: &mut Connection) -> Result<i64, StoreError> {
    let exists = sql(MIGRATIONS_EXIST)
        .fetch_optional(&mut *connection)
        .await?;
    if exists.is_none() {
        return Ok(0);
    }
    let row = sql(SCHEMA).fetch_one(connection).await?;
    Columns(&row).number("version")
}

impl Dump {
    /// Begins to read a database that exists.
    pub async fn begin(location: Location<'_>) -> Result<Self, OpenError> {
        let mut connection = match Pool::open(location, false).await? {
            Pool::Sqlite(pool) => Connection::Sqlite(pool.begin().await?),
            Pool::Postgres(pool) => {
                let begin = "begin isolation level repeatable read, read only";
                Connection::Postgres(pool.begin_with(begin).await?)
            }
        };
        if !installation::is_there(&mut connection).await? {
            return Err(OpenError::Empty);
        }
        Ok(Self {
            schema: schema(&mut connection).await?,
            head: log::head(&mut connection).await?,
            key_check: installation::key_check(&mut connection).await?,
            tables: catalog::tables(&mut connection).await?,
            connection,
        })
    }

    pub(super) const fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Hands the table's rows over, one at a time.
    pub async fn rows<E: From<StoreError>>(
        &mut self,
        table: &Table,
        mut each: impl FnMut(Vec<Cell>) -> Result<(), E>,
    ) -> Result<(), E> {
        let names: Vec<String> = table.columns.iter().map(|one| quoted(&one.name)).collect();
        let text = format!("select {} from {}", names.join(", "), quoted(&table.name));
        let failed = |error: sqlx::Error| E::from(StoreError::from(error));
        match &mut self.connection {
            Connection::Sqlite(transaction) => {
                let mut rows = sqlx::query(AssertSqlSafe(text)).fetch(&mut **transaction);
                while let Some(row) = rows.try_next().await.map_err(failed)? {
                    each(sqlite_cells(&row, table).map_err(failed)?)?;
                }
            }
            Connection::Postgres(transaction) => {
                let mut rows = sqlx::query(AssertSqlSafe(text)).fetch(&mut **transaction);
                while let Some(row) = rows.try_next().await.map_err(failed)? {
                    each(postgres_cells(&row, table).map_err(failed)?)?;
                }
            }
        }
        Ok(())
    }
}

macro_rules! cells {
    ($name:ident, $row:ty) => {
        fn $name(row: &$row, table: &Table) -> Result<Vec<Cell>, sqlx::Error> {
            let columns = table.columns.iter().enumerate();
            columns
                .map(|(place, column)| {
                    Ok(match column.kind {
                        Kind::Flag => Cell::Flag(row.try_get(place)?),
                        Kind::Number => Cell::Number(row.try_get(place)?),
                        Kind::Text => Cell::Text(row.try_get(place)?),
                        Kind::Bytes => Cell::Bytes(row.try_get(place)?),
                    })
                })
                .collect()
        }
    };
}

cells!(sqlite_cells, SqliteRow);
cells!(postgres_cells, PgRow);

/// An empty database that is being filled, in one transaction. Until [`Self::commit`], nothing happened.
pub struct Load {
    connection: Connection,
    /// Its tables.
    pub tables: Vec<Table>,
}

/// No registry starts on a database with this table: what was revoked may not be revoked again yet. It is no part of the
/// tables that have versions, so that it can be made beside tables of any.
pub(super) const BEGIN_RESTORE: &str = "create table restore_in_progress (since bigint not null)";

pub(super) const NEW_EPOCH: &str = "update installation set epoch = $1";

impl Load {
    /// Makes the tables of this version in an empty database, and begins to fill them.
    pub async fn begin(location: Location<'_>, version: i64) -> Result<Self, OpenError> {
        let pool = Pool::open(location, true).await?;
        let mut connection = pool.begin().await?;
        let there = installation::is_there(&mut connection).await?;
        let at = schema(&mut connection).await?;
        if there || super::restoring::is_in_progress(&mut connection).await? {
            return Err(OpenError::NotEmpty);
        }
        if at > version {
            return Err(OpenError::NewerTables {
                at,
                wanted: version,
            });
        }
        drop(connection);
        pool.migrate_to(version).await?;
        let mut connection = pool.begin().await?;
        sql(BEGIN_RESTORE).execute(&mut connection).await?;
        Ok(Self {
            tables: catalog::tables(&mut connection).await?,
            connection,
        })
    }

    /// Adds rows of a table.
    pub async fn insert(&mut self, table: &Table, rows: Vec<Vec<Cell>>) -> Result<(), StoreError> {
        let is_sqlite = matches!(self.connection, Connection::Sqlite(_));
        let text = insertion(table, rows.len(), is_sqlite);
        let cells = rows.into_iter().flatten();
        macro_rules! insert {
            ($transaction:expr) => {{
                let mut statement = sqlx::query(AssertSqlSafe(text));
                for cell in cells {
                    statement = match cell {
                        Cell::Flag(value) => statement.bind(value),
                        Cell::Number(value) => statement.bind(value),
                        Cell::Text(value) => statement.bind(value),
                        Cell::Bytes(value) => statement.bind(value),
                    };
                }
                statement.execute(&mut **$transaction).await?;
            }};
        }
        match &mut self.connection {
            Connection::Sqlite(transaction) => insert!(transaction),
            Connection::Postgres(transaction) => insert!(transaction),
        }
        Ok(())
    }

    /// Makes everything true at once, as a log of its own.
    pub async fn commit(mut self, epoch: [u8; 16]) -> Result<(), StoreError> {
        sql(NEW_EPOCH)
            .bind(epoch.as_slice())
            .execute(&mut self.connection)
            .await?;
        self.connection.commit().await
    }
}

/// `insert into … values ($1, $2), ($3, $4)`. To SQLite, `$1` is a name, which it looks for among all others at each value:
/// thousands of them take it a hundred times as long as `?`.
fn insertion(table: &Table, rows: usize, is_sqlite: bool) -> String {
    let names: Vec<String> = table.columns.iter().map(|one| quoted(&one.name)).collect();
    let width = table.columns.len();
    let row = |nth: usize| {
        let first = nth.saturating_mul(width);
        let places: Vec<String> = (1..=width)
            .map(|place| {
                if is_sqlite {
                    "?".to_owned()
                } else {
                    format!("${}", first.saturating_add(place))
                }
            })
            .collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    let (name, names) = (quoted(&table.name), names.join(", "));
    format!("insert into {name} ({names}) values {}", rows.join(", "))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// One connection, beside those that serve requests. That a statement takes long is not worth a word here.
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    async fn open(location: Location<'_>, may_write: bool) -> Result<Self, OpenError> {
        match location {
            Location::File(path) => {
                let mut options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(may_write)
                    .foreign_keys(true)
                    .busy_timeout(BUSY_TIMEOUT)
                    .disable_statement_logging();
                if !may_write {
                    options = options.pragma("query_only", "on");
                }
                let pool = SqlitePoolOptions::new().max_connections(1);
                Ok(Self::Sqlite(pool.connect_with(options).await?))
            }
            Location::Server(url) => {
                let options = PgConnectOptions::from_str(url)?
                    .application_name("keysmith")
                    .disable_statement_logging();
                let pool = PgPoolOptions::new().max_connections(1);
                Ok(Self::Postgres(pool.connect_with(options).await?))
            }
        }
    }

    async fn begin(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            Self::Sqlite(pool) => Connection::Sqlite(pool.begin_with("begin immediate").await?),
            Self::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                sqlx::query(super::postgres::TAKE_TURN)
                    .execute(&mut *transaction)
                    .await?;
                Connection::Postgres(transaction)
            }
        })
    }

    /// Only ever forward; a version that this program does not know is refused.
    async fn migrate_to(&self, version: i64) -> Result<(), OpenError> {
        let known = |migrator: &Migrator| {
            let known = migrator.version_exists(version);
            known.then_some(()).ok_or(OpenError::UnknownTables(version))
        };
        match self {
            Self::Sqlite(pool) => {
                known(&migrations::SQLITE)?;
                Ok(migrations::SQLITE.run_to(version, pool).await?)
            }
            Self::Postgres(pool) => {
                known(&migrations::POSTGRES)?;
                Ok(migrations::POSTGRES.run_to(version, pool).await?)
            }
        }
    }
}
