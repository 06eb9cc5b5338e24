//! The log of changes: noted while a transaction runs, written with the next revision when it commits.

use std::collections::BTreeSet;

use super::{
    connection::{Connection, sql},
    value::{Columns, limit, number, time},
};
use crate::{
    clock::Timestamp,
    ids::{ApplicationId, GroupId},
    store::{CommittedChange, Head, Stamp, StoreError},
};

/// What a transaction changed, each thing once. Applications come before secrets, which refer to them.
#[derive(Debug, Default)]
pub(super) struct Notes {
    noted: BTreeSet<(GroupId, Note)>,
    /// How many changes are in the log already, under the revision that comes next.
    written: u64,
}

/// Where the changes begin that are written before the commit: after everything that is noted.
const WRITTEN_FROM: i64 = 1 << 40;

/// Something that changed for a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Note {
    /// The application with this number.
    Application(u32),
    /// The secret with this digest.
    Secret([u8; 16]),
    /// The version of the group's digest key.
    Key(u32),
    /// The issuer with this number.
    Issuer(u32),
}

impl Notes {
    pub(super) fn add(&mut self, group: GroupId, note: Note) {
        self.noted.insert((group, note));
    }

    pub(super) fn groups(&self) -> BTreeSet<GroupId> {
        self.noted.iter().map(|(group, _)| *group).collect()
    }

    pub(super) fn forget_group(&mut self, group: GroupId) {
        self.noted.retain(|(noted, _)| *noted != group);
    }
}

pub(super) const HEAD: &str = "select i.epoch, i.revision, r.change_id
         from installation i
         join revisions r on r.revision = i.revision";

pub(super) async fn head(connection: &mut Connection) -> Result<Head, StoreError> {
    let row = sql(HEAD).fetch_one(connection).await?;
    let columns = Columns(&row);
    Ok(Head {
        epoch: columns.array("epoch")?,
        revision: columns.number("revision")?,
        change_id: columns.array("change_id")?,
    })
}

pub(super) const CHANGE_ID: &str = "select change_id from revisions where revision = $1";

pub(super) async fn change_id(
    connection: &mut Connection,
    revision: u64,
) -> Result<Option<[u8; 16]>, StoreError> {
    let Ok(revision) = i64::try_from(revision) else {
        return Ok(None);
    };
    sql(CHANGE_ID)
        .bind(revision)
        .fetch_optional(connection)
        .await?
        .map(|row| Columns(&row).array("change_id"))
        .transpose()
}

pub(super) const COMMITTED_AT: &str = "select committed_at from revisions where revision = $1";

pub(super) async fn committed_at(
    connection: &mut Connection,
    revision: u64,
) -> Result<Option<Timestamp>, StoreError> {
    let Ok(revision) = i64::try_from(revision) else {
        return Ok(None);
    };
    sql(COMMITTED_AT)
        .bind(revision)
        .fetch_optional(connection)
        .await?
        .map(|row| Columns(&row).time("committed_at"))
        .transpose()
}

pub(super) const CHANGED_GROUPS: &str = "select g.id from gateway_groups g
         where exists (select 1 from changes c where c.group_id = g.id and c.revision = $1)";

pub(super) async fn change(
    connection: &mut Connection,
    revision: u64,
) -> Result<Option<CommittedChange>, StoreError> {
    let Some(at) = committed_at(connection, revision).await? else {
        return Ok(None);
    };
    let groups = sql(CHANGED_GROUPS)
        .bind(number(revision, "changes.revision")?)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Columns(row).parsed("id"))
        .collect::<Result<_, _>>()?;
    Ok(Some(CommittedChange { at, groups }))
}

pub(super) const COMMITS_OF: &str = "select r.revision, r.committed_at
         from revisions r
         where r.revision > $2 and r.revision <= $3
             and exists (select 1 from changes c where c.group_id = $1 and c.revision = r.revision)
         order by r.revision
         limit $4";

/// The group's revisions between two, the first not included.
pub(super) async fn commits_of(
    connection: &mut Connection,
    group: GroupId,
    (after, to): (u64, u64),
    count: usize,
) -> Result<Vec<(u64, Timestamp)>, StoreError> {
    sql(COMMITS_OF)
        .bind(group.to_string())
        .bind(number(after, "revisions.revision")?)
        .bind(number(to, "revisions.revision")?)
        .bind(limit(count))
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let columns = Columns(row);
            Ok((columns.number("revision")?, columns.time("committed_at")?))
        })
        .collect()
}

