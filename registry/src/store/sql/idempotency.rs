//! Idempotent requests and their sealed answers.

use async_trait::async_trait;

use super::{
    SqlTransaction,
    connection::{Connection, sql},
    value::{Columns, time},
};
use crate::{
    clock::Timestamp,
    store::{IdempotencyReads, IdempotencyWrites, IdempotentRequest, StoreError},
};

pub(super) const GET: &str = "select token_id, attempt, body_digest, answer, created_at from idempotent_requests where id = $1";

async fn get(
    connection: &mut Connection,
    row: &[u8; 32],
) -> Result<Option<IdempotentRequest>, StoreError> {
    sql(GET)
        .bind(row.as_slice())
        .fetch_optional(connection)
        .await?
        .map(|row| {
            let columns = Columns(&row);
            Ok(IdempotentRequest {
                token: columns.parsed("token_id")?,
                attempt: columns.array("attempt")?,
                body_digest: columns.array("body_digest")?,
                answer: columns.optional_bytes("answer")?,
                created_at: columns.time("created_at")?,
            })
        })
        .transpose()
}

pub(super) const PUT: &str = "insert into idempotent_requests (id, token_id, attempt, body_digest, answer, created_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (id) do update
         set token_id = excluded.token_id, attempt = excluded.attempt, body_digest = excluded.body_digest,
             answer = excluded.answer, created_at = excluded.created_at";

async fn put(
    connection: &mut Connection,
    row: &[u8; 32],
    request: &IdempotentRequest,
) -> Result<(), StoreError> {
    sql(PUT)
        .bind(row.as_slice())
        .bind(request.token.to_string())
        .bind(request.attempt.as_slice())
        .bind(request.body_digest.as_slice())
        .bind(&request.answer)
        .bind(time(request.created_at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const DELETE: &str = "delete from idempotent_requests where id = $1";

async fn delete(connection: &mut Connection, row: &[u8; 32]) -> Result<(), StoreError> {
    sql(DELETE).bind(row.as_slice()).execute(connection).await?;
    Ok(())
}

pub(super) const DELETE_UNANSWERED: &str = "delete from idempotent_requests where answer is null";

async fn delete_unanswered(connection: &mut Connection) -> Result<(), StoreError> {
    sql(DELETE_UNANSWERED).execute(connection).await?;
    Ok(())
}

pub(super) const PRUNE: &str = "delete from idempotent_requests where created_at < $1";

pub(super) async fn prune(
    connection: &mut Connection,
    before: Timestamp,
) -> Result<(), StoreError> {
    sql(PRUNE).bind(time(before)).execute(connection).await?;
    Ok(())
}

#[async_trait]
impl IdempotencyReads for SqlTransaction {
    async fn idempotent_request(
        &mut self,
        row: &[u8; 32],
    ) -> Result<Option<IdempotentRequest>, StoreError> {
        get(&mut self.inner, row).await
    }
}

#[async_trait]
impl IdempotencyWrites for SqlTransaction {
    async fn put_idempotent_request(
        &mut self,
        row: &[u8; 32],
        request: &IdempotentRequest,
    ) -> Result<(), StoreError> {
        put(&mut self.inner, row, request).await
    }

    async fn delete_idempotent_request(&mut self, row: &[u8; 32]) -> Result<(), StoreError> {
        delete(&mut self.inner, row).await
    }

    async fn delete_unanswered_requests(&mut self) -> Result<(), StoreError> {
        delete_unanswered(&mut self.inner).await
    }
}
