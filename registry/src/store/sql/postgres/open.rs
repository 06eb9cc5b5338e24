//! What is wrong with a server, in words that say what to do.

use std::net::IpAddr;

use sqlx::{
    Connection as _, PgConnection, Row as _,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::time::timeout;

use super::PATIENCE;
use crate::store::OpenError;

/// The oldest server that is supported, as PostgreSQL numbers versions.
const OLDEST: i32 = 130_000;
const EXAMINE: &str = "select cast(current_setting('server_version_num') as integer) as version,
        current_setting('server_version') as shown,
        pg_is_in_recovery() or cast(current_setting('default_transaction_read_only') as boolean) as read_only,
        current_setting('server_encoding') as encoding";

pub(super) const UNREADABLE: &str =
    "is not of the form postgres://user:password@host:port/database";

/// Connects once, to say clearly what does not work.
pub(super) async fn examine(options: &PgConnectOptions) -> Result<(), OpenError> {
    let connected = timeout(PATIENCE, PgConnection::connect_with(options)).await;
    let mut connection = connected
        .map_err(|_| refusal(format!("{} does not answer", place(options))))?
        .map_err(|error| refusal(explain(options, &error)))?;
    let row = sqlx::query(EXAMINE).fetch_one(&mut connection).await?;
    let shown: String = row.try_get("shown")?;
    if row.try_get::<i32, _>("version")? < OLDEST {
        return Err(refusal(format!(
            "the server is PostgreSQL {shown}, and at least version 13 is needed"
        )));
    }
    if row.try_get("read_only")? {
        return Err(refusal(format!(
            "{} only reads: it is a standby, or read-only by its settings; name the primary server",
            place(options)
        )));
    }
    let encoding: String = row.try_get("encoding")?;
    if encoding != "UTF8" {
        return Err(refusal(format!(
            "the database's encoding is {encoding}: make it with encoding UTF8"
        )));
    }
    connection.close().await?;
    if is_open_to_others(options) {
        tracing::warn!(
            "the connection to {} may be read and changed on its way: set sslmode=verify-full in database_url",
            place(options)
        );
    }
    tracing::info!(version = shown, "connected to PostgreSQL");
    Ok(())
}

const fn refusal(reason: String) -> OpenError {
    OpenError::Server(reason)
}

/// Whether it leaves the machine without proof of whom it reaches: without `sslmode`, it is not even encrypted where the server
/// does not offer that.
fn is_open_to_others(options: &PgConnectOptions) -> bool {
    let is_here = options.get_socket().is_some()
        || options.get_host().starts_with('/')
        || options.get_host() == "localhost"
        || options
            .get_host()
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback());
    let is_proven = matches!(
        options.get_ssl_mode(),
        PgSslMode::VerifyCa | PgSslMode::VerifyFull
    );
    !is_here && !is_proven
}

/// Without user and password.
fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

fn explain(options: &PgConnectOptions, error: &sqlx::Error) -> String {
    let (server, user) = (place(options), options.get_username());
    let database = options.get_database().unwrap_or_default();
    match error {
        sqlx::Error::Database(said) => match said.code().as_deref() {
            Some("28P01" | "28000") => {
                format!("{server} refuses the user {user}: {}", said.message())
            }
            Some("3D000") => format!(
                "{server} has no database {database}: make it with createdb --encoding=UTF8 --owner={user} {database}"
            ),
            Some("42501") => format!("{server}: {} (grant it to {user})", said.message()),
            _ => format!("{server}: {}", said.message()),
        },
        sqlx::Error::Tls(cause) => format!("{server}: TLS: {cause}"),
        other => format!("{server} cannot be reached: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_leaves_the_machine_must_prove_whom_it_reaches() {
        for (place, is_open) in [
            ("localhost/k", false),
            ("127.0.0.1/k", false),
            ("localhost/k?host=/run/postgresql", false),
            ("db.internal/k", true),
            ("db.internal/k?sslmode=require", true),
            ("10.0.0.1/k?sslmode=disable", true),
            ("db.internal/k?sslmode=verify-full", false),
        ] {
            let options = format!("postgres://keysmith:secret@{place}")
                .parse()
                .unwrap();
            assert_eq!(is_open_to_others(&options), is_open, "{place}");
        }
    }
}
