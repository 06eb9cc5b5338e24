//! Organizations.

use async_trait::async_trait;

use super::{
    SqlTransaction,
    connection::{Connection, Row, sql},
    value::{Columns, limit, number, time},
};
use crate::{
    clock::Timestamp,
    ids::{ApplicationId, CredentialId, OrganizationId},
    organization::{Organization, Quotas},
    store::{OrganizationReads, StoreError},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, name, description, max_applications, max_credentials, max_tokens, application_count,
                    credential_count, created_at, updated_at, version
             from organizations ",
            $rest
        )
    };
}

fn decode(row: &Row) -> Result<Organization, StoreError> {
    let columns = Columns(row);
    Ok(Organization {
        id: columns.parsed("id")?,
        name: columns.text("name")?,
        description: columns.text("description")?,
        quotas: Quotas {
            applications: columns.optional_number("max_applications")?,
            credentials: columns.optional_number("max_credentials")?,
            tokens: columns.optional_number("max_tokens")?,
        },
        applications: columns.number("application_count")?,
        credentials: columns.number("credential_count")?,
        created_at: columns.time("created_at")?,
        updated_at: columns.time("updated_at")?,
        version: columns.number("version")?,
    })
}

#[async_trait]
impl OrganizationReads for SqlTransaction {
    async fn organization(
        &mut self,
        id: OrganizationId,
    ) -> Result<Option<Organization>, StoreError> {
        get(&mut self.inner, id).await
    }

    async fn organizations(
        &mut self,
        after: Option<OrganizationId>,
        limit: usize,
    ) -> Result<Vec<Organization>, StoreError> {
        list(&mut self.inner, after, limit).await
    }

    async fn organization_name_is_taken(&mut self, name: &str) -> Result<bool, StoreError> {
        name_is_taken(&mut self.inner, name).await
    }

    async fn valid_tokens(
        &mut self,
        organization: OrganizationId,
        now: Timestamp,
        most: usize,
    ) -> Result<u64, StoreError> {
        valid_tokens(&mut self.inner, organization, now, most).await
    }

    async fn organization_named(&mut self, name: &str) -> Result<Option<Organization>, StoreError> {
        named(&mut self.inner, name).await
    }
}

pub(super) const NAMED: &str = select!("where name = $1 and deleted_at is null");

pub(super) async fn named(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<Organization>, StoreError> {
    sql(NAMED)
        .bind(name)
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

pub(super) const GET: &str = select!("where id = $1 and deleted_at is null");

pub(super) async fn get(
    connection: &mut Connection,
    id: OrganizationId,
) -> Result<Option<Organization>, StoreError> {
    sql(GET)
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

pub(super) const LIST: &str = select!("where id > $1 and deleted_at is null order by id limit $2");

pub(super) async fn list(
    connection: &mut Connection,
    after: Option<OrganizationId>,
    count: usize,
) -> Result<Vec<Organization>, StoreError> {
    sql(LIST)
        // Every id sorts after the empty text.
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit(count))
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Also by one that is gone.
pub(super) const NAME_TAKEN: &str = "select id from organizations where name = $1";

pub(super) async fn name_is_taken(
    connection: &mut Connection,
    name: &str,
) -> Result<bool, StoreError> {
    let found = sql(NAME_TAKEN)
        .bind(name)
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

fn quota(most: Option<u64>) -> Result<Option<i64>, StoreError> {
    most.map(|most| number(most, "organizations.max"))
        .transpose()
}

pub(super) const INSERT: &str = "insert into organizations
             (id, name, description, max_applications, max_credentials, max_tokens, created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

pub(super) async fn insert(
    connection: &mut Connection,
    organization: &Organization,
) -> Result<(), StoreError> {
    sql(INSERT)
        .bind(organization.id.to_string())
        .bind(&organization.name)
        .bind(&organization.description)
        .bind(quota(organization.quotas.applications)?)
        .bind(quota(organization.quotas.credentials)?)
        .bind(quota(organization.quotas.tokens)?)
        .bind(time(organization.created_at))
        .bind(time(organization.updated_at))
        .bind(number(organization.version, "organizations.version")?)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const UPDATE: &str = "update organizations
         set description = $2, max_applications = $3, max_credentials = $4, max_tokens = $5, updated_at = $6,
             version = $7
         where id = $1";

pub(super) async fn update(
    connection: &mut Connection,
    organization: &Organization,
) -> Result<(), StoreError> {
    sql(UPDATE)
        .bind(organization.id.to_string())
        .bind(&organization.description)
        .bind(quota(organization.quotas.applications)?)
        .bind(quota(organization.quotas.credentials)?)
        .bind(quota(organization.quotas.tokens)?)
        .bind(time(organization.updated_at))
        .bind(number(organization.version, "organizations.version")?)
        .execute(connection)
        .await?;
    Ok(())
}

/// The row stays, because names stay reserved for it.
pub(super) const DELETE: &str = "update organizations set deleted_at = $2 where id = $1";

pub(super) async fn delete(
    connection: &mut Connection,
    id: OrganizationId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql(DELETE)
        .bind(id.to_string())
        .bind(time(at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const COUNT_APPLICATION: &str =
    "update organizations set application_count = application_count + 1 where id = $1";

pub(super) async fn count_application(
    connection: &mut Connection,
    id: OrganizationId,
) -> Result<(), StoreError> {
    let counted = sql(COUNT_APPLICATION).bind(id.to_string());
    counted.execute(connection).await?;
    Ok(())
}

pub(super) const COUNT_CREDENTIAL: &str =
    "update organizations set credential_count = credential_count + 1 where id = $1";

pub(super) async fn count_credential(
    connection: &mut Connection,
    id: OrganizationId,
) -> Result<(), StoreError> {
    let counted = sql(COUNT_CREDENTIAL).bind(id.to_string());
    counted.execute(connection).await?;
    Ok(())
}

/// Before it is deleted, with its credentials.
pub(super) const DISCOUNT_APPLICATION: &str = "update organizations
         set application_count = application_count - 1,
             credential_count = credential_count
                 - (select count(*) from credentials where application_id = $1)
         where id = (select organization_id from applications where id = $1)";

pub(super) async fn discount_application(
    connection: &mut Connection,
    id: ApplicationId,
) -> Result<(), StoreError> {
    let discounted = sql(DISCOUNT_APPLICATION).bind(id.to_string());
    discounted.execute(connection).await?;
    Ok(())
}

/// Before it is deleted.
pub(super) const DISCOUNT_CREDENTIAL: &str = "update organizations
         set credential_count = credential_count - 1
         where id = (select organization_id from credentials where id = $1)";

pub(super) async fn discount_credential(
    connection: &mut Connection,
    id: CredentialId,
) -> Result<(), StoreError> {
    let discounted = sql(DISCOUNT_CREDENTIAL).bind(id.to_string());
    discounted.execute(connection).await?;
    Ok(())
}

pub(super) const VALID_TOKENS: &str = "select id from tokens
     where organization_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)
     limit $3";

/// As many as there are, up to `most`.
pub(super) async fn valid_tokens(
    connection: &mut Connection,
    id: OrganizationId,
    now: Timestamp,
    most: usize,
) -> Result<u64, StoreError> {
    let found = sql(VALID_TOKENS)
        .bind(id.to_string())
        .bind(time(now))
        .bind(limit(most))
        .fetch_all(connection)
        .await?;
    Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
}
