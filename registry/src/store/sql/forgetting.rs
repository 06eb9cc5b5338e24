//! Forgetting what credentials were used for: with what it is about, and with time.

use super::{
    connection::{Connection, sql},
    value::time,
};
use crate::{
    clock::Timestamp,
    ids::{ApplicationId, CredentialId, GroupId},
    store::{Prune, StoreError},
    usage::Day,
};

pub(super) const DELETE_OF: [&str; 2] = [
    "delete from usage where credential_id = $1",
    "delete from usage_days where credential_id = $1",
];

/// Forgets what a credential was used for, which is about to be deleted.
pub(super) async fn delete_of(
    connection: &mut Connection,
    credential: CredentialId,
) -> Result<(), StoreError> {
    for statement in DELETE_OF {
        sql(statement)
            .bind(credential.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) const DELETE_OF_APPLICATION: [&str; 2] = [
    "delete from usage where credential_id in (select id from credentials where application_id = $1)",
    "delete from usage_days where credential_id in (select id from credentials where application_id = $1)",
];

/// The same for all credentials of an application.
pub(super) async fn delete_of_application(
    connection: &mut Connection,
    application: ApplicationId,
) -> Result<(), StoreError> {
    for statement in DELETE_OF_APPLICATION {
        sql(statement)
            .bind(application.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) const DELETE_OF_GROUP: [&str; 2] = [
    "delete from usage_batches where group_id = $1",
    "delete from usage_lost where group_id = $1",
];

/// Forgets what a group's gateways reported, except what their credentials were used for.
pub(super) async fn delete_of_group(
    connection: &mut Connection,
    group: GroupId,
) -> Result<(), StoreError> {
    for statement in DELETE_OF_GROUP {
        sql(statement)
            .bind(group.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) const PRUNE_DAYS: &str = "delete from usage_days
     where (credential_id, day, group_id, outcome) in (
         select credential_id, day, group_id, outcome from usage_days where day < $1 limit $2
     )";

/// Forgets usage of earlier days, as many rows as one transaction should.
pub(super) async fn prune_days(
    connection: &mut Connection,
    before: Timestamp,
    most: u32,
) -> Result<u64, StoreError> {
    let pruned = sql(PRUNE_DAYS)
        .bind(i64::from(Day::of(before).0))
        .bind(i64::from(most))
        .execute(connection)
        .await?;
    Ok(pruned.rows_affected())
}

pub(super) const PRUNE_BATCHES: &str = "delete from usage_batches
     where applied_at < $1
         and not exists (
             select 1 from gateways g
             where g.group_id = usage_batches.group_id and g.instance = usage_batches.instance
         )";

pub(super) const PRUNE_LOST: &str = "delete from usage_lost where day < $1";

/// Forgets what is old. Which batches were applied is known for as long as the gateway is, and some time longer.
pub(super) async fn prune(connection: &mut Connection, prune: Prune) -> Result<(), StoreError> {
    let day = |moment| i64::from(Day::of(moment).0);
    for (statement, before) in [
        (PRUNE_BATCHES, time(prune.batches_before)),
        (PRUNE_LOST, day(prune.lost_before)),
    ] {
        sql(statement)
            .bind(before)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
