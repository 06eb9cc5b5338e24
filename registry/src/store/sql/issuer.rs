//! The table of issuers: what gateways are told of who issues access tokens.

use async_trait::async_trait;
use filter_core::feed::Issuer;

use super::{
    SqlTransaction,
    connection::{Connection, sql},
    log::Note,
    value::Columns,
};
use crate::store::{IssuerReads, IssuerWrites, StoreError};

pub(super) const ALL: &str = "select record from issuers where record is not null order by name";

pub(super) const NAMED: &str = "select record from issuers where name = $1 and record is not null";

pub(super) const PUT: &str = "insert into issuers (number, name, record)
         select coalesce(max(number), 0) + 1, $1, $2 from issuers
         where true
         on conflict (name) do update set record = excluded.record
         where issuers.record is null or issuers.record <> excluded.record
         returning number";

pub(super) const REMOVE: &str =
    "update issuers set record = null where name = $1 and record is not null returning number";

pub(super) fn decode(record: &[u8]) -> Result<Issuer, StoreError> {
    match postcard::take_from_bytes(record) {
        Ok((issuer, [])) => Ok(issuer),
        _ => Err(StoreError::Unreadable("issuers.record")),
    }
}

async fn all(connection: &mut Connection) -> Result<Vec<Issuer>, StoreError> {
    let rows = sql(ALL).fetch_all(connection).await?;
    rows.iter()
        .map(|row| decode(&Columns(row).bytes("record")?))
        .collect()
}

async fn named(connection: &mut Connection, name: &str) -> Result<Option<Issuer>, StoreError> {
    let row = sql(NAMED).bind(name).fetch_optional(connection).await?;
    row.map(|row| decode(&Columns(&row).bytes("record")?))
        .transpose()
}

/// The issuer's number, if something changed.
async fn put(connection: &mut Connection, issuer: &Issuer) -> Result<Option<u32>, StoreError> {
    let record =
        postcard::to_allocvec(issuer).map_err(|_| StoreError::Range("an issuer's record"))?;
    let row = sql(PUT)
        .bind(&issuer.name)
        .bind(record.as_slice())
        .fetch_optional(connection)
        .await?;
    row.map(|row| Columns(&row).number("number")).transpose()
}

async fn remove(connection: &mut Connection, name: &str) -> Result<Option<u32>, StoreError> {
    let row = sql(REMOVE).bind(name).fetch_optional(connection).await?;
    row.map(|row| Columns(&row).number("number")).transpose()
}

impl SqlTransaction {
    /// Every group is told.
    async fn note_issuer(&mut self, number: Option<u32>) -> Result<(), StoreError> {
        let Some(number) = number else {
            return Ok(());
        };
        for group in super::gateway::groups(&mut self.inner).await? {
            self.note(group.id, Note::Issuer(number));
        }
        Ok(())
    }
}

#[async_trait]
impl IssuerReads for SqlTransaction {
    async fn issuers(&mut self) -> Result<Vec<Issuer>, StoreError> {
        all(&mut self.inner).await
    }

    async fn issuer(&mut self, name: &str) -> Result<Option<Issuer>, StoreError> {
        named(&mut self.inner, name).await
    }
}

#[async_trait]
impl IssuerWrites for SqlTransaction {
    async fn put_issuer(&mut self, issuer: &Issuer) -> Result<(), StoreError> {
        let changed = put(&mut self.inner, issuer).await?;
        self.note_issuer(changed).await
    }

    async fn remove_issuer(&mut self, name: &str) -> Result<(), StoreError> {
        let removed = remove(&mut self.inner, name).await?;
        self.note_issuer(removed).await
    }
}
