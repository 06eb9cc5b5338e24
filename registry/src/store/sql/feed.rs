//! What a group's gateways may know, in the order in which the feed tells it.

use filter_core::digest::Digest;

use super::{
    connection::{Connection, Row, sql},
    issuer,
    value::{Columns, limit, number},
};
use crate::{
    ids::{ApplicationId, GroupId},
    store::{ApplicationRow, ChangeRow, RenderedCredential, StoreError, Subject},
};

macro_rules! application_columns {
    () => {
        "a.id as application_id, a.number as application_number, a.name as application_name, a.custom_id, \
         a.enabled as application_enabled"
    };
}

pub(super) const APPLICATIONS: &str = concat!(
    "select ",
    application_columns!(),
    "
     from admitted_applications v
     join applications a on a.id = v.application_id
     where v.group_id = $1 and v.bucket >= $2
     order by v.bucket, v.number
     limit $3"
);

/// One walk along one table.
pub(super) const CREDENTIALS: &str = "select digest, record
     from deployed_secrets
     where group_id = $1 and digest >= $2
     order by digest
     limit $3";

/// Each change with the present state of what changed: of either kind, the columns are null where the group knows it no
/// more, or the change is of another kind.
pub(super) const CHANGES: &str = concat!(
    "select h.revision, h.application_number as changed_application, h.digest as changed_digest, \
            h.key_version, \
            i.name as changed_issuer, i.record as issuer_record, \
            v.number as admitted, d.digest, d.record, ",
    application_columns!(),
    "
     from changes h
     left join applications a on a.number = h.application_number
     left join admitted_applications v on v.application_id = a.id and v.group_id = h.group_id
     left join deployed_secrets d on d.group_id = h.group_id and d.digest = h.digest
     left join issuers i on i.number = h.issuer_number
     where h.group_id = $1 and h.revision > $2
     order by h.revision, h.position
     limit $3"
);

fn application(row: &Row) -> Result<ApplicationRow, StoreError> {
    let columns = Columns(row);
    Ok(ApplicationRow {
        number: columns.number("application_number")?,
        id: columns
            .parsed::<ApplicationId>("application_id")?
            .object_id(),
        name: columns.text("application_name")?,
        custom_id: columns.optional_text("custom_id")?,
        enabled: columns.flag("application_enabled")?,
    })
}

fn credential(row: &Row) -> Result<RenderedCredential, StoreError> {
    let columns = Columns(row);
    Ok(RenderedCredential {
        digest: Digest(columns.array("digest")?),
        record: columns.bytes("record")?,
    })
}

pub(super) async fn applications(
    connection: &mut Connection,
    group: GroupId,
    from_bucket: u16,
    count: usize,
) -> Result<Vec<ApplicationRow>, StoreError> {
    sql(APPLICATIONS)
        .bind(group.to_string())
        .bind(i64::from(from_bucket))
        .bind(limit(count))
        .fetch_all(connection)
        .await?
        .iter()
        .map(application)
        .collect()
}

pub(super) async fn credentials(
    connection: &mut Connection,
    group: GroupId,
    from_digest: &[u8; 16],
    count: usize,
) -> Result<Vec<RenderedCredential>, StoreError> {
    sql(CREDENTIALS)
        .bind(group.to_string())
        .bind(from_digest.as_slice())
        .bind(limit(count))
        .fetch_all(connection)
        .await?
        .iter()
        .map(credential)
        .collect()
}

pub(super) async fn changes(
    connection: &mut Connection,
    group: GroupId,
    after: u64,
    count: usize,
) -> Result<Vec<ChangeRow>, StoreError> {
    sql(CHANGES)
        .bind(group.to_string())
        .bind(number(after, "changes.revision")?)
        .bind(limit(count))
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            Ok(ChangeRow {
                revision: Columns(row).number("revision")?,
                subject: subject(row)?,
            })
        })
        .collect()
}

fn subject(row: &Row) -> Result<Subject, StoreError> {
    let columns = Columns(row);
    if columns.optional_bytes("changed_digest")?.is_some() {
        let known = columns.optional_bytes("digest")?.is_some();
        let now = known.then(|| credential(row)).transpose()?;
        return Ok(Subject::Secret(
            Digest(columns.array("changed_digest")?),
            now,
        ));
    }
    if let Some(version) = columns.optional_number("key_version")? {
        return Ok(Subject::Key(version));
    }
    if let Some(name) = columns.optional_text("changed_issuer")? {
        let now = columns.optional_bytes("issuer_record")?;
        let now = now.map(|bytes| issuer::decode(&bytes)).transpose()?;
        return Ok(Subject::Issuer(name, now));
    }
    let known = columns.optional_number::<u32>("admitted")?.is_some();
    let now = known.then(|| application(row)).transpose()?;
    Ok(Subject::Application(
        columns.number("changed_application")?,
        now,
    ))
}
