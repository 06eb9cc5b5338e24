//! A database that was filled from a backup, until everything is revoked again that must be.

use super::connection::{Connection, Sql, sql};
use crate::store::StoreError;

pub(super) const IN_PROGRESS: Sql = Sql {
    sqlite: "select 1 from sqlite_master where type = 'table' and name = 'restore_in_progress'",
    postgres: "select 1 where to_regclass('restore_in_progress') is not null",
};

/// Whether the database must not be used yet.
pub(super) async fn is_in_progress(connection: &mut Connection) -> Result<bool, StoreError> {
    let table = sql(IN_PROGRESS).fetch_optional(connection).await?;
    Ok(table.is_some())
}

/// From now on it can be used.
pub(super) async fn end(connection: &mut Connection) -> Result<(), StoreError> {
    // Not among those whose plans are checked: mostly there is no such table.
    let statement = "drop table restore_in_progress";
    sql(statement).execute(connection).await?;
    Ok(())
}
