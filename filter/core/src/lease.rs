//! Which VM of an Envoy process follows the feed: a lease in shared data, taken and renewed by compare-and-swap.
//!
//! Every worker thread and the main thread run a VM of their own. Nothing tells them apart from inside, and any of them
//! can trap or lose its listener, so none is chosen by configuration.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// For how long a lease holds without renewal, in milliseconds.
pub const LEASE_MS: u64 = 1000;

/// How often the holder renews it, in milliseconds.
pub const RENEW_MS: u64 = 250;

/// The lease as it lies in shared data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The random id of the VM that holds it.
    pub holder: u64,
    /// Raised by every takeover.
    pub term: u64,
    /// When it ends, on the monotonic clock that all threads share.
    pub until_ms: u64,
}

/// What a VM should do about the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Another VM holds it.
    Follow,
    /// Write this by compare-and-swap; on success this VM leads with its term until it ends.
    Write(Lease),
    /// This VM holds it, and need not renew yet.
    Lead(Lease),
}

impl Lease {
    /// Decides from the lease as read (`None`: there is none, or it is not one). `may_renew` is false while this VM's
    /// polls neither complete nor fail: then another should try.
    #[must_use]
    pub fn step(current: Option<Self>, me: u64, now_ms: u64, may_renew: bool) -> Step {
        let fresh = |term| {
            Step::Write(Self {
                holder: me,
                term,
                until_ms: now_ms.saturating_add(LEASE_MS),
            })
        };
        match current {
            None => fresh(1),
            Some(lease) if lease.holder == me && lease.until_ms > now_ms => {
                let renew_from = lease
                    .until_ms
                    .saturating_sub(LEASE_MS.saturating_sub(RENEW_MS));
                if may_renew && now_ms >= renew_from {
                    fresh(lease.term)
                } else {
                    Step::Lead(lease)
                }
            }
            Some(lease) if lease.until_ms > now_ms => Step::Follow,
            // Ended, also when it was this VM's own: others may have seen it end, so the term rises.
            Some(lease) if lease.holder != me || may_renew => fresh(lease.term.saturating_add(1)),
            Some(_) => Step::Follow,
        }
    }

    /// Encodes it for shared data.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Decodes it; `None` when the bytes are not a lease.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match postcard::take_from_bytes(bytes) {
            Ok((lease, [])) => Some(lease),
            _ => None,
        }
    }
}
