//! What registries that share the database tell each other of gateways.

use async_trait::async_trait;

use super::{
    SqlTransaction,
    connection::{Connection, sql},
    gateway,
    value::{Columns, time},
};
use crate::{
    clock::Timestamp,
    gateway::{GatewayPoll, GatewayRecord},
    ids::GroupId,
    store::{SharingReads, SharingWrites, StoreError, Witness},
};

pub(super) const POLLS: &str =
    "select group_id, instance, gateway, polled_at, answered_by from gateway_polls";

async fn polls(connection: &mut Connection) -> Result<Vec<GatewayPoll>, StoreError> {
    sql(POLLS)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let columns = Columns(row);
            Ok(GatewayPoll {
                group: columns.parsed("group_id")?,
                instance: columns.array("instance")?,
                gateway: columns.text("gateway")?,
                polled_at: columns.time("polled_at")?,
                answered_by: columns.time("answered_by")?,
            })
        })
        .collect()
}

pub(super) const PUT_POLL: &str = "insert into gateway_polls (group_id, instance, gateway, polled_at, answered_by)
         values ($1, $2, $3, $4, $5)
         on conflict (group_id, instance) do update
         set gateway = excluded.gateway, polled_at = excluded.polled_at, answered_by = excluded.answered_by";

async fn put_poll(connection: &mut Connection, poll: &GatewayPoll) -> Result<(), StoreError> {
    sql(PUT_POLL)
        .bind(poll.group.to_string())
        .bind(poll.instance.as_slice())
        .bind(&poll.gateway)
        .bind(time(poll.polled_at))
        .bind(time(poll.answered_by))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const ALL: &str = "select registry, told_at from witnesses";

async fn all(connection: &mut Connection) -> Result<Vec<Witness>, StoreError> {
    sql(ALL)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let columns = Columns(row);
            Ok(Witness {
                registry: columns.array("registry")?,
                told_at: columns.time("told_at")?,
            })
        })
        .collect()
}

pub(super) const PUT: &str = "insert into witnesses (registry, told_at) values ($1, $2)
         on conflict (registry) do update set told_at = excluded.told_at";

async fn put(connection: &mut Connection, witness: Witness) -> Result<(), StoreError> {
    sql(PUT)
        .bind(witness.registry.as_slice())
        .bind(time(witness.told_at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const FORGET: &str = "delete from witnesses where told_at <= $1";

async fn forget(connection: &mut Connection, before: Timestamp) -> Result<u64, StoreError> {
    let forgotten = sql(FORGET).bind(time(before)).execute(connection).await?;
    Ok(forgotten.rows_affected())
}

pub(super) const DELETE: &str = "delete from witnesses where registry = $1";

async fn delete(connection: &mut Connection, registry: &[u8; 16]) -> Result<(), StoreError> {
    sql(DELETE)
        .bind(registry.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

#[async_trait]
impl SharingReads for SqlTransaction {
    async fn gateways(&mut self) -> Result<Vec<GatewayRecord>, StoreError> {
        gateway::gateways(&mut self.inner).await
    }

    async fn gateway_polls(&mut self) -> Result<Vec<GatewayPoll>, StoreError> {
        polls(&mut self.inner).await
    }

    async fn witnesses(&mut self) -> Result<Vec<Witness>, StoreError> {
        all(&mut self.inner).await
    }
}

#[async_trait]
impl SharingWrites for SqlTransaction {
    async fn put_gateway(&mut self, record: &GatewayRecord) -> Result<(), StoreError> {
        gateway::put(&mut self.inner, record).await
    }

    async fn delete_gateway(
        &mut self,
        group: GroupId,
        instance: &[u8; 16],
    ) -> Result<(), StoreError> {
        gateway::delete(&mut self.inner, group, instance).await
    }

    async fn put_gateway_poll(&mut self, poll: &GatewayPoll) -> Result<(), StoreError> {
        put_poll(&mut self.inner, poll).await
    }

    async fn put_witness(&mut self, witness: Witness) -> Result<(), StoreError> {
        put(&mut self.inner, witness).await
    }

    async fn forget_witnesses(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        forget(&mut self.inner, before).await
    }

    async fn delete_witness(&mut self, registry: &[u8; 16]) -> Result<(), StoreError> {
        delete(&mut self.inner, registry).await
    }

    async fn announce_gateways(&mut self) -> Result<(), StoreError> {
        self.inner.announce_gateways().await
    }
}
