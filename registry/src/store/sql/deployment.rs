//! Where credentials are deployed explicitly, and which position in the log last told a group of them.

use std::collections::BTreeMap;

use super::{
    connection::{Connection, Row, sql},
    value::Columns,
};
use crate::{
    ids::{ApplicationId, CredentialId, GroupId},
    store::{CredentialRange, Override, Positions, StoreError},
};

fn decode(row: &Row) -> Result<Override, StoreError> {
    let columns = Columns(row);
    Ok(Override {
        group: columns.parsed("group_id")?,
        wanted: columns.flag("wanted")?,
    })
}

pub(super) const OVERRIDES: &str =
    "select group_id, wanted from deployments where credential_id = $1";

pub(super) async fn overrides(
    connection: &mut Connection,
    credential: CredentialId,
) -> Result<Vec<Override>, StoreError> {
    sql(OVERRIDES)
        .bind(credential.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Of a stretch of an application's credentials.
pub(super) const OVERRIDES_OF_MANY: &str = "select d.group_id, d.wanted, d.credential_id
     from credentials c
     join deployments d on d.credential_id = c.id
     where c.application_id = $1 and c.id > $2 and c.id <= $3";

pub(super) async fn overrides_of_many(
    connection: &mut Connection,
    application: ApplicationId,
    range: CredentialRange,
) -> Result<Vec<(CredentialId, Override)>, StoreError> {
    sql(OVERRIDES_OF_MANY)
        .bind(application.to_string())
        .bind(range.after_text())
        .bind(range.to.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Ok((Columns(row).parsed("credential_id")?, decode(row)?)))
        .collect()
}

pub(super) const IS_WANTED: &str = "select d.wanted
     from credentials c
     join deployments d on d.credential_id = c.id
     where c.application_id = $1 and d.group_id = $2 and d.wanted
     limit 1";

pub(super) async fn is_wanted(
    connection: &mut Connection,
    application: ApplicationId,
    group: GroupId,
) -> Result<bool, StoreError> {
    let row = sql(IS_WANTED)
        .bind(application.to_string())
        .bind(group.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

pub(super) const SET_OVERRIDE: &str =
    "insert into deployments (credential_id, group_id, wanted) values ($1, $2, $3)
         on conflict (credential_id, group_id) do update set wanted = excluded.wanted";

pub(super) const REMOVE_OVERRIDE: &str =
    "delete from deployments where credential_id = $1 and group_id = $2";

pub(super) async fn set_override(
    connection: &mut Connection,
    credential: CredentialId,
    group: GroupId,
    wanted: Option<bool>,
) -> Result<(), StoreError> {
    let (credential, group) = (credential.to_string(), group.to_string());
    let query = match wanted {
        Some(wanted) => sql(SET_OVERRIDE).bind(credential).bind(group).bind(wanted),
        None => sql(REMOVE_OVERRIDE).bind(credential).bind(group),
    };
    query.execute(connection).await?;
    Ok(())
}

pub(super) const DEPLOYED_AT: &str =
    "select group_id, revision from deployed_secrets where credential_id = $1";

pub(super) const WITHDRAWN_AT: &str =
    "select group_id, revision from withdrawals where credential_id = $1";

pub(super) const ADMITTED_AT: &str =
    "select group_id, revision from admitted_applications where application_id = $1
     union all
     select group_id, revision from dismissals where application_id = $1";

fn position(row: &Row) -> Result<(GroupId, u64), StoreError> {
    let columns = Columns(row);
    Ok((columns.parsed("group_id")?, columns.number("revision")?))
}

/// Which positions in the log last told groups of a credential, and of its application.
pub(super) async fn positions(
    connection: &mut Connection,
    credential: CredentialId,
    application: ApplicationId,
) -> Result<Positions, StoreError> {
    let credential = credential.to_string();
    let mut positions = Positions {
        admitted: admitted_at(connection, application).await?,
        ..Positions::default()
    };
    let deployed = sql(DEPLOYED_AT)
        .bind(&credential)
        .fetch_all(&mut *connection)
        .await?;
    for row in &deployed {
        let (group, revision) = position(row)?;
        let last = positions.deployed.entry(group).or_default();
        *last = revision.max(*last);
    }
    let withdrawn = sql(WITHDRAWN_AT)
        .bind(&credential)
        .fetch_all(connection)
        .await?;
    positions.withdrawn = withdrawn.iter().map(position).collect::<Result<_, _>>()?;
    Ok(positions)
}

pub(super) async fn admitted_at(
    connection: &mut Connection,
    application: ApplicationId,
) -> Result<BTreeMap<GroupId, u64>, StoreError> {
    sql(ADMITTED_AT)
        .bind(application.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(position)
        .try_fold(BTreeMap::new(), |mut told, row| {
            let (group, revision) = row?;
            let last = told.entry(group).or_default();
            *last = revision.max(*last);
            Ok(told)
        })
}

pub(super) const DISMISSED: &str = "insert into dismissals (application_id, group_id, revision)
         values ($1, $2, (select revision + $3 from installation where singleton = 1))
         on conflict (application_id, group_id) do update set revision = excluded.revision";

/// That the group is told that it knows the application no more. `ahead` is 1 where the commit's revision tells it, else 0.
pub(super) async fn note_dismissal(
    connection: &mut Connection,
    group: GroupId,
    application: ApplicationId,
    ahead: i64,
) -> Result<(), StoreError> {
    sql(DISMISSED)
        .bind(application.to_string())
        .bind(group.to_string())
        .bind(ahead)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const WITHDRAW_ONE: &str = "insert into withdrawals (credential_id, group_id, revision)
         select credential_id, group_id, (select revision + $3 from installation where singleton = 1)
         from deployed_secrets
         where group_id = $1 and digest = $2
         on conflict (credential_id, group_id) do update set revision = excluded.revision";

/// Before the digest is withdrawn. `ahead` is 1 where the commit's revision tells the group, else 0.
pub(super) async fn note_withdrawal(
    connection: &mut Connection,
    group: GroupId,
    digest: &[u8; 16],
    ahead: i64,
) -> Result<(), StoreError> {
    sql(WITHDRAW_ONE)
        .bind(group.to_string())
        .bind(digest.as_slice())
        .bind(ahead)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const WITHDRAW_MANY: &str =
    "insert into withdrawals (credential_id, group_id, revision)
         select c.id, $1, (select revision + $3 from installation where singleton = 1)
         from credentials c
         where c.application_id = $2
             and exists (select 1 from deployed_secrets d where d.credential_id = c.id and d.group_id = $1)
         on conflict (credential_id, group_id) do update set revision = excluded.revision";

/// The same for all of an application's credentials, in one statement.
pub(super) async fn note_withdrawal_of_application(
    connection: &mut Connection,
    group: GroupId,
    application: ApplicationId,
    ahead: i64,
) -> Result<(), StoreError> {
    sql(WITHDRAW_MANY)
        .bind(group.to_string())
        .bind(application.to_string())
        .bind(ahead)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const FORGET: [&str; 2] = [
    "delete from deployments where credential_id = $1",
    "delete from withdrawals where credential_id = $1",
];

/// Before the credential is deleted.
pub(super) async fn forget(
    connection: &mut Connection,
    credential: CredentialId,
) -> Result<(), StoreError> {
    for statement in FORGET {
        sql(statement)
            .bind(credential.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
