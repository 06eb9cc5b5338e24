//! What rotation is decided by, and what it leaves behind.

use std::time::Duration;

use async_trait::async_trait;

use super::{
    SqlTransaction,
    connection::{Connection, Sql, sql, texts},
    value::{Columns, limit, number, optional_duration, time},
};
use crate::{
    clock::Timestamp,
    credential::{Credential, RotationCounts, RotationNote, RotationPolicy, VersionPlace},
    ids::{CredentialId, OrganizationId, SecretId},
    secret::Secret,
    store::{RotationReads, RotationWrites, SecretUse, StoreError},
};

pub(super) const WAS_CREDENTIAL: &str =
    "select 1 from secrets where credential_id = $1 and organization_id = $2 limit 1";

/// A secret that was revoked before the new one was made was no predecessor of it: its own rotation was cancelled. Unless
/// it had leaked by then, and was revoked for that.
pub(super) const BETWEEN: &str = "select 1 from secrets
     where credential_id = $1 and version > $2 and version < $3
         and exists (select 1 from secrets o where o.id = $4 and o.part = secrets.part)
         and (state <> 'revoked' or revoked_at > $5 or leaked_at <= revoked_at)
     limit 1";

/// A record's version holds the versions of both parts of a pair.
pub(super) const USE: Sql = texts!(
    "select cast(sum(count) as bigint) as uses, max(last_at) as last_at
     from usage
     where credential_id = $1 and ((version >> cast($2 as integer)) & $3) = $4"
);

/// Each part finds by an index of its own those of which nothing was said, or only that it comes; the times are of the
/// policy for credentials that do not have their own.
pub(super) const TO_NOTE: Sql = texts!(
    "select id from (
         select id from credentials"
    { " indexed by credentials_by_rotation" | "" }
    "
         where rotate_every is null and rotation_noted = 0 and rotated_at <= $1
         limit $5
     ) subquery
     union all
     select id from (
         select id from credentials"
    { " indexed by credentials_by_rotation" | "" }
    "
         where rotate_every is null and rotation_noted = 1 and rotated_at <= $2
         limit $5
     ) subquery
     union all
     select id from (
         select id from credentials"
    { " indexed by credentials_by_own_rotation" | "" }
    "
         where rotate_every is not null and rotation_noted = 0 and rotated_at + rotate_every <= $3 + $4
             and rotated_at + rotate_every - "
    { "min" | "least" }
    "($4, rotate_every / 2) <= $3
         limit $5
     ) subquery
     union all
     select id from (
         select id from credentials"
    { " indexed by credentials_by_own_rotation" | "" }
    "
         where rotate_every is not null and rotation_noted = 1 and rotated_at + rotate_every <= $3
         limit $5
     ) subquery
     limit $5"
);

pub(super) const COUNT: Sql = texts!(
    "select
         (select count(*) from credentials"
    { " indexed by credentials_by_rotation" | "" }
    "
          where rotate_every is null and rotation_noted = $1 and (expires_at is null or expires_at > $2))
         +
         (select count(*) from credentials"
    { " indexed by credentials_by_own_rotation" | "" }
    "
          where rotate_every is not null and rotation_noted = $1 and (expires_at is null or expires_at > $2))
         as credentials"
);

pub(super) const SET_SILENCE: &str =
    "update secrets set end_after_silence = $2 where id = $1 and state = 'retiring'";

pub(super) const SET_NOTE: &str = "update credentials set rotation_noted = $2 where id = $1";

/// After the policy has changed: what was said of credentials that follow it.
pub(super) const FORGET_BY_POLICY: Sql = texts!(
    "update credentials"
    { " indexed by credentials_by_rotation" | "" }
    "
     set rotation_noted = 0
     where rotate_every is null and rotation_noted > 0
         and rotated_at > case rotation_noted when 1 then $1 else $2 end"
);

/// The same of those with a time of their own, of which the policy's warning counts.
pub(super) const FORGET_OWN: Sql = texts!(
    "update credentials"
    { " indexed by credentials_by_own_rotation" | "" }
    "
     set rotation_noted = 0
     where rotate_every is not null and rotation_noted = 1
         and rotated_at + rotate_every - "
    { "min" | "least" }
    "($2, rotate_every / 2) > $1"
);

