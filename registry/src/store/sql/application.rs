//! Applications and their names.

use super::{
    connection::{Connection, Row, Sql, sql, texts},
    name::{Named, Word as _},
    value::{Columns, json, limit, number, time},
};
use crate::{
    application::{Application, ApplicationQuery, DefaultKey, Reach},
    ids::{ApplicationId, OrganizationId},
    label::Labels,
    scope::Scopes,
    store::StoreError,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, organization_id, owner, number, name, custom_id, description, labels, scopes, gateway_groups, enabled,
                    default_key, default_credential_id, created_at, updated_at, version
             from applications ",
            $rest
        )
    };
}

fn decode(row: &Row) -> Result<Application, StoreError> {
    let columns = Columns(row);
    let reach = match columns.optional_text("gateway_groups")? {
        None => Reach::Automatic,
        Some(_) => Reach::Listed(columns.json("gateway_groups")?),
    };
    Ok(Application {
        id: columns.parsed("id")?,
        organization: columns.parsed("organization_id")?,
        owner: columns.optional_parsed("owner")?,
        number: columns.number("number")?,
        name: columns.text("name")?,
        custom_id: columns.optional_text("custom_id")?,
        description: columns.text("description")?,
        labels: Labels::from(columns.json::<std::collections::BTreeMap<_, _>>("labels")?),
        scopes: Scopes::from(columns.json::<Vec<_>>("scopes")?),
        reach,
        enabled: columns.flag("enabled")?,
        default_key: columns.parsed::<Named<DefaultKey>>("default_key")?.0,
        default_credential: columns
            .optional_text("default_credential_id")?
            .map(|id| id.parse())
            .transpose()
            .map_err(|_| StoreError::Unreadable("applications.default_credential_id"))?,
        created_at: columns.time("created_at")?,
        updated_at: columns.time("updated_at")?,
        version: columns.number("version")?,
    })
}

fn groups_column(application: &Application) -> Result<Option<String>, StoreError> {
    match &application.reach {
        Reach::Automatic => Ok(None),
        Reach::Listed(names) => json(names, "applications.gateway_groups").map(Some),
    }
}

fn scopes_column(application: &Application) -> Result<String, StoreError> {
    json(
        &application.scopes.iter().collect::<Vec<_>>(),
        "applications.scopes",
    )
}

pub(super) const GET: &str = select!("where id = $1");

