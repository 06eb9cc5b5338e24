//! What is to be done at identity providers, and the verbs about those and their clients.

use async_trait::async_trait;

use super::{
    SqlTransaction,
    connection::{Connection, Row, sql},
    name::{Named, Word as _},
    oauth_client, provider,
    value::{Columns, limit, optional_time, time},
};
use crate::{
    clock::Timestamp,
    ids::{CredentialId, OperationId, ProviderId, SecretId},
    oauth_client::OauthClient,
    provider::{Operation, OperationKind, Provider},
    store::{ProviderReads, ProviderWrites, StoreError},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, provider_id, organization_id, application_id, credential_id, kind, phase, sealed, attempts,
                    next_attempt_at, is_held, last_error, created_at
             from provider_operations ",
            $rest
        )
    };
}

fn decode(row: &Row) -> Result<Operation, StoreError> {
    let columns = Columns(row);
    Ok(Operation {
        id: columns.parsed("id")?,
        provider: columns.parsed("provider_id")?,
        organization: columns.parsed("organization_id")?,
        application: columns.parsed("application_id")?,
        credential: columns.parsed("credential_id")?,
        kind: columns.parsed::<Named<OperationKind>>("kind")?.0,
        phase: columns.text("phase")?,
        sealed: columns.bytes("sealed")?,
        attempts: columns.number("attempts")?,
        next_attempt_at: columns.optional_time("next_attempt_at")?,
        is_held: columns.flag("is_held")?,
        last_error: columns.optional_text("last_error")?,
        created_at: columns.time("created_at")?,
    })
}

fn all(rows: &[Row]) -> Result<Vec<Operation>, StoreError> {
    rows.iter().map(decode).collect()
}

pub(super) const GET: &str = select!("where id = $1");
pub(super) const ABOUT: &str = select!("where credential_id = $1 order by id");
pub(super) const AT_PROVIDER: &str =
    select!("where provider_id = $1 and id > $2 order by id limit $3");
pub(super) const DUE: &str =
    select!("where next_attempt_at <= $1 order by next_attempt_at, id limit $2");
pub(super) const NEXT: &str = "select next_attempt_at from provider_operations
         where next_attempt_at is not null order by next_attempt_at, id limit 1";

