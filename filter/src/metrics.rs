//! Counters and gauges in Envoy's statistics.
//!
//! Counters gather in the VM and are flushed by the tick: an increment on the request path would be a host call more.
//! Gauges hold positions and times, not ages: a gauge freezes when its writer dies, and a frozen time can be seen.

use filter_core::denial::{Method, Outcome};

use crate::abi::{self, MetricKind};

const METHODS: usize = Method::ALL.len();
const OUTCOMES: usize = Outcome::ALL.len();

/// All metrics of a VM.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    is_defined: bool,
    counters: [[Counter; OUTCOMES]; METHODS],
    pub(crate) of_feeds: FeedMetrics,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    metric: u32,
    gathered: i64,
}

/// What is said of the feeds: of the snapshot by the leader, of lost uses by every VM.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FeedMetrics {
    revision: u32,
    timestamp: u32,
    usage_lost: u32,
}

impl FeedMetrics {
    /// The registry has answered, and the shared snapshot reflects this position in its log.
    pub(crate) fn snapshot_is_current(self, revision: u64) {
        abi::record_metric(self.revision, revision);
        abi::record_metric(self.timestamp, abi::wall_clock_ms() / 1000);
    }

    /// So many uses could not be counted by credential.
    pub(crate) fn usage_is_lost(self, uses: u64) {
        if uses > 0 {
            abi::increment_metric(self.usage_lost, i64::try_from(uses).unwrap_or(i64::MAX));
        }
    }
}

impl Metrics {
    /// Defines every metric, once for each VM: doing so on the request path would take Envoy's lock on names.
    pub(crate) fn define(&mut self) {
        if self.is_defined {
            return;
        }
        self.is_defined = true;
        for (method, counters) in Method::ALL.iter().zip(&mut self.counters) {
            for (outcome, counter) in Outcome::ALL.iter().zip(counters) {
                let name = format!("keysmith_requests_{}_{}", method.name(), outcome.name());
                counter.metric = abi::define_metric(MetricKind::Counter, &name).unwrap_or_default();
            }
        }
        let define = |kind, name| abi::define_metric(kind, name).unwrap_or_default();
        self.of_feeds = FeedMetrics {
            revision: define(MetricKind::Gauge, "keysmith_applied_revision"),
            timestamp: define(MetricKind::Gauge, "keysmith_snapshot_timestamp_seconds"),
            usage_lost: define(MetricKind::Counter, "keysmith_usage_lost"),
        };
    }

    /// Notes how a request ended.
    pub(crate) fn count(&mut self, method: Method, outcome: Outcome) {
        if let Some(counter) = self
            .counters
            .get_mut(method as usize)
            .and_then(|counters| counters.get_mut(outcome as usize))
        {
            counter.gathered = counter.gathered.saturating_add(1);
        }
    }

    /// Hands over what has gathered.
    pub(crate) fn flush(&mut self) {
        for counter in self.counters.iter_mut().flatten() {
            if counter.gathered != 0 {
                abi::increment_metric(counter.metric, counter.gathered);
                counter.gathered = 0;
            }
        }
    }
}
