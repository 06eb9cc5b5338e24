//! What credentials are used for.

use filter_core::usage::UseOutcome;

use super::{
    connection::{Connection, Row, Sql, sql, texts},
    value::{Columns, json, number, time},
};
use crate::{
    clock::Timestamp,
    ids::{CredentialId, GroupId},
    store::StoreError,
    usage::{AppliedBatch, Day, DayCount, LostUsage, Reported, UsageCount},
};

impl Columns<'_> {
    fn outcome(&self) -> Result<UseOutcome, StoreError> {
        UseOutcome::from_number(self.number("outcome")?)
            .ok_or(StoreError::Unreadable("usage.outcome"))
    }
}

/// A list of ids as a statement takes it.
fn ids(credentials: &[CredentialId]) -> Result<String, StoreError> {
    let texts: Vec<String> = credentials.iter().map(ToString::to_string).collect();
    json(&texts, "usage.credential_id")
}

pub(super) const OF: Sql = texts!(
    "select u.credential_id, u.version, u.outcome, u.count, u.first_at, u.last_at, u.received_at from "
    { "json_each($1) w cross" | "jsonb_array_elements_text($1::jsonb) w inner" }
    " join usage u on u.credential_id = w.value"
);

fn decode(row: &Row) -> Result<UsageCount, StoreError> {
    let columns = Columns(row);
    Ok(UsageCount {
        credential: columns.parsed("credential_id")?,
        version: columns.number("version")?,
        outcome: columns.outcome()?,
        count: columns.number("count")?,
        first: columns.time("first_at")?,
        last: columns.time("last_at")?,
        received: columns.time("received_at")?,
    })
}

pub(super) async fn of(
    connection: &mut Connection,
    credentials: &[CredentialId],
) -> Result<Vec<UsageCount>, StoreError> {
    sql(OF)
        .bind(ids(credentials)?)
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

pub(super) const DAYS: &str =
    "select u.credential_id, u.day, u.group_id, u.outcome, u.count, u.last_at
     from usage_days u
     where u.credential_id = $1 and u.day >= $2
         and exists (select 1 from gateway_groups g where g.id = u.group_id)
     order by u.day desc";

pub(super) async fn days(
    connection: &mut Connection,
    credential: CredentialId,
    from: Day,
) -> Result<Vec<DayCount>, StoreError> {
    sql(DAYS)
        .bind(credential.to_string())
        .bind(i64::from(from.0))
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let columns = Columns(row);
            Ok(DayCount {
                credential: columns.parsed("credential_id")?,
                day: Day(columns.number("day")?),
                group: columns.parsed("group_id")?,
                outcome: columns.outcome()?,
                count: columns.number("count")?,
                last: columns.time("last_at")?,
            })
        })
        .collect()
}

pub(super) const ENDING_BY_SILENCE: Sql = texts!(
    "select distinct credential_id from secrets"
    { " indexed by secrets_ending_by_silence" | "" }
    " where state = 'retiring' and end_after_silence is not null"
);

pub(super) async fn ending_by_silence(
    connection: &mut Connection,
) -> Result<Vec<CredentialId>, StoreError> {
    sql(ENDING_BY_SILENCE)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Columns(row).parsed("credential_id"))
        .collect()
}

pub(super) const LOST: &str =
    "select group_id, day, count, last_at from usage_lost where last_at >= $1";

pub(super) async fn lost(
    connection: &mut Connection,
    since: Timestamp,
) -> Result<Vec<LostUsage>, StoreError> {
    sql(LOST)
        .bind(time(since))
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let columns = Columns(row);
            Ok(LostUsage {
                group: columns.parsed("group_id")?,
                day: Day(columns.number("day")?),
                count: columns.number("count")?,
                last: columns.time("last_at")?,
            })
        })
        .collect()
}

/// Seen are those that are deployed to the group, were withdrawn from it, or were used there: what was counted before a
/// credential was withdrawn comes after that.
pub(super) const REPORTED: Sql = texts!(
    "select c.id, c.secret_version, c.paired, exists (select 1 from deployed_secrets d where d.credential_id = c.id and d.group_id = $1)
         or exists (select 1 from withdrawals x where x.credential_id = c.id and x.group_id = $1)
         or exists (select 1 from usage_days u where u.credential_id = c.id and u.group_id = $1) as is_seen
     from "
    { "json_each($2) w cross" | "jsonb_array_elements_text($2::jsonb) w inner" }
    " join credentials c on c.id = w.value"
);

pub(super) async fn reported(
    connection: &mut Connection,
    group: GroupId,
    credentials: &[CredentialId],
) -> Result<Vec<Reported>, StoreError> {
    sql(REPORTED)
        .bind(group.to_string())
        .bind(ids(credentials)?)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let columns = Columns(row);
            Ok(Reported {
                credential: columns.parsed("id")?,
                secret_version: columns.number("secret_version")?,
                is_paired: columns.flag("paired")?,
                is_seen: columns.flag("is_seen")?,
            })
        })
        .collect()
}

pub(super) const LANES: &str = "select count(*) as lanes from (select 1 from usage_batches where group_id = $1 limit $2) subquery";

pub(super) async fn lanes(
    connection: &mut Connection,
    group: GroupId,
    most: u64,
) -> Result<u64, StoreError> {
    let row = sql(LANES)
        .bind(group.to_string())
        .bind(number(most, "usage_batches")?)
        .fetch_one(connection)
        .await?;
    Columns(&row).number("lanes")
}

