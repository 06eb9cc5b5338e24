//! Gateways and gateway groups.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    ids::{GroupId, TokenId},
};

mod acknowledged;
mod group;
mod report;
mod seen;
mod standing;

#[cfg(test)]
mod tests;

pub(crate) use group::{find, named};
pub(crate) use report::check;
pub(crate) use seen::{Instance, Known};
pub(crate) use standing::{Lack, Standing, State, Wanted};

pub use group::{create_group, delete_group, group, groups};
pub use report::{forget, list, report};
pub use seen::{GATEWAYS_KEPT, Gateways};
pub use standing::SILENT_AFTER;

/// The name of the group that exists from the start.
pub const DEFAULT_GROUP: &str = "default";

/// A named set of gateways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayGroup {
    /// Its id. The API names it by its name.
    pub id: GroupId,
    /// Its name, which never changes.
    pub name: String,
    /// What it takes by itself.
    pub mode: Mode,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What a gateway group takes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every credential that is not for chosen groups, of the applications that may use it.
    Automatic,
    /// Nothing: credentials are deployed to it one by one.
    OnDemand,
}

/// What a gateway says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its configured name or node id; may be empty.
    pub gateway: String,
    /// Random, one for each start of the process.
    pub instance: [u8; 16],
    /// Rises with each report of the instance.
    pub sequence: u64,
    /// Of which log `revision` is a position.
    pub epoch: [u8; 16],
    /// What all its workers have applied.
    pub revision: u64,
    /// Whether all its workers have a complete snapshot.
    pub complete: bool,
    /// How many workers it counted.
    pub workers: u32,
    /// For how long it serves without an answer of the registry, if it said so.
    pub max_staleness: Option<MaxStaleness>,
}

impl Report {
    /// Whether it says nothing of positions that the other one does not.
    fn says_the_same(&self, other: &Self) -> bool {
        (self.epoch, self.revision, self.complete) == (other.epoch, other.revision, other.complete)
    }
}

/// For how long a gateway serves without an answer of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxStaleness {
    /// So long, and then answers 503.
    Bounded(Duration),
    /// Whatever happens.
    Unbounded,
}

/// A gateway's last report, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRecord {
    /// In which group.
    pub group: GroupId,
    /// With which token it reported.
    pub token: TokenId,
    /// What it said.
    pub report: Report,
    /// When.
    pub seen_at: Timestamp,
    /// Since when it has reported without a gap.
    pub reporting_since: Timestamp,
}

/// A gateway's last poll, as it is kept where several registries share the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayPoll {
    /// In which group.
    pub group: GroupId,
    /// The start of its process.
    pub instance: [u8; 16],
    /// Its name; may be empty.
    pub gateway: String,
    /// When it began to poll.
    pub polled_at: Timestamp,
    /// Until when, at the latest, an answer of a registry may reach it.
    pub answered_by: Timestamp,
}

/// What is known about a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayStatus {
    /// The name of its group.
    pub group: String,
    /// Its name; may be empty.
    pub gateway: String,
    /// The start of its process.
    pub instance: [u8; 16],
    /// What it applied, when it reported a position in this log.
    pub applied: Option<Applied>,
    /// When it last reported, or began to poll this process of the registry.
    pub seen_at: Timestamp,
    /// When it last reported.
    pub reported_at: Option<Timestamp>,
    /// When it last began to poll this process of the registry.
    pub polled_at: Option<Timestamp>,
}

/// What a gateway has applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The position in the log.
    pub revision: u64,
    /// How far it is behind the log's head.
    pub lag: u64,
    /// Whether all workers have a complete snapshot.
    pub complete: bool,
    /// How many workers.
    pub workers: u32,
}
