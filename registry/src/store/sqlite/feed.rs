//! What a group's gateways may know, in the order in which the feed tells it.

use filter_core::{digest::Digest, feed::application_bucket};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    name::{Named, presented_as},
    value::{Columns, limit, number},
};
use crate::{
    credential::CredentialType,
    ids::{ApplicationId, CredentialId, GroupId},
    secret::Origin,
    store::{ApplicationRow, ChangeRow, CredentialRow, StoreError, Subject},
};

macro_rules! application_columns {
    () => {
        "a.id as application_id, a.number as application_number, a.name as application_name, a.custom_id, \
         a.enabled as application_enabled"
    };
}

macro_rules! credential_columns {
    () => {
        "a.number as application_number, c.id as credential_id, c.kind, c.identifier, c.enabled, c.not_before, \
         c.expires_at, c.scopes, s.version, s.origin, s.retiring_until"
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

pub(super) const CREDENTIALS: &str = concat!(
    "select d.digest, ",
    credential_columns!(),
    "
     from deployed_secrets d
     join secrets s on s.id = d.secret_id
     join credentials c on c.id = d.credential_id
     join applications a on a.id = c.application_id
     where d.group_id = $1 and d.digest >= $2
     order by d.digest
     limit $3"
);

pub(super) const CHANGES: &str = "select revision, application_number, digest
     from changes
     where group_id = $1 and revision > $2
     order by revision, position
     limit $3";

const APPLICATION: &str = concat!(
    "select ",
    application_columns!(),
    "
     from admitted_applications v
     join applications a on a.id = v.application_id
     where v.group_id = $1 and v.bucket = $2 and v.number = $3"
);

const CREDENTIAL: &str = concat!(
    "select d.digest, ",
    credential_columns!(),
    "
     from deployed_secrets d
     join secrets s on s.id = d.secret_id
     join credentials c on c.id = d.credential_id
     join applications a on a.id = c.application_id
     where d.group_id = $1 and d.digest = $2"
);

fn application(row: &SqliteRow) -> Result<ApplicationRow, StoreError> {
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

fn credential(row: &SqliteRow) -> Result<CredentialRow, StoreError> {
    let columns = Columns(row);
    let kind: Named<CredentialType> = columns.parsed("kind")?;
    let origin: Named<Origin> = columns.parsed("origin")?;
    Ok(CredentialRow {
        digest: Digest(columns.array("digest")?),
        kind: presented_as(&kind, &origin),
        application: columns.number("application_number")?,
        id: columns.parsed::<CredentialId>("credential_id")?.object_id(),
        identifier: columns.text("identifier")?,
        version: columns.number("version")?,
        enabled: columns.flag("enabled")?,
        not_before: columns.optional_time("not_before")?,
        expires_at: columns.optional_time("expires_at")?,
        retiring_until: columns.optional_time("retiring_until")?,
        scopes: columns.json("scopes")?,
    })
}

pub(super) async fn applications(
    connection: &mut SqliteConnection,
    group: GroupId,
    from_bucket: u16,
    count: usize,
) -> Result<Vec<ApplicationRow>, StoreError> {
    sqlx::query(APPLICATIONS)
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
    connection: &mut SqliteConnection,
    group: GroupId,
    from_digest: &[u8; 16],
    count: usize,
) -> Result<Vec<CredentialRow>, StoreError> {
    sqlx::query(CREDENTIALS)
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
    connection: &mut SqliteConnection,
    group: GroupId,
    after: u64,
    count: usize,
) -> Result<Vec<ChangeRow>, StoreError> {
    let rows = sqlx::query(CHANGES)
        .bind(group.to_string())
        .bind(number(after, "changes.revision")?)
        .bind(limit(count))
        .fetch_all(&mut *connection)
        .await?;
    let mut changes = Vec::with_capacity(rows.len());
    for row in &rows {
        let columns = Columns(row);
        let subject = match columns.optional_bytes("digest")? {
            Some(_) => secret_subject(connection, group, columns.array("digest")?).await?,
            None => {
                application_subject(connection, group, columns.number("application_number")?)
                    .await?
            }
        };
        changes.push(ChangeRow {
            revision: columns.number("revision")?,
            subject,
        });
    }
    Ok(changes)
}

async fn secret_subject(
    connection: &mut SqliteConnection,
    group: GroupId,
    digest: [u8; 16],
) -> Result<Subject, StoreError> {
    let now = sqlx::query(CREDENTIAL)
        .bind(group.to_string())
        .bind(digest.as_slice())
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(credential)
        .transpose()?;
    Ok(Subject::Secret(Digest(digest), now.map(Box::new)))
}

async fn application_subject(
    connection: &mut SqliteConnection,
    group: GroupId,
    application_number: u32,
) -> Result<Subject, StoreError> {
    let now = sqlx::query(APPLICATION)
        .bind(group.to_string())
        .bind(i64::from(application_bucket(application_number)))
        .bind(i64::from(application_number))
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(application)
        .transpose()?;
    Ok(Subject::Application(application_number, now))
}