/// What [`append`] will answer, if there is anything to write.
pub(super) async fn pending_revision(
    connection: &mut Connection,
    notes: &Notes,
) -> Result<Option<u64>, StoreError> {
    if notes.noted.is_empty() {
        return Ok(None);
    }
    let head = head(connection).await?;
    Ok(Some(head.revision.saturating_add(1)))
}

pub(super) const NEXT_REVISION: &str = "update installation
         set revision = revision + 1
         returning revision";

pub(super) const INSERT_CHANGE: &str =
    "insert into changes (group_id, revision, position, application_number, digest, key_version, issuer_number)
             values ($1, $2, $3, $4, $5, $6, $7)";

/// Writes what was noted under the next revision, if there is anything. Returns the log's revision.
pub(super) async fn append(
    connection: &mut Connection,
    notes: &Notes,
    stamp: Stamp,
) -> Result<u64, StoreError> {
    if notes.noted.is_empty() {
        return Ok(head(connection).await?.revision);
    }
    let row = sql(NEXT_REVISION).fetch_one(&mut *connection).await?;
    let revision: u64 = Columns(&row).number("revision")?;
    insert_revision(connection, revision, stamp).await?;
    let revision_number = number(revision, "changes.revision")?;
    for (position, (group, note)) in (0_i64..).zip(&notes.noted) {
        let none = (None, None, None, None);
        let (application, digest, key, issuer) = match note {
            Note::Application(number) => (Some(i64::from(*number)), none.1, none.2, none.3),
            Note::Secret(digest) => (none.0, Some(digest.as_slice()), none.2, none.3),
            Note::Key(version) => (none.0, none.1, Some(i64::from(*version)), none.3),
            Note::Issuer(number) => (none.0, none.1, none.2, Some(i64::from(*number))),
        };
        sql(INSERT_CHANGE)
            .bind(group.to_string())
            .bind(revision_number)
            .bind(position)
            .bind(application)
            .bind(digest)
            .bind(key)
            .bind(issuer)
            .execute(&mut *connection)
            .await?;
    }
    Ok(revision)
}

pub(super) const WITHDRAW: &str = "insert into changes (group_id, revision, position, digest)
         select d.group_id, i.revision + 1, $3 + row_number() over (), d.digest
         from credentials c
         join deployed_secrets d on d.credential_id = c.id
         cross join installation i
         where c.application_id = $2 and d.group_id = $1";

/// Writes that the secrets of an application's credentials are withdrawn from the group: at once, in one statement,
/// however many they are. The application is noted as well, so that the revision comes to be.
pub(super) async fn withdraw(
    connection: &mut Connection,
    notes: &mut Notes,
    group: GroupId,
    application: ApplicationId,
) -> Result<(), StoreError> {
    let position = WRITTEN_FROM.saturating_add(number(notes.written, "changes.position")?);
    let done = sql(WITHDRAW)
        .bind(group.to_string())
        .bind(application.to_string())
        .bind(position)
        .execute(connection)
        .await?;
    notes.written = notes.written.saturating_add(done.rows_affected());
    Ok(())
}

pub(super) const INSERT_REVISION: &str =
    "insert into revisions (revision, change_id, committed_at) values ($1, $2, $3)";

pub(super) async fn insert_revision(
    connection: &mut Connection,
    revision: u64,
    stamp: Stamp,
) -> Result<(), StoreError> {
    sql(INSERT_REVISION)
        .bind(number(revision, "revisions.revision")?)
        .bind(stamp.change_id.as_slice())
        .bind(time(stamp.at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const LAST_BEFORE: &str = "select revision from revisions
     where committed_at < $1
     order by committed_at desc, revision desc
     limit 1";

pub(super) const PRUNE_CHANGES: &str = "delete from changes where revision <= $1";

pub(super) const PRUNE_REVISIONS: &str = "delete from revisions where revision < $1";

/// Forgets the changes before `before`. The revision up to which they are forgotten stays a valid position, and the
/// last one always does.
pub(super) async fn prune(
    connection: &mut Connection,
    before: Timestamp,
) -> Result<(), StoreError> {
    let row = sql(LAST_BEFORE)
        .bind(time(before))
        .fetch_optional(&mut *connection)
        .await?;
    let Some(last): Option<i64> = row
        .map(|row| Columns(&row).number("revision"))
        .transpose()?
    else {
        return Ok(());
    };
    sql(PRUNE_CHANGES)
        .bind(last)
        .execute(&mut *connection)
        .await?;
    sql(PRUNE_REVISIONS).bind(last).execute(connection).await?;
    Ok(())
}