/// Until when a secret was made, in milliseconds, of which by the policy is to be said that the next one comes, and that
/// it is due. Before all time where the policy wants none.
fn cutoffs(policy: &RotationPolicy, now: Timestamp) -> (i64, i64) {
    policy.every.map_or((-1, -1), |every| {
        let due = i64::try_from(every.as_millis()).unwrap_or(i64::MAX);
        let warning = i64::try_from(policy.warning_of(every).as_millis()).unwrap_or(i64::MAX);
        let due = time(now).saturating_sub(due);
        (due.saturating_add(warning), due)
    })
}

fn millis(duration: Duration) -> Result<i64, StoreError> {
    number(duration.as_millis(), "credentials.rotate_every")
}

const fn noted(note: RotationNote) -> i64 {
    match note {
        RotationNote::Nothing => 0,
        RotationNote::DueSoon => 1,
        RotationNote::Due => 2,
    }
}

async fn count(
    connection: &mut Connection,
    note: RotationNote,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let row = sql(COUNT)
        .bind(noted(note))
        .bind(time(now))
        .fetch_one(connection)
        .await?;
    Columns(&row).number("credentials")
}

#[async_trait]
impl RotationReads for SqlTransaction {
    async fn was_credential(
        &mut self,
        id: CredentialId,
        organization: OrganizationId,
    ) -> Result<bool, StoreError> {
        let found = sql(WAS_CREDENTIAL)
            .bind(id.to_string())
            .bind(organization.to_string())
            .fetch_optional(&mut self.inner)
            .await?;
        Ok(found.is_some())
    }

    async fn rotated_between(&mut self, old: &Secret, new: &Secret) -> Result<bool, StoreError> {
        let found = sql(BETWEEN)
            .bind(old.credential.to_string())
            .bind(i64::from(old.version))
            .bind(i64::from(new.version))
            .bind(new.id.to_string())
            .bind(time(new.created_at))
            .fetch_optional(&mut self.inner)
            .await?;
        Ok(found.is_some())
    }

    async fn secret_use(
        &mut self,
        credential: &Credential,
        secret: &Secret,
    ) -> Result<Option<SecretUse>, StoreError> {
        let place = VersionPlace::of(credential, secret.part);
        let row = sql(USE)
            .bind(credential.id.to_string())
            .bind(i64::from(place.shift))
            .bind(i64::from(place.mask))
            .bind(i64::from(secret.version))
            .fetch_one(&mut self.inner)
            .await?;
        let columns = Columns(&row);
        let last_at = columns.optional_time("last_at")?;
        let count = columns.optional_number("uses")?;
        Ok(last_at
            .zip(count)
            .map(|(last_at, count)| SecretUse { count, last_at }))
    }

    async fn rotations_to_note(
        &mut self,
        policy: &RotationPolicy,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<CredentialId>, StoreError> {
        let (soon, due) = cutoffs(policy, now);
        sql(TO_NOTE)
            .bind(soon)
            .bind(due)
            .bind(time(now))
            .bind(millis(policy.warning)?)
            .bind(limit(most))
            .fetch_all(&mut self.inner)
            .await?
            .iter()
            .map(|row| Columns(row).parsed("id"))
            .collect()
    }

    async fn rotation_counts(&mut self, now: Timestamp) -> Result<RotationCounts, StoreError> {
        Ok(RotationCounts {
            due_soon: count(&mut self.inner, RotationNote::DueSoon, now).await?,
            due: count(&mut self.inner, RotationNote::Due, now).await?,
        })
    }
}

#[async_trait]
impl RotationWrites for SqlTransaction {
    async fn set_end_after_silence(
        &mut self,
        id: SecretId,
        silence: Duration,
    ) -> Result<(), StoreError> {
        sql(SET_SILENCE)
            .bind(id.to_string())
            .bind(optional_duration(
                Some(silence),
                "secrets.end_after_silence",
            )?)
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }

    async fn set_rotation_note(
        &mut self,
        id: CredentialId,
        note: RotationNote,
    ) -> Result<(), StoreError> {
        sql(SET_NOTE)
            .bind(id.to_string())
            .bind(noted(note))
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }

    async fn forget_untrue_rotation_notes(
        &mut self,
        policy: &RotationPolicy,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (soon, due) = cutoffs(policy, now);
        sql(FORGET_BY_POLICY)
            .bind(soon)
            .bind(due)
            .execute(&mut self.inner)
            .await?;
        sql(FORGET_OWN)
            .bind(time(now))
            .bind(millis(policy.warning)?)
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }
}
