//! Registration tokens.

use async_trait::async_trait;

use super::{
    SqlTransaction,
    connection::{Row, sql},
    value::{Columns, json, number, optional_time, time},
};
use crate::{
    clock::Timestamp,
    ids::{OrganizationId, RegistrationTokenId},
    registration::RegistrationToken,
    scope::Scopes,
    secret::Display,
    store::{RegistrationReads, RegistrationWrites, StoreError},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, organization_id, application_id, scopes, description, clients, registered, created_by, prefix,
                    last_four, created_at, expires_at
             from registration_tokens ",
            $rest
        )
    };
}

pub(super) const GET: &str = select!("where id = $1");
pub(super) const BY_DIGEST: &str = select!("where digest = $1");
pub(super) const OF_ORGANIZATION: &str = select!("where organization_id = $1 order by id");

pub(super) const INSERT: &str = "insert into registration_tokens
             (id, organization_id, application_id, scopes, description, clients, registered, created_by, digest, prefix,
              last_four, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
pub(super) const USE: &str = "update registration_tokens set registered = registered + 1 where id = $1 and registered < clients";
pub(super) const DELETE: &str = "delete from registration_tokens where id = $1";
pub(super) const PRUNE: &str = "delete from registration_tokens
     where organization_id = $1 and (registered >= clients or expires_at <= $2)";

fn decode(row: &Row) -> Result<RegistrationToken, StoreError> {
    let columns = Columns(row);
    Ok(RegistrationToken {
        id: columns.parsed("id")?,
        organization: columns.parsed("organization_id")?,
        application: columns.parsed("application_id")?,
        scopes: Scopes::from(columns.json::<Vec<_>>("scopes")?),
        description: columns.text("description")?,
        clients: columns.number("clients")?,
        registered: columns.number("registered")?,
        created_by: columns.optional_parsed("created_by")?,
        display: Display {
            prefix: columns.text("prefix")?,
            last_four: columns.text("last_four")?,
        },
        created_at: columns.time("created_at")?,
        expires_at: columns.optional_time("expires_at")?,
    })
}

#[async_trait]
impl RegistrationReads for SqlTransaction {
    async fn registration_token(
        &mut self,
        id: RegistrationTokenId,
    ) -> Result<Option<RegistrationToken>, StoreError> {
        let query = sql(GET).bind(id.to_string());
        let row = query.fetch_optional(&mut self.inner).await?;
        row.as_ref().map(decode).transpose()
    }

    async fn registration_token_by_digest(
        &mut self,
        digest: &[u8; 32],
    ) -> Result<Option<RegistrationToken>, StoreError> {
        let query = sql(BY_DIGEST).bind(digest.as_slice());
        let row = query.fetch_optional(&mut self.inner).await?;
        row.as_ref().map(decode).transpose()
    }

    async fn registration_tokens(
        &mut self,
        organization: OrganizationId,
    ) -> Result<Vec<RegistrationToken>, StoreError> {
        let query = sql(OF_ORGANIZATION).bind(organization.to_string());
        let rows = query.fetch_all(&mut self.inner).await?;
        rows.iter().map(decode).collect()
    }
}

#[async_trait]
impl RegistrationWrites for SqlTransaction {
    async fn insert_registration_token(
        &mut self,
        token: &RegistrationToken,
        digest: &[u8; 32],
    ) -> Result<(), StoreError> {
        let scopes: Vec<_> = token.scopes.iter().collect();
        sql(INSERT)
            .bind(token.id.to_string())
            .bind(token.organization.to_string())
            .bind(token.application.to_string())
            .bind(json(&scopes, "registration_tokens.scopes")?)
            .bind(&token.description)
            .bind(number(token.clients, "registration_tokens.clients")?)
            .bind(number(token.registered, "registration_tokens.registered")?)
            .bind(token.created_by.map(|id| id.to_string()))
            .bind(digest.as_slice())
            .bind(&token.display.prefix)
            .bind(&token.display.last_four)
            .bind(time(token.created_at))
            .bind(optional_time(token.expires_at))
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }

    async fn use_registration_token(
        &mut self,
        id: RegistrationTokenId,
    ) -> Result<bool, StoreError> {
        let query = sql(USE).bind(id.to_string());
        let done = query.execute(&mut self.inner).await?;
        Ok(done.rows_affected() > 0)
    }

    async fn delete_registration_token(
        &mut self,
        id: RegistrationTokenId,
    ) -> Result<(), StoreError> {
        let query = sql(DELETE).bind(id.to_string());
        query.execute(&mut self.inner).await?;
        Ok(())
    }

    async fn prune_registration_tokens(
        &mut self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sql(PRUNE).bind(organization.to_string()).bind(time(now));
        query.execute(&mut self.inner).await?;
        Ok(())
    }
}
