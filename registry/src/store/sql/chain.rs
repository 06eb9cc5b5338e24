//! The audit log as a chain of records, of all organizations. Records are added, and pruned from the beginning; the one
//! statement that changes some chains those that were written before there were chains, and nothing but that of them.

use async_trait::async_trait;

use super::{
    SqlTransaction, audit,
    connection::{Connection, Row, sql},
    value::{Columns, limit, number, time},
};
use crate::{
    audit::{AuditQuery, ChainState, KeptRecord, Link, NumberedEntry, Record},
    clock::Timestamp,
    ids::OrganizationId,
    store::{AuditReads, AuditWrites, StoreError},
};

pub(super) const INSERT: &str = "insert into audit
         (sequence, organization_id, at, token_id, address, action, application_id, credential_id, subject, detail,
          key_version, mac)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

pub(super) async fn insert(connection: &mut Connection, record: &Record) -> Result<(), StoreError> {
    sql(INSERT)
        .bind(number(record.sequence, "audit.sequence")?)
        .bind(&record.organization)
        .bind(record.at)
        .bind(&record.token)
        .bind(&record.address)
        .bind(&record.action)
        .bind(&record.application)
        .bind(&record.credential)
        .bind(&record.subject)
        .bind(&record.detail)
        .bind(record.key_version.map(i64::from))
        .bind(record.mac.map(|mac| mac.to_vec()))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const RECORDS: &str =
    "select sequence, organization_id, at, token_id, address, action, application_id, credential_id, subject, detail,
            key_version, mac
     from audit
     where sequence > $1
     order by sequence
     limit $2";

pub(super) async fn records(
    connection: &mut Connection,
    after: u64,
    most: usize,
) -> Result<Vec<KeptRecord>, StoreError> {
    let rows = sql(RECORDS)
        .bind(number(after, "audit.sequence")?)
        .bind(limit(most))
        .fetch_all(connection)
        .await?;
    rows.iter().map(kept).collect()
}

/// Who alters a row may put anything into it. Then it is named as it is, and nothing fails.
fn kept(row: &Row) -> Result<KeptRecord, StoreError> {
    let sequence = Columns(row).number("sequence")?;
    Ok(decode(sequence, row).map_or(KeptRecord::Unreadable(sequence), KeptRecord::Read))
}

fn decode(sequence: u64, row: &Row) -> Result<Record, StoreError> {
    let columns = Columns(row);
    let mac = columns.optional_bytes("mac")?;
    Ok(Record {
        sequence,
        organization: columns.text("organization_id")?,
        at: columns.number("at")?,
        token: columns.optional_text("token_id")?,
        address: columns.optional_text("address")?,
        action: columns.text("action")?,
        application: columns.optional_text("application_id")?,
        credential: columns.optional_text("credential_id")?,
        subject: columns.text("subject")?,
        detail: columns.text("detail")?,
        key_version: columns.optional_number("key_version")?,
        mac: mac
            .map(TryInto::try_into)
            .transpose()
            .map_err(|_| StoreError::Unreadable("audit.mac"))?,
    })
}

pub(super) const CHAIN: &str =
    "update audit set key_version = $2, mac = $3 where sequence = $1 and mac is null";

pub(super) async fn chain(connection: &mut Connection, record: &Record) -> Result<(), StoreError> {
    sql(CHAIN)
        .bind(number(record.sequence, "audit.sequence")?)
        .bind(record.key_version.map(i64::from))
        .bind(record.mac.map(|mac| mac.to_vec()))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const NEWEST: &str = "select coalesce(max(sequence), 0) as newest from audit";

pub(super) async fn newest(connection: &mut Connection) -> Result<u64, StoreError> {
    let row = sql(NEWEST).fetch_one(connection).await?;
    Columns(&row).number("newest")
}

// The plus keeps SQLite from another index, after which it would have to sort everything.
pub(super) const FIRST_SINCE: &str =
    "select sequence from audit where +at >= $1 order by sequence limit 1";

/// In the order of the chain, which clocks that are set back do not change.
pub(super) async fn last_before(
    connection: &mut Connection,
    moment: Timestamp,
) -> Result<u64, StoreError> {
    let since = sql(FIRST_SINCE)
        .bind(time(moment))
        .fetch_optional(&mut *connection)
        .await?;
    match since {
        Some(row) => {
            let first: u64 = Columns(&row).number("sequence")?;
            Ok(first.saturating_sub(1))
        }
        None => newest(connection).await,
    }
}

pub(super) const CHAINED: &str = "select sequence from audit where mac is not null limit 1";

/// Looks at every record where none is chained, which is once.
pub(super) async fn is_chained(connection: &mut Connection) -> Result<bool, StoreError> {
    Ok(sql(CHAINED).fetch_optional(connection).await?.is_some())
}

pub(super) const DELETE: &str = "delete from audit where sequence <= $1";

pub(super) async fn delete(connection: &mut Connection, through: u64) -> Result<(), StoreError> {
    sql(DELETE)
        .bind(number(through, "audit.sequence")?)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const STATE: &str =
    "select last_sequence, last_key_version, last_mac, base_sequence, base_key_version, base_mac, key_version, signature
     from audit_state";

pub(super) async fn state(connection: &mut Connection) -> Result<Option<ChainState>, StoreError> {
    let row = sql(STATE).fetch_optional(connection).await?;
    // What cannot be read was not written by a registry: it is as good as gone.
    Ok(row.and_then(|row| decode_state(&row).ok()))
}

fn decode_state(row: &Row) -> Result<ChainState, StoreError> {
    let columns = Columns(row);
    Ok(ChainState {
        last: Link {
            sequence: columns.number("last_sequence")?,
            key_version: columns.number("last_key_version")?,
            mac: columns.array("last_mac")?,
        },
        base: Link {
            sequence: columns.number("base_sequence")?,
            key_version: columns.number("base_key_version")?,
            mac: columns.array("base_mac")?,
        },
        key_version: columns.number("key_version")?,
        signature: columns.array("signature")?,
    })
}

pub(super) const PUT_STATE: &str = "insert into audit_state
         (singleton, last_sequence, last_key_version, last_mac, base_sequence, base_key_version, base_mac, key_version,
          signature)
         values (1, $1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (singleton) do update set
         last_sequence = excluded.last_sequence,
         last_key_version = excluded.last_key_version,
         last_mac = excluded.last_mac,
         base_sequence = excluded.base_sequence,
         base_key_version = excluded.base_key_version,
         base_mac = excluded.base_mac,
         key_version = excluded.key_version,
         signature = excluded.signature";

pub(super) async fn put_state(
    connection: &mut Connection,
    state: ChainState,
) -> Result<(), StoreError> {
    let ChainState { last, base, .. } = state;
    sql(PUT_STATE)
        .bind(number(last.sequence, "audit_state.last_sequence")?)
        .bind(i64::from(last.key_version))
        .bind(last.mac.as_slice())
        .bind(number(base.sequence, "audit_state.base_sequence")?)
        .bind(i64::from(base.key_version))
        .bind(base.mac.as_slice())
        .bind(i64::from(state.key_version))
        .bind(state.signature.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

/// What a transaction knows of the chain: it asks once, and writes once, at its end.
#[derive(Debug, Default)]
pub(super) struct KnownState {
    state: Option<ChainState>,
    is_new: bool,
}

impl SqlTransaction {
    pub(super) async fn chain_state(&mut self) -> Result<Option<ChainState>, StoreError> {
        if self.chain.state.is_none() {
            self.chain.state = state(&mut self.inner).await?;
        }
        Ok(self.chain.state)
    }

    pub(super) fn set_chain_state(&mut self, state: ChainState) {
        self.chain = KnownState {
            state: Some(state),
            is_new: true,
        };
    }

    pub(super) async fn keep_chain_state(&mut self) -> Result<(), StoreError> {
        match self.chain.state {
            Some(state) if self.chain.is_new => put_state(&mut self.inner, state).await,
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl AuditReads for SqlTransaction {
    async fn audit_entries(
        &mut self,
        organization: OrganizationId,
        query: &AuditQuery,
    ) -> Result<Vec<NumberedEntry>, StoreError> {
        audit::list(&mut self.inner, organization, query).await
    }

    async fn audit_state(&mut self) -> Result<Option<ChainState>, StoreError> {
        self.chain_state().await
    }

    async fn audit_records(
        &mut self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<KeptRecord>, StoreError> {
        records(&mut self.inner, after, limit).await
    }

    async fn newest_audit_record(&mut self) -> Result<u64, StoreError> {
        // Nobody else adds any while this transaction does.
        if let Some(state) = self.chain.state.filter(|_| self.chain.is_new) {
            return Ok(state.last.sequence);
        }
        newest(&mut self.inner).await
    }

    async fn last_audit_record_before(&mut self, moment: Timestamp) -> Result<u64, StoreError> {
        last_before(&mut self.inner, moment).await
    }

    async fn is_audit_chained(&mut self) -> Result<bool, StoreError> {
        is_chained(&mut self.inner).await
    }
}

#[async_trait]
impl AuditWrites for SqlTransaction {
    async fn append_audit(&mut self, record: &Record, state: ChainState) -> Result<(), StoreError> {
        insert(&mut self.inner, record).await?;
        self.set_chain_state(state);
        Ok(())
    }

    async fn chain_audit(&mut self, record: &Record) -> Result<(), StoreError> {
        chain(&mut self.inner, record).await
    }

    async fn put_audit_state(&mut self, state: ChainState) -> Result<(), StoreError> {
        self.set_chain_state(state);
        Ok(())
    }

    async fn delete_audit(&mut self, through: u64) -> Result<(), StoreError> {
        delete(&mut self.inner, through).await
    }
}

#[cfg(test)]
impl super::SqlStore {
    /// Does to the tables what another program would do.
    pub(crate) async fn meddle(&self, statement: &'static str) {
        let mut connection = self.database.write().await.unwrap();
        sql(statement).execute(&mut connection).await.unwrap();
        connection.commit().await.unwrap();
    }
}
