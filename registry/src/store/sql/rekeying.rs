//! Replacing digest keys.

use async_trait::async_trait;

use super::{
    SqlTransaction, admission,
    connection::{Row, sql},
    gateway,
    log::Note,
    rendering,
    value::{Columns, limit, number, time},
};
use crate::{
    ids::GroupId,
    store::{
        Deployed, DeployedRecord, Phase, Rekeying, RekeyingReads, RekeyingWrites, SealedDigestKey,
        StoreError,
    },
};

macro_rules! columns {
    () => {
        "group_id, from_version, to_version, phase, done_to, records, added, removed, switched_at, begun_at"
    };
}

pub(super) const OF_GROUP: &str = concat!(
    "select ",
    columns!(),
    " from digest_rotations where group_id = $1"
);

pub(super) const ALL: &str = concat!(
    "select ",
    columns!(),
    " from digest_rotations order by group_id"
);

pub(super) const DEPLOYING_KEYS: &str = "select group_id, version, sealed
     from digest_keys k
     where not exists (
         select 1 from digest_rotations r
         where r.group_id = k.group_id and r.from_version = k.version and r.phase = 'removing'
     )
     order by group_id, version";

pub(super) const COUNT: &str =
    "select count(*) as records from deployed_secrets where group_id = $1 and key_version = $2";

pub(super) const RECORDS: &str =
    "select group_id, digest, secret_id, paired_secret_id, access_token_id, key_version, credential_id
     from deployed_secrets
     where group_id = $1 and digest > $3 and key_version = $2
     order by digest
     limit $4";

pub(super) const BEGIN: &str = "insert into digest_rotations
         (group_id, from_version, to_version, phase, done_to, records, added, removed, switched_at, begun_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

pub(super) const SET: &str = "update digest_rotations
     set phase = $2, done_to = $3, added = $4, removed = $5, switched_at = $6
     where group_id = $1";

/// Everything but the place is the record's that it is a copy of.
pub(super) const COPY: &str = "insert into deployed_secrets
         (group_id, digest, secret_id, credential_id, expires_at, record, revision, paired_secret_id, key_version,
          access_token_id)
     select group_id, $3, secret_id, credential_id, expires_at, $4, revision, paired_secret_id, $5, access_token_id
     from deployed_secrets
     where group_id = $1 and digest = $2
     on conflict (group_id, digest) do nothing";

pub(super) const END: &str = "delete from digest_rotations where group_id = $1";

pub(super) const FORGET_KEY: &str = "delete from digest_keys where group_id = $1 and version = $2";

fn decode(row: &Row) -> Result<Rekeying, StoreError> {
    let columns = Columns(row);
    let phase = match columns.text("phase")?.as_str() {
        "adding" => Phase::Adding,
        "switched" => Phase::Switched {
            revision: columns.number("switched_at")?,
        },
        "removing" => Phase::Removing,
        _ => return Err(StoreError::Unreadable("digest_rotations.phase")),
    };
    let done_to = columns.optional_bytes("done_to")?;
    Ok(Rekeying {
        group: columns.parsed("group_id")?,
        from: columns.number("from_version")?,
        to: columns.number("to_version")?,
        phase,
        done_to: done_to
            .map(TryInto::try_into)
            .transpose()
            .map_err(|_| StoreError::Unreadable("digest_rotations.done_to"))?,
        records: columns.number("records")?,
        added: columns.number("added")?,
        removed: columns.number("removed")?,
        begun_at: columns.time("begun_at")?,
    })
}

/// The word of a phase, and where in the log it began.
fn phase(phase: Phase) -> Result<(&'static str, Option<i64>), StoreError> {
    Ok(match phase {
        Phase::Adding => ("adding", None),
        Phase::Switched { revision } => (
            "switched",
            Some(number(revision, "digest_rotations.switched_at")?),
        ),
        Phase::Removing => ("removing", None),
    })
}

#[async_trait]
impl RekeyingReads for SqlTransaction {
    async fn rekeying(&mut self, group: GroupId) -> Result<Option<Rekeying>, StoreError> {
        sql(OF_GROUP)
            .bind(group.to_string())
            .fetch_optional(&mut self.inner)
            .await?
            .as_ref()
            .map(decode)
            .transpose()
    }

    async fn rekeyings(&mut self) -> Result<Vec<Rekeying>, StoreError> {
        let rows = sql(ALL).fetch_all(&mut self.inner).await?;
        rows.iter().map(decode).collect()
    }

    async fn deploying_keys(&mut self) -> Result<Vec<SealedDigestKey>, StoreError> {
        let rows = sql(DEPLOYING_KEYS).fetch_all(&mut self.inner).await?;
        rows.iter().map(gateway::digest_key).collect()
    }

    async fn count_records(&mut self, group: GroupId, version: u32) -> Result<u64, StoreError> {
        let row = sql(COUNT)
            .bind(group.to_string())
            .bind(i64::from(version))
            .fetch_one(&mut self.inner)
            .await?;
        Columns(&row).number("records")
    }

    async fn records_under(
        &mut self,
        group: GroupId,
        version: u32,
        after: Option<&[u8; 16]>,
        most: usize,
    ) -> Result<Vec<DeployedRecord>, StoreError> {
        let rows = sql(RECORDS)
            .bind(group.to_string())
            .bind(i64::from(version))
            // Every digest sorts after no bytes.
            .bind(after.map_or(&[][..], <[u8; 16]>::as_slice))
            .bind(limit(most))
            .fetch_all(&mut self.inner)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(DeployedRecord {
                    deployed: admission::decode(row)?,
                    credential: Columns(row).parsed("credential_id")?,
                })
            })
            .collect()
    }
}

