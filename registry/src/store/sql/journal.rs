//! What was revoked or switched off, for the journal outside the database.

use std::str::FromStr;

use async_trait::async_trait;

use super::{
    SqlTransaction,
    connection::sql,
    restoring, secret, switch,
    value::{Columns, limit, number, time},
};
use crate::{
    clock::Timestamp,
    ids::{SecretId, TokenId},
    journal::{CutOff, Revoked, Switch, Switched, Turn},
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

pub(super) const CREDENTIALS: &str =
    "select id, enabled, switches, switched_at as revoked_at from credentials
     where switched_at is not null and (switched_at, id) > ($1, $2)
     order by switched_at, id
     limit $3";

pub(super) const APPLICATIONS: &str =
    "select id, enabled, switches, switched_at as revoked_at from applications
     where switched_at is not null and (switched_at, id) > ($1, $2)
     order by switched_at, id
     limit $3";

/// One that was revoked since is among those.
pub(super) const TURNS: &str =
    "select id, retiring_until, turns, turned_at as revoked_at from secrets
     where turned_at is not null and (turned_at, id) > ($1, $2) and state <> 'revoked'
     order by turned_at, id
     limit $3";

/// Tokens count from the second on that follows the moment at which they were cut off.
pub(super) const CUT_OFFS: &str = "select id, tokens_valid_from as revoked_at from credentials
     where tokens_valid_from is not null and (tokens_valid_from, id) > ($1, $2)
     order by tokens_valid_from, id
     limit $3";

pub(super) const MARK: &str = "select number from journal_marks where journal = $1";

pub(super) const SET_MARK: &str = "insert into journal_marks (journal, number) values ($1, $2)
     on conflict (journal) do update set number = excluded.number";

pub(super) const FORGET: &str = "delete from journal_marks";

fn switched<Id: FromStr>(
    columns: &Columns<'_>,
    of: impl Fn(Id) -> Switched,
) -> Result<Revoked, StoreError> {
    Ok(Revoked::Switched(Switch {
        what: of(columns.parsed("id")?),
        enabled: columns.flag("enabled")?,
        count: columns.number("switches")?,
    }))
}

fn turned(columns: &Columns<'_>) -> Result<Revoked, StoreError> {
    Ok(Revoked::Turned(Turn {
        secret: columns.parsed("id")?,
        until: columns.optional_time("retiring_until")?,
        count: columns.number("turns")?,
    }))
}

#[async_trait]
impl JournalReads for SqlTransaction {
    async fn secret(&mut self, id: SecretId) -> Result<Option<Secret>, StoreError> {
        secret::get(&mut self.inner, id).await
    }

    async fn is_revoked(&mut self, what: &Revoked) -> Result<bool, StoreError> {
        let query = match what {
            Revoked::Secret(_) => sql(SECRET_WORKS),
            Revoked::Token(_) => sql(TOKEN_WORKS),
            Revoked::Switched(switch) => {
                return Ok(!switch::is_forgotten(&mut self.inner, switch).await?);
            }
            Revoked::Turned(turn) => {
                return Ok(!switch::is_turn_forgotten(&mut self.inner, turn).await?);
            }
            Revoked::CutOff(cut_off) => {
                return Ok(!switch::is_cut_off_forgotten(&mut self.inner, cut_off).await?);
            }
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
            RevokedSource::Credentials => sql(CREDENTIALS),
            RevokedSource::Applications => sql(APPLICATIONS),
            RevokedSource::Turns => sql(TURNS),
            RevokedSource::CutOffs => sql(CUT_OFFS),
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
                    RevokedSource::Credentials => switched(&columns, Switched::Credential)?,
                    RevokedSource::Turns => turned(&columns)?,
                    RevokedSource::CutOffs => Revoked::CutOff(CutOff {
                        credential: columns.parsed("id")?,
                        from: columns.time("revoked_at")?,
                    }),
                    RevokedSource::Applications => switched(&columns, Switched::Application)?,
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

    async fn set_switch(&mut self, switch: &Switch) -> Result<(), StoreError> {
        switch::set(&mut self.inner, switch).await
    }

    async fn set_turn(&mut self, turn: &Turn) -> Result<(), StoreError> {
        // As often as the journal says, and not once more.
        self.turned.retain(|secret| *secret != turn.secret);
        switch::set_turn(&mut self.inner, turn).await
    }

    async fn forget_journals(&mut self) -> Result<(), StoreError> {
        sql(FORGET).execute(&mut self.inner).await?;
        Ok(())
    }

    async fn end_restore(&mut self) -> Result<(), StoreError> {
        restoring::end(&mut self.inner).await
    }
}
