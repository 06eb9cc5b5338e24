//! What was done, as organizations list it. How it is written is in `chain.rs`.

use serde_json::Map;

use super::{
    connection::{Connection, Row, Sql, sql, texts},
    value::{Columns, limit, number, optional_time, time},
};
use crate::{
    audit::{AuditQuery, Entry, NumberedEntry, Whose},
    clock::Timestamp,
    ids::OrganizationId,
    store::StoreError,
};

/// The newest first. By time and then by number, because both conditions on time and the place where a page ends are then
/// a stretch of one index.
macro_rules! select {
    ($index:literal, $wanted:literal) => {
        texts!(
            "select sequence, organization_id, at, token_id, address, action, application_id, credential_id, subject, detail
             from audit"
            { $index | "" }
            " where "
            $wanted
            " and organization_id = $1
                 and (at, sequence) < ($2, $3)
                 and at >= $4
                 and ($5 is null or application_id = $5)
                 and ($6 is null or credential_id = $6)
                 and ($7 is null or action = $7)
                 and ($8 is null or token_id = $8)
                 and ($10 = 'everybodys' or application_id is not null or credential_id is not null
                     or action = 'credentials.exported'
                     or exists (
                         select 1 from tokens t
                         where t.id = case when action in ('token.created', 'token.revoked') then subject else token_id end
                             and t.role in ('org_admin', 'developer')
                     ))
             order by at desc, sequence desc
             limit $9"
        )
    };
}

pub(super) const LIST: Sql = select!(" indexed by audit_by_organization", "organization_id = $1");
pub(super) const OF_APPLICATION: Sql =
    select!(" indexed by audit_by_application", "application_id = $5");
pub(super) const OF_CREDENTIAL: Sql =
    select!(" indexed by audit_by_credential", "credential_id = $6");
pub(super) const OF_TOKEN: Sql = select!(" indexed by audit_by_token", "token_id = $8");
pub(super) const OF_ACTION: Sql = select!(" indexed by audit_by_action", "action = $7");

fn decode(row: &Row) -> Result<NumberedEntry, StoreError> {
    let columns = Columns(row);
    Ok(NumberedEntry {
        sequence: columns.number("sequence")?,
        entry: Entry {
            organization: columns.parsed("organization_id")?,
            at: columns.time("at")?,
            token: columns.optional_parsed("token_id")?,
            address: columns.optional_text("address")?,
            action: columns.text("action")?,
            application: columns.optional_parsed("application_id")?,
            credential: columns.optional_parsed("credential_id")?,
            subject: columns.text("subject")?,
            detail: columns.json::<Map<_, _>>("detail")?,
        },
    })
}

pub(super) async fn list(
    connection: &mut Connection,
    organization: OrganizationId,
    query: &AuditQuery,
) -> Result<Vec<NumberedEntry>, StoreError> {
    // The index that leaves the least to look at.
    let statement = if query.credential.is_some() {
        OF_CREDENTIAL
    } else if query.application.is_some() {
        OF_APPLICATION
    } else if query.token.is_some() {
        OF_TOKEN
    } else if query.action.is_some() {
        OF_ACTION
    } else {
        LIST
    };
    let (at, sequence) = end(query)?;
    sql(statement)
        .bind(organization.to_string())
        .bind(at)
        .bind(sequence)
        .bind(optional_time(query.since).unwrap_or_default())
        .bind(query.application.map(|id| id.to_string()))
        .bind(query.credential.map(|id| id.to_string()))
        .bind(query.action.map(crate::audit::Action::word))
        .bind(query.token.map(|id| id.to_string()))
        .bind(limit(query.limit))
        .bind(match query.whose {
            Whose::Everybodys => "everybodys",
            Whose::Tenants => "tenants",
        })
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Only what is before this is asked for: by the page before, and by the end of the time.
fn end(query: &AuditQuery) -> Result<(i64, i64), StoreError> {
    let page = query
        .before
        .map(|position| (position.at, position.sequence));
    let until = query.until.map(|until| (until, 0));
    let last = (Timestamp::from_millis(u64::MAX), u64::MAX >> 1);
    let (at, sequence) = page.into_iter().chain(until).min().unwrap_or(last);
    Ok((time(at), number(sequence, "audit.sequence")?))
}
