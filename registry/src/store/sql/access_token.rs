//! Access tokens that gateways look up.

use async_trait::async_trait;

use super::{
    SqlTransaction,
    connection::{Row, sql},
    value::{Columns, json, time},
};
use crate::{
    clock::Timestamp,
    ids::{AccessTokenId, ApplicationId, CredentialId},
    oauth::OpaqueToken,
    scope::Scopes,
    store::{AccessTokenReads, AccessTokenWrites, CredentialRange, StoreError},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select t.id, t.digest, t.credential_id, t.client_id, t.scopes, t.sealed, t.issued_at, t.ends_at
             from access_tokens t ",
            $rest
        )
    };
}

fn decode(row: &Row) -> Result<OpaqueToken, StoreError> {
    let columns = Columns(row);
    Ok(OpaqueToken {
        id: columns.parsed("id")?,
        digest: columns.array("digest")?,
        credential: columns.parsed("credential_id")?,
        client_id: columns.text("client_id")?,
        scopes: Scopes::from(columns.json::<Vec<_>>("scopes")?),
        sealed: columns.bytes("sealed")?,
        issued_at: columns.time("issued_at")?,
        ends_at: columns.time("ends_at")?,
    })
}

pub(super) const GET: &str = select!("where t.id = $1");
pub(super) const BY_DIGEST: &str = select!("where t.digest = $1");
pub(super) const OF_CREDENTIAL: &str = select!("where t.credential_id = $1");
pub(super) const OF_MANY: &str = select!(
    "join credentials c on c.id = t.credential_id
     where c.application_id = $1 and c.id > $2 and c.id <= $3"
);
pub(super) const OWNERS: &str = "select distinct credential_id from access_tokens";
pub(super) const LIVING: &str = "select count(*) as living, min(ends_at) as first_end
         from access_tokens where credential_id = $1 and ends_at > $2";

#[async_trait]
impl AccessTokenReads for SqlTransaction {
    async fn access_token(&mut self, id: AccessTokenId) -> Result<Option<OpaqueToken>, StoreError> {
        let query = sql(GET).bind(id.to_string());
        let row = query.fetch_optional(&mut self.inner).await?;
        row.as_ref().map(decode).transpose()
    }

    async fn access_token_known_by(
        &mut self,
        digest: &[u8; 32],
    ) -> Result<Option<OpaqueToken>, StoreError> {
        let query = sql(BY_DIGEST).bind(digest.as_slice());
        let row = query.fetch_optional(&mut self.inner).await?;
        row.as_ref().map(decode).transpose()
    }

    async fn access_tokens_of(
        &mut self,
        credential: CredentialId,
    ) -> Result<Vec<OpaqueToken>, StoreError> {
        let query = sql(OF_CREDENTIAL).bind(credential.to_string());
        let rows = query.fetch_all(&mut self.inner).await?;
        rows.iter().map(decode).collect()
    }

    async fn access_tokens_of_many(
        &mut self,
        application: ApplicationId,
        range: CredentialRange,
    ) -> Result<Vec<OpaqueToken>, StoreError> {
        let rows = sql(OF_MANY)
            .bind(application.to_string())
            .bind(range.after_text())
            .bind(range.to.to_string())
            .fetch_all(&mut self.inner)
            .await?;
        rows.iter().map(decode).collect()
    }

    async fn credentials_with_access_tokens(&mut self) -> Result<Vec<CredentialId>, StoreError> {
        let rows = sql(OWNERS).fetch_all(&mut self.inner).await?;
        let owners = rows.iter().map(|row| Columns(row).parsed("credential_id"));
        owners.collect()
    }

    async fn living_access_tokens(
        &mut self,
        credential: CredentialId,
        now: Timestamp,
    ) -> Result<(u64, Option<Timestamp>), StoreError> {
        let query = sql(LIVING).bind(credential.to_string()).bind(time(now));
        let row = query.fetch_one(&mut self.inner).await?;
        let columns = Columns(&row);
        Ok((
            columns.number("living")?,
            columns.optional_time("first_end")?,
        ))
    }
}

pub(super) const INSERT: &str = "insert into access_tokens
             (id, digest, credential_id, client_id, scopes, sealed, issued_at, ends_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)";
pub(super) const DELETE: &str = "delete from access_tokens where id = $1";
pub(super) const DELETE_OF: &str = "delete from access_tokens where credential_id = $1";
pub(super) const DELETE_ENDED: &str =
    "delete from access_tokens where credential_id = $1 and ends_at <= $2";

#[async_trait]
impl AccessTokenWrites for SqlTransaction {
    async fn insert_access_token(&mut self, token: &OpaqueToken) -> Result<(), StoreError> {
        let scopes: Vec<&str> = token.scopes.iter().collect();
        sql(INSERT)
            .bind(token.id.to_string())
            .bind(token.digest.as_slice())
            .bind(token.credential.to_string())
            .bind(&token.client_id)
            .bind(json(&scopes, "access_tokens.scopes")?)
            .bind(token.sealed.as_slice())
            .bind(time(token.issued_at))
            .bind(time(token.ends_at))
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }

    async fn delete_access_token(&mut self, id: AccessTokenId) -> Result<(), StoreError> {
        let query = sql(DELETE).bind(id.to_string());
        query.execute(&mut self.inner).await?;
        Ok(())
    }

    async fn delete_access_tokens_of(
        &mut self,
        credential: CredentialId,
    ) -> Result<(), StoreError> {
        let query = sql(DELETE_OF).bind(credential.to_string());
        query.execute(&mut self.inner).await?;
        Ok(())
    }

    async fn delete_ended_access_tokens(
        &mut self,
        credential: CredentialId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sql(DELETE_ENDED).bind(credential.to_string());
        query.bind(time(now)).execute(&mut self.inner).await?;
        Ok(())
    }
}
