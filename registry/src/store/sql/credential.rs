//! Credentials.

use super::{
    connection::{Connection, Row, Sql, sql, texts},
    name::{Named, Word as _},
    username,
    value::{Columns, json, limit, number, optional_duration, optional_time, time},
};
use crate::{
    clock::Timestamp,
    credential::{Credential, CredentialQuery, CredentialType, Deploy, SecretType},
    ids::{ApplicationId, CredentialId},
    label::Labels,
    scope::Scopes,
    store::StoreError,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, organization_id, application_id, kind, name, identifier, username, description, labels, enabled,
                    not_before, expires_at, scopes, deploy, paired, secret_type, secret_version, rotate_every, rotated_at,
                    tokens_valid_from, last_used_at, created_at, updated_at, version
             from credentials ",
            $rest
        )
    };
}

pub(super) fn decode(row: &Row) -> Result<Credential, StoreError> {
    let columns = Columns(row);
    Ok(Credential {
        id: columns.parsed("id")?,
        organization: columns.parsed("organization_id")?,
        application: columns.parsed("application_id")?,
        kind: columns.parsed::<Named<CredentialType>>("kind")?.0,
        name: columns.text("name")?,
        identifier: columns.text("identifier")?,
        username: columns.optional_text("username")?,
        description: columns.text("description")?,
        labels: Labels::from(columns.json::<std::collections::BTreeMap<_, _>>("labels")?),
        enabled: columns.flag("enabled")?,
        not_before: columns.optional_time("not_before")?,
        expires_at: columns.optional_time("expires_at")?,
        scopes: Scopes::from(columns.json::<Vec<_>>("scopes")?),
        deploy: columns.parsed::<Named<Deploy>>("deploy")?.0,
        is_paired: columns.flag("paired")?,
        secret_type: columns.parsed::<Named<SecretType>>("secret_type")?.0,
        secret_version: columns.number("secret_version")?,
        rotate_every: columns.optional_duration("rotate_every")?,
        rotated_at: columns.time("rotated_at")?,
        tokens_valid_from: columns.optional_time("tokens_valid_from")?,
        last_used_at: columns.optional_time("last_used_at")?,
        created_at: columns.time("created_at")?,
        updated_at: columns.time("updated_at")?,
        version: columns.number("version")?,
    })
}

fn scopes_column(credential: &Credential) -> Result<String, StoreError> {
    json(
        &credential.scopes.iter().collect::<Vec<_>>(),
        "credentials.scopes",
    )
}

pub(super) const GET: &str = select!("where id = $1");

pub(super) async fn get(
    connection: &mut Connection,
    id: CredentialId,
) -> Result<Option<Credential>, StoreError> {
    sql(GET)
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

pub(super) const LIST: &str = select!("where application_id = $1 and id > $2 order by id limit $3");

pub(super) async fn list(
    connection: &mut Connection,
    application: ApplicationId,
    query: CredentialQuery,
) -> Result<Vec<Credential>, StoreError> {
    sql(LIST)
        .bind(application.to_string())
        // Every id sorts after the empty text.
        .bind(query.after.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit(query.limit))
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Those with a scope that is not among these.
pub(super) const BEYOND: Sql = texts!(
    "select id from credentials
     where application_id = $1
         and exists (
             select 1 from "
    { "json_each(scopes)" | "jsonb_array_elements_text(scopes::jsonb)" }
    " w where w.value not in (
                 select k.value from "
    { "json_each($2)" | "jsonb_array_elements_text($2::jsonb)" }
    " k
             )
         )
     order by id
     limit $3"
);

pub(super) async fn beyond(
    connection: &mut Connection,
    application: ApplicationId,
    scopes: &Scopes,
    count: usize,
) -> Result<Vec<CredentialId>, StoreError> {
    sql(BEYOND)
        .bind(application.to_string())
        .bind(json(
            &scopes.iter().collect::<Vec<_>>(),
            "applications.scopes",
        )?)
        .bind(limit(count))
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Columns(row).parsed("id"))
        .collect()
}

pub(super) const NAMED: &str = "select id from credentials where application_id = $1 and name = $2";

pub(super) async fn named(
    connection: &mut Connection,
    application: ApplicationId,
    name: &str,
) -> Result<Option<CredentialId>, StoreError> {
    sql(NAMED)
        .bind(application.to_string())
        .bind(name)
        .fetch_optional(connection)
        .await?
        .map(|row| Columns(&row).parsed("id"))
        .transpose()
}

pub(super) const IDENTIFIED: &str =
    "select id from credentials where application_id = $1 and identifier = $2";

pub(super) async fn identified(
    connection: &mut Connection,
    application: ApplicationId,
    identifier: &str,
) -> Result<Option<CredentialId>, StoreError> {
    sql(IDENTIFIED)
        .bind(application.to_string())
        .bind(identifier)
        .fetch_optional(connection)
        .await?
        .map(|row| Columns(&row).parsed("id"))
        .transpose()
}

