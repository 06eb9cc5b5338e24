//! Counting what credentials are used for: on the request path in this VM's memory alone, by the tick into a lane that the
//! VMs of the process share, and from there to the registry ([`reports`]).

pub(crate) mod reports;

use filter_core::{
    names::Names,
    usage::{LANES, Lane, Tally, Used},
};

use crate::{
    abi,
    metrics::FeedMetrics,
    shared::{self, Change},
};

/// How often a VM pours its counts into its lane, in milliseconds: what is lost when it traps.
const POUR_MS: u64 = 1000;

/// What this VM has counted and not yet poured.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    tally: Tally,
    poured_ms: u64,
}

impl Usage {
    /// Counts a use at this Unix time in milliseconds.
    pub(crate) fn count(&mut self, used: Used, wall_ms: u64) {
        self.tally.count(used, wall_ms);
    }

    /// Pours what has gathered into the lane of this VM, when it is time.
    pub(crate) fn pour(&mut self, names: &Names, vm: u64, metrics: FeedMetrics, now_ms: u64) {
        if self.tally.is_empty() || now_ms < self.poured_ms.saturating_add(POUR_MS) {
            return;
        }
        self.poured_ms = now_ms;
        let lane = u8::try_from(vm % u64::from(LANES)).unwrap_or(0);
        let uses = self.tally.uses();
        let mut lost = 0;
        let change = shared::update(&names.usage(lane), |bytes| {
            let mut lane = bytes
                .and_then(Lane::decode)
                .unwrap_or_else(|| Lane::made_at(abi::wall_clock_ms()));
            lost = lane.merge(&uses, self.tally.lost());
            Some(lane.encode())
        });
        // Otherwise the counts stay here, and are poured with the next.
        if change == Change::Written {
            self.tally.clear();
            metrics.usage_is_lost(lost);
        }
    }
}