#[async_trait]
impl RekeyingWrites for SqlTransaction {
    async fn begin_rekeying(
        &mut self,
        begun: &Rekeying,
        key: &SealedDigestKey,
    ) -> Result<(), StoreError> {
        let (word, switched_at) = phase(begun.phase)?;
        sql(BEGIN)
            .bind(begun.group.to_string())
            .bind(i64::from(begun.from))
            .bind(i64::from(begun.to))
            .bind(word)
            .bind(begun.done_to.map(Vec::from))
            .bind(number(begun.records, "digest_rotations.records")?)
            .bind(number(begun.added, "digest_rotations.added")?)
            .bind(number(begun.removed, "digest_rotations.removed")?)
            .bind(switched_at)
            .bind(time(begun.begun_at))
            .execute(&mut self.inner)
            .await?;
        gateway::insert_digest_key(&mut self.inner, key).await
    }

    async fn set_rekeying(&mut self, now: &Rekeying) -> Result<(), StoreError> {
        let (word, switched_at) = phase(now.phase)?;
        sql(SET)
            .bind(now.group.to_string())
            .bind(word)
            .bind(now.done_to.map(Vec::from))
            .bind(number(now.added, "digest_rotations.added")?)
            .bind(number(now.removed, "digest_rotations.removed")?)
            .bind(switched_at)
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }

    async fn copy_record(&mut self, from: &[u8; 16], copy: &Deployed) -> Result<(), StoreError> {
        let record = rendering::render(&mut self.inner, copy).await?;
        let done = sql(COPY)
            .bind(copy.group.to_string())
            .bind(from.as_slice())
            .bind(copy.digest.as_slice())
            .bind(record)
            .bind(i64::from(copy.key_version))
            .execute(&mut self.inner)
            .await?;
        if done.rows_affected() > 0 {
            self.note(copy.group, Note::Secret(copy.digest));
        }
        Ok(())
    }

    async fn remove_copy(&mut self, group: GroupId, digest: &[u8; 16]) -> Result<(), StoreError> {
        self.note(group, Note::Secret(*digest));
        admission::withdraw(&mut self.inner, group, digest).await
    }

    async fn tell_key(&mut self, group: GroupId, version: u32) -> Result<(), StoreError> {
        self.note(group, Note::Key(version));
        Ok(())
    }

    async fn end_rekeying(&mut self, ended: &Rekeying) -> Result<(), StoreError> {
        sql(END)
            .bind(ended.group.to_string())
            .execute(&mut self.inner)
            .await?;
        sql(FORGET_KEY)
            .bind(ended.group.to_string())
            .bind(i64::from(ended.from))
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }
}