pub(super) const APPLIED: &str =
    "select sequence from usage_batches where group_id = $1 and instance = $2 and lane = $3";

pub(super) async fn applied(
    connection: &mut Connection,
    group: GroupId,
    instance: &[u8; 16],
    lane: u8,
) -> Result<Option<u64>, StoreError> {
    sql(APPLIED)
        .bind(group.to_string())
        .bind(instance.as_slice())
        .bind(i64::from(lane))
        .fetch_optional(connection)
        .await?
        .map(|row| Columns(&row).number("sequence"))
        .transpose()
}

pub(super) const PUT_APPLIED: &str =
    "insert into usage_batches (group_id, instance, lane, sequence, applied_at)
         values ($1, $2, $3, $4, $5)
         on conflict (group_id, instance, lane) do update
         set sequence = excluded.sequence, applied_at = excluded.applied_at";

pub(super) async fn put_applied(
    connection: &mut Connection,
    applied: &AppliedBatch,
) -> Result<(), StoreError> {
    sql(PUT_APPLIED)
        .bind(applied.group.to_string())
        .bind(applied.instance.as_slice())
        .bind(i64::from(applied.lane))
        .bind(number(applied.sequence, "usage_batches.sequence")?)
        .bind(time(applied.at))
        .execute(connection)
        .await?;
    Ok(())
}

// A count stays one that readers of JSON agree on.
pub(super) const ADD: Sql = texts!(
    "insert into usage (credential_id, version, outcome, count, first_at, last_at, received_at)
     select w.value ->> 0, cast(w.value ->> 1 as bigint), cast(w.value ->> 2 as bigint), cast(w.value ->> 3 as bigint),
         cast(w.value ->> 4 as bigint), cast(w.value ->> 5 as bigint), cast(w.value ->> 6 as bigint)
     from "
    { "json_each($1)" | "jsonb_array_elements($1::jsonb)" }
    " w
     where true
     on conflict (credential_id, version, outcome) do update
     set count = "
    { "min" | "least" }
    "(usage.count + excluded.count, 9007199254740991), first_at = "
    { "min" | "least" }
    "(usage.first_at, excluded.first_at), last_at = "
    { "max" | "greatest" }
    "(usage.last_at, excluded.last_at), received_at = "
    { "max" | "greatest" }
    "(usage.received_at, excluded.received_at)"
);

pub(super) const ADD_DAYS: Sql = texts!(
    "insert into usage_days (credential_id, day, group_id, outcome, count, last_at)
     select w.value ->> 0, cast(w.value ->> 1 as bigint), w.value ->> 2, cast(w.value ->> 3 as bigint),
         cast(w.value ->> 4 as bigint), cast(w.value ->> 5 as bigint)
     from "
    { "json_each($1)" | "jsonb_array_elements($1::jsonb)" }
    " w
     where true
     on conflict (credential_id, day, group_id, outcome) do update
     set count = "
    { "min" | "least" }
    "(usage_days.count + excluded.count, 9007199254740991), last_at = "
    { "max" | "greatest" }
    "(usage_days.last_at, excluded.last_at)"
);

/// Refused is not used. The index is that of the primary key; left to itself, the planner looks at every row where there
/// are few.
pub(super) const USED: Sql = texts!(
    "update credentials"
    { " indexed by sqlite_autoindex_credentials_1" | "" }
    " set last_used_at = (select max(u.last_at) from usage u where u.credential_id = credentials.id and u.outcome < 2)
     where id in (select w.value from "
    { "json_each($1)" | "jsonb_array_elements_text($1::jsonb)" }
    " w)"
);

/// In one statement each, however many they are.
pub(super) async fn add(
    connection: &mut Connection,
    secrets: &[UsageCount],
    days: &[DayCount],
    used: &[CredentialId],
) -> Result<(), StoreError> {
    let secrets: Vec<_> = secrets
        .iter()
        .map(|one| {
            let id = one.credential.to_string();
            let (first, last) = (one.first.as_millis(), one.last.as_millis());
            (
                id,
                one.version,
                one.outcome.number(),
                one.count,
                first,
                last,
                one.received.as_millis(),
            )
        })
        .collect();
    let days: Vec<_> = days
        .iter()
        .map(|one| {
            let (id, group) = (one.credential.to_string(), one.group.to_string());
            let last = one.last.as_millis();
            (id, one.day.0, group, one.outcome.number(), one.count, last)
        })
        .collect();
    for (statement, rows) in [
        (ADD, json(&secrets, "usage.count")?),
        (ADD_DAYS, json(&days, "usage_days.count")?),
        (USED, ids(used)?),
    ] {
        sql(statement).bind(rows).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) const ADD_LOST: Sql = texts!(
    "insert into usage_lost (group_id, day, count, last_at)
     values ($1, $2, $3, $4)
     on conflict (group_id, day) do update
     set count = "
    { "min" | "least" }
    "(usage_lost.count + excluded.count, 9007199254740991), last_at = "
    { "max" | "greatest" }
    "(usage_lost.last_at, excluded.last_at)"
);

pub(super) async fn add_lost(
    connection: &mut Connection,
    lost: &LostUsage,
) -> Result<(), StoreError> {
    sql(ADD_LOST)
        .bind(lost.group.to_string())
        .bind(i64::from(lost.day.0))
        .bind(number(lost.count, "usage_lost.count")?)
        .bind(time(lost.last))
        .execute(connection)
        .await?;
    Ok(())
}
