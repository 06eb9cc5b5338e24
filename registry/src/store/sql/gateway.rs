//! Gateway groups, their digest keys, and gateways.

use std::time::Duration;

use super::{
    connection::{Connection, Row, sql},
    name::{Named, Word as _},
    value::{Columns, number, time},
};
use crate::{
    gateway::{GatewayGroup, GatewayRecord, MaxStaleness, Mode, Report},
    ids::GroupId,
    store::{SealedDigestKey, StoreError},
};

pub(super) const GROUPS: &str =
    "select id, name, mode, created_at from gateway_groups order by name";

pub(super) async fn groups(connection: &mut Connection) -> Result<Vec<GatewayGroup>, StoreError> {
    sql(GROUPS)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let columns = Columns(row);
            Ok(GatewayGroup {
                id: columns.parsed("id")?,
                name: columns.text("name")?,
                mode: columns.parsed::<Named<Mode>>("mode")?.0,
                created_at: columns.time("created_at")?,
            })
        })
        .collect()
}

pub(super) const DIGEST_KEYS: &str = "select group_id, version, sealed
         from digest_keys k
         where version = coalesce(
             (select from_version from digest_rotations r where r.group_id = k.group_id and r.phase = 'adding'),
             (select max(version) from digest_keys l where l.group_id = k.group_id))";

pub(super) async fn digest_keys(
    connection: &mut Connection,
) -> Result<Vec<SealedDigestKey>, StoreError> {
    sql(DIGEST_KEYS)
        .fetch_all(connection)
        .await?
        .iter()
        .map(digest_key)
        .collect()
}

pub(super) fn digest_key(row: &Row) -> Result<SealedDigestKey, StoreError> {
    let columns = Columns(row);
    Ok(SealedDigestKey {
        group: columns.parsed("group_id")?,
        version: columns.number("version")?,
        sealed: columns.bytes("sealed")?,
    })
}

pub(super) const INSERT_GROUP: &str =
    "insert into gateway_groups (id, name, mode, created_at) values ($1, $2, $3, $4)";

pub(super) const INSERT_DIGEST_KEY: &str =
    "insert into digest_keys (group_id, version, sealed) values ($1, $2, $3)";

pub(super) async fn insert_group(
    connection: &mut Connection,
    group: &GatewayGroup,
    key: &SealedDigestKey,
) -> Result<(), StoreError> {
    sql(INSERT_GROUP)
        .bind(group.id.to_string())
        .bind(&group.name)
        .bind(group.mode.word())
        .bind(time(group.created_at))
        .execute(&mut *connection)
        .await?;
    insert_digest_key(connection, key).await
}

pub(super) async fn insert_digest_key(
    connection: &mut Connection,
    key: &SealedDigestKey,
) -> Result<(), StoreError> {
    sql(INSERT_DIGEST_KEY)
        .bind(key.group.to_string())
        .bind(i64::from(key.version))
        .bind(&key.sealed)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const DELETE_GROUP: [&str; 11] = [
    "delete from deployments where group_id = $1",
    "delete from withdrawals where group_id = $1",
    "delete from deployed_secrets where group_id = $1",
    "delete from admitted_applications where group_id = $1",
    "delete from changes where group_id = $1",
    "delete from gateways where group_id = $1",
    "delete from gateway_polls where group_id = $1",
    "delete from digest_keys where group_id = $1",
    "delete from dismissals where group_id = $1",
    "delete from digest_rotations where group_id = $1",
    "delete from gateway_groups where id = $1",
];

pub(super) async fn delete_group(
    connection: &mut Connection,
    id: GroupId,
) -> Result<(), StoreError> {
    for statement in DELETE_GROUP {
        sql(statement)
            .bind(id.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// How [`MaxStaleness::Unbounded`] is kept.
const UNBOUNDED: i64 = -1;

fn max_staleness(column: Option<i64>) -> Result<Option<MaxStaleness>, StoreError> {
    column
        .map(|millis| match millis {
            UNBOUNDED => Ok(MaxStaleness::Unbounded),
            millis => u64::try_from(millis)
                .map(|millis| MaxStaleness::Bounded(Duration::from_millis(millis)))
                .map_err(|_| StoreError::Unreadable("gateways.max_staleness")),
        })
        .transpose()
}

fn max_staleness_column(value: Option<MaxStaleness>) -> Result<Option<i64>, StoreError> {
    value
        .map(|value| match value {
            MaxStaleness::Unbounded => Ok(UNBOUNDED),
            MaxStaleness::Bounded(duration) => {
                number(duration.as_millis(), "gateways.max_staleness")
            }
        })
        .transpose()
}

fn decode(row: &Row) -> Result<GatewayRecord, StoreError> {
    let columns = Columns(row);
    Ok(GatewayRecord {
        group: columns.parsed("group_id")?,
        token: columns.parsed("token_id")?,
        report: Report {
            gateway: columns.text("gateway")?,
            instance: columns.array("instance")?,
            sequence: columns.number("sequence")?,
            epoch: columns.array("epoch")?,
            revision: columns.number("revision")?,
            complete: columns.flag("complete")?,
            workers: columns.number("workers")?,
            max_staleness: max_staleness(columns.optional_number("max_staleness")?)?,
        },
        seen_at: columns.time("seen_at")?,
        reporting_since: columns.time("reporting_since")?,
    })
}

pub(super) const GATEWAYS: &str = "select group_id, token_id, gateway, instance, sequence, epoch, revision, complete, workers, seen_at,
             max_staleness, reporting_since
         from gateways";

pub(super) async fn gateways(
    connection: &mut Connection,
) -> Result<Vec<GatewayRecord>, StoreError> {
    sql(GATEWAYS)
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

pub(super) const PUT: &str = "insert into gateways
             (group_id, instance, gateway, token_id, sequence, epoch, revision, complete, workers, seen_at, max_staleness,
              reporting_since)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (group_id, instance) do update
         set gateway = excluded.gateway, token_id = excluded.token_id, sequence = excluded.sequence,
             epoch = excluded.epoch, revision = excluded.revision, complete = excluded.complete,
             workers = excluded.workers, seen_at = excluded.seen_at, max_staleness = excluded.max_staleness,
             reporting_since = excluded.reporting_since";

pub(super) async fn put(
    connection: &mut Connection,
    gateway: &GatewayRecord,
) -> Result<(), StoreError> {
    let report = &gateway.report;
    sql(PUT)
        .bind(gateway.group.to_string())
        .bind(report.instance.as_slice())
        .bind(&report.gateway)
        .bind(gateway.token.to_string())
        .bind(number(report.sequence, "gateways.sequence")?)
        .bind(report.epoch.as_slice())
        .bind(number(report.revision, "gateways.revision")?)
        .bind(report.complete)
        .bind(i64::from(report.workers))
        .bind(time(gateway.seen_at))
        .bind(max_staleness_column(report.max_staleness)?)
        .bind(time(gateway.reporting_since))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const DELETE: [&str; 2] = [
    "delete from gateways where group_id = $1 and instance = $2",
    "delete from gateway_polls where group_id = $1 and instance = $2",
];

pub(super) async fn delete(
    connection: &mut Connection,
    group: GroupId,
    instance: &[u8; 16],
) -> Result<(), StoreError> {
    for statement in DELETE {
        sql(statement)
            .bind(group.to_string())
            .bind(instance.as_slice())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
