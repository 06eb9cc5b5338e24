//! Master keys, by their ids, and data keys.

use super::{
    connection::{Connection, Row, sql},
    name::Named,
    value::{Columns, time},
};
use crate::{
    clock::Timestamp,
    sealing::KeyId,
    secrets::Purpose,
    store::{SealedDataKey, StoreError, UsedMasterKey},
};

pub(super) const SET_CHECK: &str = "update installation set key_check = $1";

pub(super) async fn set_check(
    connection: &mut Connection,
    sealed: &[u8],
) -> Result<(), StoreError> {
    sql(SET_CHECK).bind(sealed).execute(connection).await?;
    Ok(())
}

pub(super) const MASTER_KEYS: &str = "select id, since, until from master_keys order by since, id";

pub(super) async fn master_keys(
    connection: &mut Connection,
) -> Result<Vec<UsedMasterKey>, StoreError> {
    sql(MASTER_KEYS)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let columns = Columns(row);
            Ok(UsedMasterKey {
                id: columns.parsed("id")?,
                since: columns.time("since")?,
                until: columns.optional_time("until")?,
            })
        })
        .collect()
}

pub(super) const INSERT_MASTER_KEY: &str = "insert into master_keys (id, since) values ($1, $2)";

pub(super) async fn insert_master_key(
    connection: &mut Connection,
    id: KeyId,
    since: Timestamp,
) -> Result<(), StoreError> {
    sql(INSERT_MASTER_KEY)
        .bind(id.to_string())
        .bind(time(since))
        .execute(connection)
        .await?;
    Ok(())
}

fn decode(row: &Row) -> Result<SealedDataKey, StoreError> {
    let columns = Columns(row);
    Ok(SealedDataKey {
        purpose: columns.parsed::<Named<Purpose>>("purpose")?.0,
        version: columns.number("version")?,
        sealed: columns.bytes("sealed")?,
    })
}

pub(super) const DATA_KEYS: &str =
    "select purpose, version, sealed from data_keys order by purpose, version";

pub(super) async fn data_keys(
    connection: &mut Connection,
) -> Result<Vec<SealedDataKey>, StoreError> {
    let rows = sql(DATA_KEYS).fetch_all(connection).await?;
    rows.iter().map(decode).collect()
}

pub(super) const LATEST_DATA_KEY: &str =
    "select purpose, version, sealed from data_keys where purpose = $1
         order by version desc limit 1";

pub(super) async fn latest_data_key(
    connection: &mut Connection,
    purpose: Purpose,
) -> Result<Option<SealedDataKey>, StoreError> {
    let row = sql(LATEST_DATA_KEY)
        .bind(purpose.word())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(decode).transpose()
}

pub(super) const INSERT_DATA_KEY: &str =
    "insert into data_keys (purpose, version, sealed, created_at) values ($1, $2, $3, $4)";

pub(super) async fn insert_data_key(
    connection: &mut Connection,
    key: &SealedDataKey,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql(INSERT_DATA_KEY)
        .bind(key.purpose.word())
        .bind(i64::from(key.version))
        .bind(&key.sealed)
        .bind(time(at))
        .execute(connection)
        .await?;
    Ok(())
}