pub(super) const INSERT: &str = "insert into credentials
             (id, organization_id, application_id, kind, name, identifier, username, description, labels, enabled,
              not_before, expires_at, scopes, deploy, paired, secret_type, secret_version, rotate_every, rotated_at,
              tokens_valid_from, created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                 $23)";

pub(super) async fn insert(
    connection: &mut Connection,
    credential: &Credential,
) -> Result<(), StoreError> {
    sql(INSERT)
        .bind(credential.id.to_string())
        .bind(credential.organization.to_string())
        .bind(credential.application.to_string())
        .bind(credential.kind.word())
        .bind(&credential.name)
        .bind(&credential.identifier)
        .bind(&credential.username)
        .bind(&credential.description)
        .bind(json(credential.labels.as_map(), "credentials.labels")?)
        .bind(credential.enabled)
        .bind(optional_time(credential.not_before))
        .bind(optional_time(credential.expires_at))
        .bind(scopes_column(credential)?)
        .bind(credential.deploy.word())
        .bind(credential.is_paired)
        .bind(credential.secret_type.word())
        .bind(i64::from(credential.secret_version))
        .bind(optional_duration(
            credential.rotate_every,
            "credentials.rotate_every",
        )?)
        .bind(time(credential.rotated_at))
        .bind(optional_time(credential.tokens_valid_from))
        .bind(time(credential.created_at))
        .bind(time(credential.updated_at))
        .bind(number(credential.version, "credentials.version")?)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const UPDATE: &str = "update credentials
         set name = $2, username = $3, description = $4, labels = $5, enabled = $6, not_before = $7, expires_at = $8,
             scopes = $9, deploy = $10, paired = $11, secret_type = $12, secret_version = $13, rotate_every = $14,
             rotated_at = $15, tokens_valid_from = $16, updated_at = $17, version = $18
         where id = $1";

pub(super) const FOLLOW_EXPIRY: Sql = texts!(
    "update deployed_secrets set expires_at = $2 where credential_id = $1 and expires_at "
    { "is not" | "is distinct from" }
    " $2"
);

pub(super) async fn update(
    connection: &mut Connection,
    credential: &Credential,
) -> Result<(), StoreError> {
    sql(UPDATE)
        .bind(credential.id.to_string())
        .bind(&credential.name)
        .bind(&credential.username)
        .bind(&credential.description)
        .bind(json(credential.labels.as_map(), "credentials.labels")?)
        .bind(credential.enabled)
        .bind(optional_time(credential.not_before))
        .bind(optional_time(credential.expires_at))
        .bind(scopes_column(credential)?)
        .bind(credential.deploy.word())
        .bind(credential.is_paired)
        .bind(credential.secret_type.word())
        .bind(i64::from(credential.secret_version))
        .bind(optional_duration(
            credential.rotate_every,
            "credentials.rotate_every",
        )?)
        .bind(time(credential.rotated_at))
        .bind(optional_time(credential.tokens_valid_from))
        .bind(time(credential.updated_at))
        .bind(number(credential.version, "credentials.version")?)
        .execute(&mut *connection)
        .await?;
    sql(FOLLOW_EXPIRY)
        .bind(credential.id.to_string())
        .bind(optional_time(credential.expires_at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const DELETE: [&str; 2] = [
    "delete from access_tokens where credential_id = $1",
    "delete from credentials where id = $1",
];

pub(super) async fn delete(
    connection: &mut Connection,
    id: CredentialId,
) -> Result<(), StoreError> {
    username::release(connection, id).await?;
    for statement in DELETE {
        sql(statement)
            .bind(id.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) const DELETE_OF_APPLICATION: [&str; 5] = [
    "delete from access_tokens where credential_id in (select id from credentials where application_id = $1)",
    "delete from deployments where credential_id in (select id from credentials where application_id = $1)",
    "delete from withdrawals where credential_id in (select id from credentials where application_id = $1)",
    "delete from usernames where credential_id in (select id from credentials where application_id = $1)",
    "delete from credentials where application_id = $1",
];

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

/// Each part finds only what is still to be done, and stops when it has enough. Left to itself, the planner walks an index
/// in the order of credentials, which holds every secret there ever was.
pub(super) const DUE: Sql = texts!(
    "select credential_id from (
         select distinct credential_id from secrets"
    { " indexed by secrets_retiring" | "" }
    " where state = 'retiring' and retiring_until <= $1
         limit $2
     ) subquery
     union
     select credential_id from (
         select distinct credential_id from deployed_secrets"
    { " indexed by deployed_by_expiry" | "" }
    " where expires_at is not null and expires_at <= $1
         limit $2
     ) subquery
     union
     select credential_id from (
         select distinct credential_id from access_tokens"
    { " indexed by access_tokens_ending" | "" }
    " where ends_at <= $1
         limit $2
     ) subquery
     limit $2"
);

/// Those with a retiring secret past its end, those expired and yet deployed, and those with an access token past its end.
pub(super) async fn due(
    connection: &mut Connection,
    now: Timestamp,
    count: usize,
) -> Result<Vec<CredentialId>, StoreError> {
    sql(DUE)
        .bind(time(now))
        .bind(limit(count))
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Columns(row).parsed("credential_id"))
        .collect()
}
