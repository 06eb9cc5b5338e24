//! What the leader tells every worker about the shared snapshot: one small record in shared data.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    digest::DigestKey,
    feed::{APPLICATION_BUCKETS, CREDENTIAL_SEGMENTS},
    segment::{Part, Table},
};

/// How many of the last changed parts a head names. A worker that missed more drops everything it holds.
pub const MAX_RECENT: usize = 256;

/// The state of the shared snapshot. Only the holder of the lease writes it, by compare-and-swap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Which leader wrote it: each takeover raises it, and an older leader's write fails.
    pub term: u64,
    /// The complete snapshot, once there is one.
    pub serving: Option<Load>,
    /// The snapshot that is being loaded, if one is.
    pub loading: Option<Loading>,
    /// The highest generation that was claimed for a load, finished or not.
    pub last_generation: u32,
    /// Where to go on in the feed; empty to start over.
    pub cursor: String,
    /// The position in the log that `serving` reflects.
    pub revision: u64,
    /// How many part changes were announced, ever.
    pub announced: u64,
    /// The last of them as [`Part::number`]s, oldest first, at most [`MAX_RECENT`].
    pub recent: Vec<u16>,
}

/// One load of a full snapshot and the changes after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// The identity of the log that it is of.
    pub epoch: [u8; 16],
    /// Rises with every load.
    pub generation: u32,
    /// Where its applications are.
    pub table: Table,
    /// Under which its digests are made.
    pub key: DigestKey,
}

/// A load in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loading {
    /// What serves when it is complete.
    pub load: Load,
    /// Which page must come next.
    pub next: Position,
    /// The highest position in the log that a page reflects: the load is complete when the changes have reached it.
    pub target: u64,
}

/// What a load waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// A page of applications from this bucket on.
    Applications(u16),
    /// A page of credentials from this segment on.
    Credentials(u16),
    /// The page of issuers.
    Issuers,
    /// The changes after the snapshot.
    Changes,
}

impl Position {
    /// Where a page of applications or credentials that ends at `to` leaves off.
    pub(crate) const fn after_applications(to: u16) -> Self {
        if to >= APPLICATION_BUCKETS {
            Self::Credentials(0)
        } else {
            Self::Applications(to)
        }
    }

    pub(crate) const fn after_credentials(to: u16) -> Self {
        if to >= CREDENTIAL_SEGMENTS {
            Self::Issuers
        } else {
            Self::Credentials(to)
        }
    }
}

impl Head {
    /// Encodes it for shared data; empty when memory does not suffice, which no reader accepts.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Decodes it; `None` when the bytes are not a head.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match postcard::take_from_bytes(bytes) {
            Ok((head, [])) => Some(head),
            _ => None,
        }
    }

    /// Whether the next poll should be answered at once: while a load is under way there is no reason to wait.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.loading.is_some() || self.serving.is_none()
    }

    /// Claims a generation for a load that is about to begin. The claim must be in shared data before the load's first
    /// write: what a stalled leader wrote under an earlier claim then never passes for part of this load.
    pub fn claim(&mut self) {
        self.last_generation = self.last_generation.saturating_add(1);
    }

    pub(crate) fn has_claim(&self) -> bool {
        let loading = self.loading.as_ref().map(|loading| &loading.load);
        [self.serving.as_ref(), loading]
            .into_iter()
            .flatten()
            .all(|load| load.generation < self.last_generation)
            && self.last_generation > 0
    }

    /// Starts over: the next poll asks for a full snapshot, and what serves goes on serving.
    pub fn restart(&mut self) {
        self.loading = None;
        self.cursor = String::new();
    }

    /// Adds parts to the announcement.
    pub(crate) fn announce(&mut self, parts: impl Iterator<Item = Part>) {
        for part in parts {
            self.announced = self.announced.saturating_add(1);
            self.recent.push(part.number());
        }
        let surplus = self.recent.len().saturating_sub(MAX_RECENT);
        self.recent.drain(..surplus);
    }
}
