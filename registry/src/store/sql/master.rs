//! The move from one master key to another, and which registries were given which.

use super::{
    connection::{Connection, sql},
    value::{Columns, json, number, time},
};
use crate::{
    clock::Timestamp,
    sealing::KeyId,
    store::{MasterRotation, NewMasterRotation, RegistryRecord, StoreError},
};

pub(super) const ROTATION: &str =
    "select retiring_key_check, began_at, values_total, values_done from master_rotation";

pub(super) async fn rotation(
    connection: &mut Connection,
) -> Result<Option<MasterRotation>, StoreError> {
    sql(ROTATION)
        .fetch_optional(connection)
        .await?
        .map(|row| {
            let columns = Columns(&row);
            Ok(MasterRotation {
                retiring_check: columns.bytes("retiring_key_check")?,
                began_at: columns.time("began_at")?,
                total: columns.number("values_total")?,
                done: columns.number("values_done")?,
            })
        })
        .transpose()
}

pub(super) const BEGIN: &str = "insert into master_rotation (singleton, retiring_key_check, began_at, values_total, values_done)
         values (1, $1, $2, $3, 0)";

pub(super) async fn begin(
    connection: &mut Connection,
    new: &NewMasterRotation,
) -> Result<(), StoreError> {
    sql(BEGIN)
        .bind(&new.retiring_check)
        .bind(time(new.began_at))
        .bind(number(new.total, "master_rotation.values_total")?)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const COUNT_DONE: &str = "update master_rotation set values_done = values_done + $1";

pub(super) async fn count_done(connection: &mut Connection, values: u64) -> Result<(), StoreError> {
    sql(COUNT_DONE)
        .bind(number(values, "master_rotation.values_done")?)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const END: &str = "delete from master_rotation";

pub(super) const LEAVE: &str = "update master_keys set until = $2 where id <> $1 and until is null";

pub(super) async fn end(
    connection: &mut Connection,
    in_use: KeyId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql(END).execute(&mut *connection).await?;
    sql(LEAVE)
        .bind(in_use.to_string())
        .bind(time(at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const REGISTRIES: &str =
    "select instance, name, master_keys, seen_at from registries where seen_at > $1 order by name";

pub(super) async fn registries(
    connection: &mut Connection,
    since: Timestamp,
) -> Result<Vec<RegistryRecord>, StoreError> {
    sql(REGISTRIES)
        .bind(time(since))
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let columns = Columns(row);
            let ids: Vec<String> = columns.json("master_keys")?;
            let ids = ids.iter().map(|id| id.parse());
            Ok(RegistryRecord {
                instance: columns.array("instance")?,
                name: columns.text("name")?,
                master_keys: ids
                    .collect::<Result<_, _>>()
                    .map_err(|_| StoreError::Unreadable("registries.master_keys"))?,
                seen_at: columns.time("seen_at")?,
            })
        })
        .collect()
}

pub(super) const PUT_REGISTRY: &str =
    "insert into registries (instance, name, master_keys, seen_at) values ($1, $2, $3, $4)
         on conflict (instance) do update
         set name = excluded.name, master_keys = excluded.master_keys, seen_at = excluded.seen_at";

pub(super) async fn put_registry(
    connection: &mut Connection,
    registry: &RegistryRecord,
) -> Result<(), StoreError> {
    let ids: Vec<String> = registry.master_keys.iter().map(KeyId::to_string).collect();
    sql(PUT_REGISTRY)
        .bind(registry.instance.as_slice())
        .bind(&registry.name)
        .bind(json(&ids, "registries.master_keys")?)
        .bind(time(registry.seen_at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const FORGET_REGISTRIES: &str = "delete from registries where seen_at <= $1";

pub(super) async fn forget_registries(
    connection: &mut Connection,
    before: Timestamp,
) -> Result<(), StoreError> {
    sql(FORGET_REGISTRIES)
        .bind(time(before))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const DELETE_REGISTRY: &str = "delete from registries where instance = $1";

pub(super) async fn delete_registry(
    connection: &mut Connection,
    instance: &[u8; 16],
) -> Result<(), StoreError> {
    sql(DELETE_REGISTRY)
        .bind(instance.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}
