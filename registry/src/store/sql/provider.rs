//! Identity providers.

use super::{
    connection::{Connection, Row, sql},
    name::Named,
    value::{Columns, limit, number, time},
};
use crate::{
    ids::ProviderId,
    provider::{Provider, ProviderKind},
    store::StoreError,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, name, kind, issuer, description, enabled, configuration, sealed, created_at, updated_at, version
             from identity_providers ",
            $rest
        )
    };
}

fn decode(row: &Row) -> Result<Provider, StoreError> {
    let columns = Columns(row);
    Ok(Provider {
        id: columns.parsed("id")?,
        name: columns.text("name")?,
        kind: columns.parsed::<Named<ProviderKind>>("kind")?.0,
        issuer: columns.optional_text("issuer")?,
        description: columns.text("description")?,
        enabled: columns.flag("enabled")?,
        configuration: columns.text("configuration")?,
        sealed: columns.optional_bytes("sealed")?,
        created_at: columns.time("created_at")?,
        updated_at: columns.time("updated_at")?,
        version: columns.number("version")?,
    })
}

pub(super) const GET: &str = select!("where id = $1");
pub(super) const NAMED: &str = select!("where name = $1");
pub(super) const ISSUING: &str = select!("where issuer = $1");

/// The one that `statement` finds by its one value.
pub(super) async fn one(
    connection: &mut Connection,
    statement: &'static str,
    value: &str,
) -> Result<Option<Provider>, StoreError> {
    let row = sql(statement)
        .bind(value)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(decode).transpose()
}

pub(super) const LIST: &str = select!("where id > $1 order by id limit $2");

pub(super) async fn list(
    connection: &mut Connection,
    after: Option<ProviderId>,
    count: usize,
) -> Result<Vec<Provider>, StoreError> {
    let rows = sql(LIST)
        // Every id sorts after the empty text.
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit(count))
        .fetch_all(connection)
        .await?;
    rows.iter().map(decode).collect()
}

pub(super) const INSERT: &str = "insert into identity_providers
             (id, name, kind, issuer, description, enabled, configuration, sealed, created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

pub(super) async fn insert(
    connection: &mut Connection,
    provider: &Provider,
) -> Result<(), StoreError> {
    sql(INSERT)
        .bind(provider.id.to_string())
        .bind(&provider.name)
        .bind(provider.kind.word())
        .bind(&provider.issuer)
        .bind(&provider.description)
        .bind(provider.enabled)
        .bind(&provider.configuration)
        .bind(&provider.sealed)
        .bind(time(provider.created_at))
        .bind(time(provider.updated_at))
        .bind(number(provider.version, "identity_providers.version")?)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const UPDATE: &str = "update identity_providers
         set name = $2, issuer = $3, description = $4, enabled = $5, configuration = $6, sealed = $7, updated_at = $8,
             version = $9
         where id = $1";

pub(super) async fn update(
    connection: &mut Connection,
    provider: &Provider,
) -> Result<(), StoreError> {
    sql(UPDATE)
        .bind(provider.id.to_string())
        .bind(&provider.name)
        .bind(&provider.issuer)
        .bind(&provider.description)
        .bind(provider.enabled)
        .bind(&provider.configuration)
        .bind(&provider.sealed)
        .bind(time(provider.updated_at))
        .bind(number(provider.version, "identity_providers.version")?)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const DELETE: [&str; 2] = [
    "delete from oauth_clients where provider_id = $1 and ended_at is not null",
    "delete from identity_providers where id = $1",
];

pub(super) async fn delete(connection: &mut Connection, id: ProviderId) -> Result<(), StoreError> {
    for statement in DELETE {
        sql(statement)
            .bind(id.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
