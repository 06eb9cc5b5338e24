//! Registrations at identity providers.

use super::{
    connection::{Connection, Row, sql},
    name::{Named, Word as _},
    value::{Columns, limit, optional_time, time},
};
use crate::{
    ids::{CredentialId, ProviderId, SecretId},
    oauth_client::{OauthClient, Registration},
    store::StoreError,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select secret_id, credential_id, provider_id, issuer, client_id, registration, metadata, sealed, created_at,
                    updated_at, ended_at
             from oauth_clients ",
            $rest
        )
    };
}

fn decode(row: &Row) -> Result<OauthClient, StoreError> {
    let columns = Columns(row);
    Ok(OauthClient {
        secret: columns.parsed("secret_id")?,
        credential: columns.parsed("credential_id")?,
        provider: columns.parsed("provider_id")?,
        issuer: columns.text("issuer")?,
        client_id: columns.text("client_id")?,
        registration: columns.parsed::<Named<Registration>>("registration")?.0,
        metadata: columns.text("metadata")?,
        sealed: columns.optional_bytes("sealed")?,
        created_at: columns.time("created_at")?,
        updated_at: columns.time("updated_at")?,
        ended_at: columns.optional_time("ended_at")?,
    })
}

pub(super) const GET: &str = select!("where secret_id = $1");

pub(super) async fn get(
    connection: &mut Connection,
    secret: SecretId,
) -> Result<Option<OauthClient>, StoreError> {
    let row = sql(GET)
        .bind(secret.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(decode).transpose()
}

pub(super) const OF_CREDENTIAL: &str = select!("where credential_id = $1 order by secret_id");

pub(super) async fn of_credential(
    connection: &mut Connection,
    credential: CredentialId,
) -> Result<Vec<OauthClient>, StoreError> {
    let rows = sql(OF_CREDENTIAL)
        .bind(credential.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(decode).collect()
}

pub(super) const KNOWN_AS: &str =
    select!("where issuer = $1 and client_id = $2 and ended_at is null");

pub(super) async fn known_as(
    connection: &mut Connection,
    issuer: &str,
    client_id: &str,
) -> Result<Option<OauthClient>, StoreError> {
    let row = sql(KNOWN_AS)
        .bind(issuer)
        .bind(client_id)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(decode).transpose()
}

pub(super) const WAS_KNOWN: &str =
    "select secret_id from oauth_clients where issuer = $1 and client_id = $2 limit 1";

pub(super) async fn was_known(
    connection: &mut Connection,
    issuer: &str,
    client_id: &str,
) -> Result<bool, StoreError> {
    let row = sql(WAS_KNOWN)
        .bind(issuer)
        .bind(client_id)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

pub(super) const AT_PROVIDER: &str = select!(
    "where provider_id = $1 and secret_id > $2 and ended_at is null order by secret_id limit $3"
);

pub(super) async fn at_provider(
    connection: &mut Connection,
    provider: ProviderId,
    after: Option<SecretId>,
    count: usize,
) -> Result<Vec<OauthClient>, StoreError> {
    let rows = sql(AT_PROVIDER)
        .bind(provider.to_string())
        // Every id sorts after the empty text.
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit(count))
        .fetch_all(connection)
        .await?;
    rows.iter().map(decode).collect()
}

pub(super) const INSERT: &str = "insert into oauth_clients
             (secret_id, credential_id, provider_id, issuer, client_id, registration, metadata, sealed, created_at,
              updated_at, ended_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

pub(super) async fn insert(
    connection: &mut Connection,
    client: &OauthClient,
) -> Result<(), StoreError> {
    sql(INSERT)
        .bind(client.secret.to_string())
        .bind(client.credential.to_string())
        .bind(client.provider.to_string())
        .bind(&client.issuer)
        .bind(&client.client_id)
        .bind(client.registration.word())
        .bind(&client.metadata)
        .bind(&client.sealed)
        .bind(time(client.created_at))
        .bind(time(client.updated_at))
        .bind(optional_time(client.ended_at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const UPDATE: &str = "update oauth_clients
         set issuer = $2, client_id = $3, metadata = $4, sealed = $5, updated_at = $6, ended_at = $7
         where secret_id = $1";

pub(super) async fn update(
    connection: &mut Connection,
    client: &OauthClient,
) -> Result<(), StoreError> {
    sql(UPDATE)
        .bind(client.secret.to_string())
        .bind(&client.issuer)
        .bind(&client.client_id)
        .bind(&client.metadata)
        .bind(&client.sealed)
        .bind(time(client.updated_at))
        .bind(optional_time(client.ended_at))
        .execute(connection)
        .await?;
    Ok(())
}
