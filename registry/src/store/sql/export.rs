//! Credentials with the names of their applications.

use super::{
    connection::{Connection, sql},
    credential,
    value::{Columns, limit},
};
use crate::{
    export::Exported,
    ids::{CredentialId, OrganizationId},
    owner::Owner,
    store::StoreError,
};

pub(super) const LIST: &str = "select c.*, a.name as application_name
     from credentials c
     join applications a on a.id = c.application_id
     where c.organization_id = $1 and c.id > $2 and ($4 is null or a.owner = $4)
     order by c.id
     limit $3";

pub(super) async fn list(
    connection: &mut Connection,
    organization: OrganizationId,
    owner: Option<Owner>,
    after: Option<CredentialId>,
    count: usize,
) -> Result<Vec<Exported>, StoreError> {
    sql(LIST)
        .bind(organization.to_string())
        // Every id sorts after the empty text.
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit(count))
        .bind(owner.map(|owner| owner.to_string()))
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            Ok(Exported {
                application: Columns(row).text("application_name")?,
                credential: credential::decode(row)?,
            })
        })
        .collect()
}
