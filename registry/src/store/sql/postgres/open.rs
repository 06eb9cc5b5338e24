//! What is wrong with a server, in words that say what to do.

use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgConnectOptions};
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
    tracing::info!(version = shown, "connected to PostgreSQL");
    Ok(())
}

const fn refusal(reason: String) -> OpenError {
    OpenError::Server(reason)
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
