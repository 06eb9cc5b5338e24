//! Reports of secrets that leaked.

use super::{
    connection::{Connection, sql},
    value::time,
};
use crate::{leak::Leak, store::StoreError};

pub(super) const INSERT: &str = "insert into leaks
         (id, organization_id, credential_id, secret_id, token_id, source, url, action, reported_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

pub(super) async fn insert(connection: &mut Connection, leak: &Leak) -> Result<(), StoreError> {
    sql(INSERT)
        .bind(leak.id.to_string())
        .bind(leak.organization.to_string())
        .bind(leak.credential.to_string())
        .bind(leak.secret.to_string())
        // Empty: the registry itself.
        .bind(leak.token.map(|id| id.to_string()).unwrap_or_default())
        .bind(&leak.source)
        .bind(&leak.url)
        .bind(leak.action)
        .bind(time(leak.reported_at))
        .execute(connection)
        .await?;
    Ok(())
}