pub(super) async fn get(
    connection: &mut Connection,
    id: ApplicationId,
) -> Result<Option<Application>, StoreError> {
    sql(GET)
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

pub(super) const LIST: &str =
    select!("where organization_id = $1 and id > $2 order by id limit $3");
pub(super) const LIST_OWNED: &str =
    select!("where organization_id = $1 and id > $2 and owner = $3 order by id limit $4");
/// A name is one application's: the unique index finds it.
pub(super) const LIST_NAMED: &str =
    select!("where organization_id = $1 and id > $2 and name = $3 limit $4");

pub(super) async fn list(
    connection: &mut Connection,
    organization: OrganizationId,
    query: &ApplicationQuery,
) -> Result<Vec<Application>, StoreError> {
    let (organization, after) = (organization.to_string(), after(query.after));
    let owner = query.owner.map(|owner| owner.to_string());
    let found = match (&query.name, owner) {
        (Some(name), _) => sql(LIST_NAMED).bind(organization).bind(after).bind(name),
        (None, Some(owner)) => sql(LIST_OWNED).bind(organization).bind(after).bind(owner),
        (None, None) => sql(LIST).bind(organization).bind(after),
    };
    let found = found.bind(limit(query.limit)).fetch_all(connection).await?;
    let found: Result<Vec<_>, _> = found.iter().map(decode).collect();
    let mut found = found?;
    found.retain(|application| query.owner.is_none() || query.owner == application.owner);
    Ok(found)
}

/// Those that are skipped are passed over in the index of one organization, and not read.
pub(super) const LIST_FROM: &str =
    select!("where organization_id = $1 order by id limit $2 offset $3");

pub(super) async fn list_from(
    connection: &mut Connection,
    organization: OrganizationId,
    skipped: usize,
    count: usize,
) -> Result<Vec<Application>, StoreError> {
    sql(LIST_FROM)
        .bind(organization.to_string())
        .bind(limit(count))
        .bind(limit(skipped))
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

pub(super) const EVERY: &str = select!("where id > $1 order by id limit $2");

pub(super) async fn every(
    connection: &mut Connection,
    after_id: Option<ApplicationId>,
    count: usize,
) -> Result<Vec<Application>, StoreError> {
    sql(EVERY)
        .bind(after(after_id))
        .bind(limit(count))
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Every id sorts after the empty text.
fn after(id: Option<ApplicationId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

pub(super) const NAME_OWNER: &str = "select organization_id from application_names where name = $1";

pub(super) async fn name_owner(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<OrganizationId>, StoreError> {
    sql(NAME_OWNER)
        .bind(name)
        .fetch_optional(connection)
        .await?
        .map(|row| Columns(&row).parsed("organization_id"))
        .transpose()
}

pub(super) const NAMED: &str = "select id from applications where name = $1";

pub(super) async fn named(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<ApplicationId>, StoreError> {
    sql(NAMED)
        .bind(name)
        .fetch_optional(connection)
        .await?
        .map(|row| Columns(&row).parsed("id"))
        .transpose()
}

pub(super) const LISTING: Sql = texts!(
    "select name from applications where " { "instr" | "strpos" } "(gateway_groups, $1) > 0 order by id limit $2"
);

pub(super) async fn listing(
    connection: &mut Connection,
    group: &str,
    count: usize,
) -> Result<Vec<String>, StoreError> {
    // A group's name has no character that JSON escapes.
    sql(LISTING)
        .bind(format!("\"{group}\""))
        .bind(limit(count))
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Columns(row).text("name"))
        .collect()
}

pub(super) const RESERVE_NAME: &str = "insert into application_names (name, organization_id)
         values ($1, $2)
         on conflict (name) do nothing";

async fn reserve_name(
    connection: &mut Connection,
    application: &Application,
) -> Result<(), StoreError> {
    sql(RESERVE_NAME)
        .bind(&application.name)
        .bind(application.organization.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const INSERT: &str = "insert into applications
             (id, organization_id, number, name, custom_id, description, labels, scopes, gateway_groups, enabled,
              default_key, default_credential_id, created_at, updated_at, version, owner)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

pub(super) async fn insert(
    connection: &mut Connection,
    application: &Application,
) -> Result<(), StoreError> {
    reserve_name(connection, application).await?;
    sql(INSERT)
        .bind(application.id.to_string())
        .bind(application.organization.to_string())
        .bind(i64::from(application.number))
        .bind(&application.name)
        .bind(&application.custom_id)
        .bind(&application.description)
        .bind(json(application.labels.as_map(), "applications.labels")?)
        .bind(scopes_column(application)?)
        .bind(groups_column(application)?)
        .bind(application.enabled)
        .bind(application.default_key.word())
        .bind(application.default_credential.map(|id| id.to_string()))
        .bind(time(application.created_at))
        .bind(time(application.updated_at))
        .bind(number(application.version, "applications.version")?)
        .bind(application.owner.map(|owner| owner.to_string()))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const UPDATE: &str = "update applications
         set name = $2, custom_id = $3, description = $4, labels = $5, scopes = $6, gateway_groups = $7, enabled = $8,
             default_key = $9, default_credential_id = $10, updated_at = $11, version = $12,
             owner = $13
         where id = $1";

pub(super) async fn update(
    connection: &mut Connection,
    application: &Application,
) -> Result<(), StoreError> {
    reserve_name(connection, application).await?;
    sql(UPDATE)
        .bind(application.id.to_string())
        .bind(&application.name)
        .bind(&application.custom_id)
        .bind(&application.description)
        .bind(json(application.labels.as_map(), "applications.labels")?)
        .bind(scopes_column(application)?)
        .bind(groups_column(application)?)
        .bind(application.enabled)
        .bind(application.default_key.word())
        .bind(application.default_credential.map(|id| id.to_string()))
        .bind(time(application.updated_at))
        .bind(number(application.version, "applications.version")?)
        .bind(application.owner.map(|owner| owner.to_string()))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const DELETE: [&str; 3] = [
    "delete from registration_tokens where application_id = $1",
    "delete from dismissals where application_id = $1",
    "delete from applications where id = $1",
];

pub(super) async fn delete(
    connection: &mut Connection,
    id: ApplicationId,
) -> Result<(), StoreError> {
    for statement in DELETE {
        sql(statement)
            .bind(id.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
