//! The root contexts of a VM: one for each configured plugin, and for a while those of its earlier configurations.

use filter_core::config::Policy;

use crate::abi;

/// A root that has not ticked for this long has lost its listener, and the host has dropped its calls, in milliseconds.
const GONE_AFTER_MS: u64 = 1500;
/// After this long its rules are dropped too; until then streams of a draining listener may come, in milliseconds.
const FORGOTTEN_AFTER_MS: u64 = 3_600_000;

/// One configured plugin.
#[derive(Debug)]
pub(crate) struct Root {
    /// The host's number for it.
    pub(crate) id: u32,
    /// What it asks of requests.
    pub(crate) policy: Policy,
    /// For how long its registry may be silent.
    pub(crate) max_staleness_ms: Option<u64>,
    /// Which feed it follows, by the VM's number for it.
    pub(crate) feed: u32,
    /// How often it ticks, in milliseconds.
    pub(crate) period_ms: u32,
    /// When it last ticked.
    pub(crate) ticked_ms: u64,
}

/// The roots of a VM.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    known: Vec<Root>,
    ticked_ms: u64,
}

impl Roots {
    /// The root with this number.
    pub(crate) fn get(&self, id: u32) -> Option<&Root> {
        self.known.iter().find(|root| root.id == id)
    }

    /// Puts a root in place of one with the same number.
    pub(crate) fn put(&mut self, root: Root) {
        self.known.retain(|known| known.id != root.id);
        self.known.push(root);
    }

    /// Notes that a root ticks.
    pub(crate) fn tick(&mut self, id: u32, now_ms: u64) {
        // Nobody ticked: the thread was held up, which says nothing about any one root.
        let was_stalled = self.ticked_ms.saturating_add(GONE_AFTER_MS) <= now_ms;
        self.ticked_ms = now_ms;
        for root in &mut self.known {
            if root.id == id || (was_stalled && !root.is_forgotten(now_ms)) {
                root.ticked_ms = now_ms;
            }
        }
        self.known.retain(|root| !root.is_forgotten(now_ms));
    }

    /// Sets how often the root whose callback is running ticks, in milliseconds.
    pub(crate) fn set_period(&mut self, id: u32, period_ms: u32) {
        let root = self.known.iter_mut().find(|root| root.id == id);
        if let Some(root) = root.filter(|root| root.period_ms != period_ms) {
            root.period_ms = period_ms;
            abi::set_tick_period(period_ms);
        }
    }

    /// Whether a root still ticks.
    pub(crate) fn is_alive(&self, id: u32, now_ms: u64) -> bool {
        self.get(id)
            .is_some_and(|root| root.ticked_ms.saturating_add(GONE_AFTER_MS) > now_ms)
    }

    /// The longest for which a root of this feed goes on while the registry is silent, in milliseconds; `None` for ever.
    /// A root that is being drained counts: its rules still decide.
    pub(crate) fn max_staleness_ms(&self, feed: u32) -> Option<u64> {
        let roots = self.known.iter().filter(|root| root.feed == feed);
        roots
            .map(|root| root.max_staleness_ms)
            .try_fold(0, |longest: u64, own| own.map(|own| longest.max(own)))
    }

    /// Whether any root follows this feed.
    pub(crate) fn follow(&self, feed: u32) -> bool {
        self.known.iter().any(|root| root.feed == feed)
    }
}

impl Root {
    fn is_forgotten(&self, now_ms: u64) -> bool {
        self.ticked_ms.saturating_add(FORGOTTEN_AFTER_MS) <= now_ms
    }
}
