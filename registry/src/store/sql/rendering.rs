//! Keeps beside each deployed secret what gateways are told of it.
//!
//! Whatever changes a record for gateways goes through [`refresh`], or through [`render`] when it is deployed. So a page of
//! a million credentials is read from one table, and nothing is joined, decoded and encoded for it.

use filter_core::{
    digest::Digest,
    feed::{CredentialKind, FORMAT},
};

use super::{
    admission,
    connection::{Connection, Row, sql},
    database::Database,
    name::{Named, presented_as},
    value::Columns,
};
use crate::{
    credential::{CredentialType, version_of_record},
    ids::CredentialId,
    secret::Origin,
    store::{CredentialRow, Deployed, StoreError, record},
};

/// Rendered at a time, at the first start after another version.
const BATCH: i64 = 10_000;

macro_rules! columns {
    () => {
        "a.number, c.id, c.kind, c.identifier, c.enabled, c.not_before, c.expires_at, c.scopes, c.tokens_valid_from, s.version, s.origin, \
         s.retiring_until, p.version as paired_version, p.retiring_until as paired_until, \
         t.scopes as token_scopes, t.ends_at as token_ends_at"
    };
}

/// What a secret's record is made from.
pub(super) const OF_SECRET: &str = concat!(
    "select ",
    columns!(),
    "
     from secrets s
     join credentials c on c.id = s.credential_id
     join applications a on a.id = c.application_id
     left join secrets p on p.id = $2
     left join access_tokens t on t.id = $3
     where s.id = $1"
);

/// What this version has not rendered yet.
pub(super) const UNRENDERED: &str =
    "select group_id, digest, secret_id, paired_secret_id, access_token_id, key_version
     from deployed_secrets
     where record is null
     limit $1";

/// Changes a row only if the records may be of another format.
pub(super) const SET_FORMAT: &str =
    "update installation set record_format = $1 where record_format <> $1";

/// So that everything is rendered anew, also if that is interrupted.
pub(super) const DISCARD: &str =
    "update deployed_secrets set record = null where record is not null";

pub(super) const RECORD: &str =
    "select record from deployed_secrets where group_id = $1 and digest = $2";

pub(super) const REFRESH: &str =
    "update deployed_secrets set record = $3 where group_id = $1 and digest = $2";

fn decode(row: &Row, digest: Digest) -> Result<CredentialRow, StoreError> {
    let columns = Columns(row);
    let kind: Named<CredentialType> = columns.parsed("kind")?;
    let origin: Named<Origin> = columns.parsed("origin")?;
    let version: u32 = columns.number("version")?;
    let paired: Option<u32> = columns.optional_number("paired_version")?;
    // The soonest end counts: neither secret is good without the other.
    let ends = [
        columns.optional_time("retiring_until")?,
        columns.optional_time("paired_until")?,
        columns.optional_time("token_ends_at")?,
    ];
    let given_for: Option<Vec<String>> = match columns.optional_text("token_scopes")? {
        Some(_) => Some(columns.json("token_scopes")?),
        None => None,
    };
    let mut scopes: Vec<String> = columns.json("scopes")?;
    if let Some(given_for) = &given_for {
        scopes.retain(|scope| given_for.contains(scope));
    }
    Ok(CredentialRow {
        digest,
        kind: match (paired, &given_for) {
            (_, Some(_)) => CredentialKind::BearerToken,
            (None, None) => presented_as(&kind, &origin),
            (Some(_), None) => CredentialKind::ApiKeyPair,
        },
        application: columns.number("number")?,
        id: columns.parsed::<CredentialId>("id")?.object_id(),
        identifier: columns.text("identifier")?,
        version: version_of_record(version, paired),
        enabled: columns.flag("enabled")?,
        not_before: columns.optional_time("not_before")?,
        expires_at: columns.optional_time("expires_at")?,
        retiring_until: ends.into_iter().flatten().min(),
        tokens_valid_from: match given_for {
            // One that was given before is gone.
            Some(_) => None,
            None => columns.optional_time("tokens_valid_from")?,
        },
        scopes,
    })
}

/// What gateways are told of the secret under this digest, as things stand.
pub(super) async fn render(
    connection: &mut Connection,
    deployed: &Deployed,
) -> Result<Vec<u8>, StoreError> {
    let row = sql(OF_SECRET)
        .bind(deployed.secret.to_string())
        .bind(deployed.paired.map(|paired| paired.to_string()))
        .bind(deployed.token.map(|token| token.to_string()))
        .fetch_one(connection)
        .await?;
    let is_missing = Columns(&row).optional_text("token_scopes")?.is_none();
    if deployed.token.is_some() && is_missing {
        return Err(StoreError::Unreadable("deployed_secrets.access_token_id"));
    }
    record::render(decode(&row, Digest(deployed.digest))?)
}

/// Renders a deployed secret anew, after something changed. Returns whether gateways see a difference: whatever a record is
/// made from, nobody has to list it a second time.
pub(super) async fn refresh(
    connection: &mut Connection,
    deployed: &Deployed,
) -> Result<bool, StoreError> {
    let record = render(connection, deployed).await?;
    let before = sql(RECORD)
        .bind(deployed.group.to_string())
        .bind(deployed.digest.as_slice())
        .fetch_one(&mut *connection)
        .await?;
    if Columns(&before).optional_bytes("record")?.as_ref() == Some(&record) {
        return Ok(false);
    }
    let done = sql(REFRESH)
        .bind(deployed.group.to_string())
        .bind(deployed.digest.as_slice())
        .bind(record)
        .execute(connection)
        .await?;
    if done.rows_affected() != 1 {
        return Err(StoreError::Unreadable("deployed_secrets.digest"));
    }
    Ok(true)
}

/// Discards records of another format than this version writes.
async fn discard_others(database: &Database) -> Result<(), StoreError> {
    let mut transaction = database.write().await?;
    let changed = sql(SET_FORMAT)
        .bind(i64::from(FORMAT))
        .execute(&mut transaction)
        .await?;
    if changed.rows_affected() > 0 {
        sql(DISCARD).execute(&mut transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Renders what another version deployed, a part at a time: when it is interrupted, the next start goes on.
pub(super) async fn render_everything(database: &Database) -> Result<(), StoreError> {
    discard_others(database).await?;
    let mut rendered: usize = 0;
    loop {
        let mut transaction = database.write().await?;
        let rows = sql(UNRENDERED)
            .bind(BATCH)
            .fetch_all(&mut transaction)
            .await?;
        for row in &rows {
            let deployed = admission::decode(row)?;
            refresh(&mut transaction, &deployed)
                .await
                .map_err(|source| StoreError::Record {
                    group: deployed.group,
                    digest: u128::from_be_bytes(deployed.digest),
                    source: Box::new(source),
                })?;
        }
        transaction.commit().await?;
        if rows.is_empty() {
            return Ok(());
        }
        rendered = rendered.saturating_add(rows.len());
        tracing::info!(
            rendered,
            "bringing what another version deployed up to date"
        );
    }
}
