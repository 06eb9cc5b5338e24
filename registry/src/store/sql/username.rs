//! User names in use.

use super::{
    connection::{Connection, sql},
    value::Columns,
};
use crate::{ids::CredentialId, store::StoreError};

pub(super) const OWNER: &str = "select credential_id from usernames where username = $1";

pub(super) async fn owner(
    connection: &mut Connection,
    username: &str,
) -> Result<Option<CredentialId>, StoreError> {
    sql(OWNER)
        .bind(username)
        .fetch_optional(connection)
        .await?
        .map(|row| Columns(&row).parsed("credential_id"))
        .transpose()
}

pub(super) const CLAIM: &str = "insert into usernames (username, credential_id) values ($1, $2)";

pub(super) async fn claim(
    connection: &mut Connection,
    username: &str,
    credential: CredentialId,
) -> Result<(), StoreError> {
    sql(CLAIM)
        .bind(username)
        .bind(credential.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const RELEASE: &str = "delete from usernames where credential_id = $1";

pub(super) async fn release(
    connection: &mut Connection,
    id: CredentialId,
) -> Result<(), StoreError> {
    sql(RELEASE)
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
