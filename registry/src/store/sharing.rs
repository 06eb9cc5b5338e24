//! The verbs about what gateways say, and what registries that share a database tell each other of it.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    clock::Timestamp,
    gateway::{GatewayPoll, GatewayRecord},
    ids::GroupId,
};

/// A registry that hears gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The registry: random, one for each start.
    pub registry: [u8; 16],
    /// When it had written down all that it had heard.
    pub told_at: Timestamp,
}

/// Reading what other registries have heard.
#[async_trait]
pub trait SharingReads: Send {
    /// What gateways reported.
    async fn gateways(&mut self) -> Result<Vec<GatewayRecord>, StoreError>;
    /// When gateways polled.
    async fn gateway_polls(&mut self) -> Result<Vec<GatewayPoll>, StoreError>;
    /// The registries that hear gateways.
    async fn witnesses(&mut self) -> Result<Vec<Witness>, StoreError>;
}

/// Telling other registries.
#[async_trait]
pub trait SharingWrites: Send {
    /// Keeps a gateway's report instead of its last one.
    async fn put_gateway(&mut self, gateway: &GatewayRecord) -> Result<(), StoreError>;
    /// Forgets a start of a gateway.
    async fn delete_gateway(
        &mut self,
        group: GroupId,
        instance: &[u8; 16],
    ) -> Result<(), StoreError>;
    /// Keeps a gateway's poll instead of its last one.
    async fn put_gateway_poll(&mut self, poll: &GatewayPoll) -> Result<(), StoreError>;
    /// Keeps that a registry has written everything down.
    async fn put_witness(&mut self, witness: Witness) -> Result<(), StoreError>;
    /// Forgets the registries that have not written anything since; says how many those are.
    async fn forget_witnesses(&mut self, before: Timestamp) -> Result<u64, StoreError>;
    /// Forgets a registry that has written down everything and stops.
    async fn delete_witness(&mut self, registry: &[u8; 16]) -> Result<(), StoreError>;
    /// With the commit, lets other registries know that there is news of gateways.
    async fn announce_gateways(&mut self) -> Result<(), StoreError>;
}
