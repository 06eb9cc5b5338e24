//! What was revoked, for the journal outside the database.

use async_trait::async_trait;

use super::{
    SqlTransaction,
    connection::sql,
    restoring, secret,
    value::{Columns, limit, number, time},
};
use crate::{
    clock::Timestamp,
    ids::{SecretId, TokenId},
    journal::Revoked,
    secret::Secret,
    store::{JournalReads, JournalWrites, ReadTransaction as _, RevokedSource, StoreError},
};

/// What is not there does not work either.
pub(super) const SECRET_WORKS: &str = "select 1 from secrets where id = $1 and state <> 'revoked'";

pub(super) const TOKEN_WORKS: &str = "select 1 from tokens where id = $1 and revoked_at is null";

pub(super) const SECRETS: &str = "select id, revoked_at from secrets
     where revoked_at is not null and (revoked_at, id) > ($1, $2)
     order by revoked_at, id
     limit $3";

pub(super) const TOKENS: &str = "select id, revoked_at from tokens
     where revoked_at is not null and (revoked_at, id) > ($1, $2)
     order by revoked_at, id
     limit $3";

pub(super) const MARK: &str = "select number from journal_marks where journal = $1";

pub(super) const SET_MARK: &str = "insert into journal_marks (journal, number) values ($1, $2)
     on conflict (journal) do update set number = excluded.number";

#[async_trait]
impl JournalReads for SqlTransaction {
    async fn secret(&mut self, id: SecretId) -> Result<Option<Secret>, StoreError> {
        secret::get(&mut self.inner, id).await
    }

    async fn is_revoked(&mut self, what: &Revoked) -> Result<bool, StoreError> {
        let query = match what {
            Revoked::Secret(_) => sql(SECRET_WORKS),
            Revoked::Token(_) => sql(TOKEN_WORKS),
            Revoked::Credential(id) => return Ok(self.credential(*id).await?.is_none()),
            Revoked::Application(id) => return Ok(self.application(*id).await?.is_none()),
        };
        let found = query
            .bind(what.to_string())
            .fetch_optional(&mut self.inner)
            .await?;
        Ok(found.is_none())
    }

    async fn revoked_after(
        &mut self,
        source: RevokedSource,
        after: &(Timestamp, String),
        count: usize,
    ) -> Result<Vec<(Revoked, Timestamp)>, StoreError> {
        let query = match source {
            RevokedSource::Secrets => sql(SECRETS),
            RevokedSource::Tokens => sql(TOKENS),
        };
        query
            .bind(time(after.0))
            .bind(&after.1)
            .bind(limit(count))
            .fetch_all(&mut self.inner)
            .await?
            .iter()
            .map(|row| {
                let columns = Columns(row);
                let what = match source {
                    RevokedSource::Secrets => Revoked::Secret(columns.parsed::<SecretId>("id")?),
                    RevokedSource::Tokens => Revoked::Token(columns.parsed::<TokenId>("id")?),
                };
                Ok((what, columns.time("revoked_at")?))
            })
            .collect()
    }

    async fn journal_mark(&mut self, journal: &[u8; 16]) -> Result<u64, StoreError> {
        let row = sql(MARK)
            .bind(journal.as_slice())
            .fetch_optional(&mut self.inner)
            .await?;
        let mark = row.map(|row| Columns(&row).number("number")).transpose()?;
        Ok(mark.unwrap_or(0))
    }
}

#[async_trait]
impl JournalWrites for SqlTransaction {
    async fn set_journal_mark(&mut self, journal: &[u8; 16], line: u64) -> Result<(), StoreError> {
        sql(SET_MARK)
            .bind(journal.as_slice())
            .bind(number(line, "journal_marks.number")?)
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }

    async fn end_restore(&mut self) -> Result<(), StoreError> {
        restoring::end(&mut self.inner).await
    }
}