pub(super) const INSERT: &str = "insert into provider_operations
             (id, provider_id, organization_id, application_id, credential_id, kind, phase, sealed, attempts,
              next_attempt_at, is_held, last_error, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

async fn insert(connection: &mut Connection, operation: &Operation) -> Result<(), StoreError> {
    sql(INSERT)
        .bind(operation.id.to_string())
        .bind(operation.provider.to_string())
        .bind(operation.organization.to_string())
        .bind(operation.application.to_string())
        .bind(operation.credential.to_string())
        .bind(operation.kind.word())
        .bind(&operation.phase)
        .bind(&operation.sealed)
        .bind(i64::from(operation.attempts))
        .bind(optional_time(operation.next_attempt_at))
        .bind(operation.is_held)
        .bind(&operation.last_error)
        .bind(time(operation.created_at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const UPDATE: &str = "update provider_operations
         set phase = $2, sealed = $3, attempts = $4, next_attempt_at = $5, is_held = $6, last_error = $7
         where id = $1";

async fn update(connection: &mut Connection, operation: &Operation) -> Result<(), StoreError> {
    sql(UPDATE)
        .bind(operation.id.to_string())
        .bind(&operation.phase)
        .bind(&operation.sealed)
        .bind(i64::from(operation.attempts))
        .bind(optional_time(operation.next_attempt_at))
        .bind(operation.is_held)
        .bind(&operation.last_error)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const LET_GO: &str = "update provider_operations set next_attempt_at = $1 where is_held";

pub(super) const DELETE: &str = "delete from provider_operations where id = $1";

#[async_trait]
impl ProviderReads for SqlTransaction {
    async fn provider(&mut self, id: ProviderId) -> Result<Option<Provider>, StoreError> {
        provider::one(&mut self.inner, provider::GET, &id.to_string()).await
    }

    async fn provider_named(&mut self, name: &str) -> Result<Option<Provider>, StoreError> {
        provider::one(&mut self.inner, provider::NAMED, name).await
    }

    async fn provider_issuing(&mut self, issuer: &str) -> Result<Option<Provider>, StoreError> {
        provider::one(&mut self.inner, provider::ISSUING, issuer).await
    }

    async fn providers(
        &mut self,
        after: Option<ProviderId>,
        limit: usize,
    ) -> Result<Vec<Provider>, StoreError> {
        provider::list(&mut self.inner, after, limit).await
    }

    async fn oauth_client(&mut self, secret: SecretId) -> Result<Option<OauthClient>, StoreError> {
        oauth_client::get(&mut self.inner, secret).await
    }

    async fn oauth_clients_of(
        &mut self,
        credential: CredentialId,
    ) -> Result<Vec<OauthClient>, StoreError> {
        oauth_client::of_credential(&mut self.inner, credential).await
    }

    async fn oauth_client_known_as(
        &mut self,
        issuer: &str,
        client_id: &str,
    ) -> Result<Option<OauthClient>, StoreError> {
        oauth_client::known_as(&mut self.inner, issuer, client_id).await
    }

    async fn was_oauth_client_known(
        &mut self,
        issuer: &str,
        client_id: &str,
    ) -> Result<bool, StoreError> {
        oauth_client::was_known(&mut self.inner, issuer, client_id).await
    }

    async fn oauth_clients_at(
        &mut self,
        provider: ProviderId,
        after: Option<SecretId>,
        limit: usize,
    ) -> Result<Vec<OauthClient>, StoreError> {
        oauth_client::at_provider(&mut self.inner, provider, after, limit).await
    }

    async fn operation(&mut self, id: OperationId) -> Result<Option<Operation>, StoreError> {
        let query = sql(GET).bind(id.to_string());
        let row = query.fetch_optional(&mut self.inner).await?;
        row.as_ref().map(decode).transpose()
    }

    async fn operations_about(
        &mut self,
        credential: CredentialId,
    ) -> Result<Vec<Operation>, StoreError> {
        let query = sql(ABOUT).bind(credential.to_string());
        all(&query.fetch_all(&mut self.inner).await?)
    }

    async fn operations_at(
        &mut self,
        provider: ProviderId,
        after: Option<OperationId>,
        most: usize,
    ) -> Result<Vec<Operation>, StoreError> {
        let query = sql(AT_PROVIDER)
            .bind(provider.to_string())
            // Every id sorts after the empty text.
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(limit(most));
        all(&query.fetch_all(&mut self.inner).await?)
    }

    async fn operations_due(
        &mut self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<Operation>, StoreError> {
        let query = sql(DUE).bind(time(now)).bind(limit(most));
        all(&query.fetch_all(&mut self.inner).await?)
    }

    async fn next_operation_at(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let row = sql(NEXT).fetch_optional(&mut self.inner).await?;
        row.map(|row| Columns(&row).time("next_attempt_at"))
            .transpose()
    }
}

#[async_trait]
impl ProviderWrites for SqlTransaction {
    async fn insert_provider(&mut self, provider: &Provider) -> Result<(), StoreError> {
        provider::insert(&mut self.inner, provider).await
    }

    async fn update_provider(&mut self, provider: &Provider) -> Result<(), StoreError> {
        provider::update(&mut self.inner, provider).await
    }

    async fn delete_provider(&mut self, id: ProviderId) -> Result<(), StoreError> {
        provider::delete(&mut self.inner, id).await
    }

    async fn insert_oauth_client(&mut self, client: &OauthClient) -> Result<(), StoreError> {
        oauth_client::insert(&mut self.inner, client).await
    }

    async fn update_oauth_client(&mut self, client: &OauthClient) -> Result<(), StoreError> {
        oauth_client::update(&mut self.inner, client).await
    }

    async fn insert_operation(&mut self, operation: &Operation) -> Result<(), StoreError> {
        insert(&mut self.inner, operation).await
    }

    async fn update_operation(&mut self, operation: &Operation) -> Result<(), StoreError> {
        update(&mut self.inner, operation).await
    }

    async fn let_go_of_operations(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let query = sql(LET_GO).bind(time(now));
        query.execute(&mut self.inner).await?;
        Ok(())
    }

    async fn delete_operation(&mut self, id: OperationId) -> Result<(), StoreError> {
        let query = sql(DELETE).bind(id.to_string());
        query.execute(&mut self.inner).await?;
        Ok(())
    }
}
