//! The steps by which the tables came to be what they are. Each database has its own, under the same names.

use sqlx::migrate::Migrator;

/// For the embedded database.
pub(super) static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");

/// For a PostgreSQL server.
pub(super) static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");
