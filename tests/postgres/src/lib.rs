//! A PostgreSQL server for tests and measurements.
//!
//! How to use it: `Database::migrated().await` is a new database with the registry's tables, `database.url()` says how to
//! connect, and dropping it drops it. All databases of a process lie on one server, which is started at the first use and
//! ends with the process, however that ends. Tests that stop the server start one of their own: [`Server::start`].
//!
//! The server is the one that `TEST_POSTGRES_URL` names (its user must be allowed to create databases), or is started from
//! what is installed: `pg_config --bindir`, Debian's `/usr/lib/postgresql/*/bin`, or the search path. Root, whom PostgreSQL
//! refuses, runs it as the user `postgres`, or as `nobody`.
//!
//! `TEST_DATABASE=postgres` makes the tests of the registry that take any database take this one: see [`wanted`].

mod database;
mod install;
mod server;

pub use database::Database;
pub use server::Server;

/// Whether tests that take any database are to take PostgreSQL: `TEST_DATABASE` is `postgres` rather than `sqlite` or
/// nothing.
pub fn wanted() -> bool {
    match std::env::var("TEST_DATABASE").as_deref() {
        Ok("postgres") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("TEST_DATABASE must be sqlite or postgres, not {other}"),
    }
}
