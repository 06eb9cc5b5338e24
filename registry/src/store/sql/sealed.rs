//! Everything that lies sealed under the master key, and how it is sealed anew. Statements stand in the order of
//! [`COLUMNS`].

use super::{
    connection::{Connection, sql},
    value::{Columns, number},
};
use crate::{
    sealing::{COLUMNS, KeyId},
    store::{SealedValue, StoreError},
};

pub(super) const COUNT: [&str; 9] = [
    "select count(*) as sealed from secrets",
    "select count(*) as sealed from secrets where recoverable is not null",
    "select count(*) as sealed from digest_keys",
    "select count(*) as sealed from data_keys",
    "select count(*) as sealed from identity_providers where sealed is not null",
    "select count(*) as sealed from oauth_clients where sealed is not null",
    "select count(*) as sealed from provider_operations",
    "select count(*) as sealed from signing_keys",
    "select count(*) as sealed from access_tokens",
];

/// What does not begin with the layout and the id of a key.
pub(super) const ELSEWHERE: [&str; 9] = [
    "select id as place, sealed from secrets
         where id > $1 and substr(sealed, 1, 5) <> $2 order by id limit $3",
    "select id as place, recoverable as sealed from secrets
         where id > $1 and recoverable is not null and substr(recoverable, 1, 5) <> $2 order by id limit $3",
    "select group_id || '/' || version as place, sealed from digest_keys
         where group_id || '/' || version > $1 and substr(sealed, 1, 5) <> $2 order by place limit $3",
    "select purpose || '/' || version as place, sealed from data_keys
         where purpose || '/' || version > $1 and substr(sealed, 1, 5) <> $2 order by place limit $3",
    "select id as place, sealed from identity_providers
         where id > $1 and sealed is not null and substr(sealed, 1, 5) <> $2 order by id limit $3",
    "select secret_id as place, sealed from oauth_clients
         where secret_id > $1 and sealed is not null and substr(sealed, 1, 5) <> $2 order by secret_id limit $3",
    "select id as place, sealed from provider_operations
         where id > $1 and substr(sealed, 1, 5) <> $2 order by id limit $3",
    "select id as place, sealed from signing_keys
         where id > $1 and substr(sealed, 1, 5) <> $2 order by id limit $3",
    "select id as place, sealed from access_tokens
         where id > $1 and substr(sealed, 1, 5) <> $2 order by id limit $3",
];

pub(super) const PUT: [&str; 9] = [
    "update secrets set sealed = $2 where id = $1 and sealed = $3",
    "update secrets set recoverable = $2 where id = $1 and recoverable = $3",
    "update digest_keys set sealed = $2 where group_id || '/' || version = $1 and sealed = $3",
    "update data_keys set sealed = $2 where purpose || '/' || version = $1 and sealed = $3",
    "update identity_providers set sealed = $2 where id = $1 and sealed = $3",
    "update oauth_clients set sealed = $2 where secret_id = $1 and sealed = $3",
    "update provider_operations set sealed = $2 where id = $1 and sealed = $3",
    "update signing_keys set sealed = $2 where id = $1 and sealed = $3",
    "update access_tokens set sealed = $2 where id = $1 and sealed = $3",
];

fn statement_for(
    column: &'static str,
    statements: [&'static str; 9],
) -> Result<&'static str, StoreError> {
    let mut pairs = COLUMNS.into_iter().zip(statements);
    let found = pairs.find(|(known, _)| *known == column);
    found
        .map(|(_, statement)| statement)
        .ok_or(StoreError::Unreadable(column))
}

pub(super) async fn count(
    connection: &mut Connection,
    column: &'static str,
) -> Result<u64, StoreError> {
    let statement = statement_for(column, COUNT)?;
    let row = sql(statement).fetch_one(connection).await?;
    Columns(&row).number("sealed")
}

/// Values that are sealed under another key, by row.
pub(super) async fn elsewhere(
    connection: &mut Connection,
    column: &'static str,
    key: KeyId,
    after: &str,
    limit: usize,
) -> Result<Vec<SealedValue>, StoreError> {
    let statement = statement_for(column, ELSEWHERE)?;
    sql(statement)
        .bind(after)
        .bind(key.prefix().as_slice())
        .bind(number(limit.min(MOST), "limit")?)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let columns = Columns(row);
            Ok(SealedValue {
                row: columns.text("place")?,
                sealed: columns.bytes("sealed")?,
            })
        })
        .collect()
}

/// So that a number of rows fits every database.
const MOST: usize = 1 << 31;

/// Whether the value was still the one that was seen.
pub(super) async fn put(
    connection: &mut Connection,
    column: &'static str,
    seen: &SealedValue,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let statement = statement_for(column, PUT)?;
    let done = sql(statement)
        .bind(&seen.row)
        .bind(sealed)
        .bind(&seen.sealed)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}
