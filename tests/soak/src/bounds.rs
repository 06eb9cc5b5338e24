//! How long things may take, and why. Everything else of the soak is held against these.
//!
//! The numbers of the filter are in `filter/src/feed`, `filter/src/roots.rs` and `filter/core/src/lease.rs`.

use std::time::Duration;

use filter_core::lease::LEASE_MS;

use crate::faults::Kind;

/// From the registry's acknowledgement of a change until every worker obeys it, while nothing is broken. A change takes
/// milliseconds; a VM that misses its wake-up looks at its next tick, and a worker that was held up looks itself before
/// it decides. The rest is room for a busy machine.
pub(crate) const PROPAGATION: Duration = Duration::from_secs(2);

/// The wait of a poll in the soak's configuration, in seconds. A deployment's default is 25.
pub(crate) const POLL_WAIT_SECONDS: u64 = 2;

/// A poll that nobody answers is given up after its wait and five seconds.
const POLL_TIMEOUT: Duration = Duration::from_secs(POLL_WAIT_SECONDS + 5);

/// The longest pause after failed polls.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// Between two ticks of a VM.
const TICK: Duration = Duration::from_millis(250);

/// A lease that nobody renews ends, and another VM takes it at its next tick.
const TAKEOVER: Duration = Duration::from_millis(LEASE_MS).saturating_add(TICK);

/// A listener that went away took its poll with it, which is noticed when its root has not ticked for 1.5 seconds.
const LOST_ROOT: Duration = Duration::from_millis(1500).saturating_add(TICK);

/// After a trap Envoy makes the VM anew with the next request, but not sooner than 1 to 1.5 seconds after it made it
/// last. The rest is for making it.
pub(crate) const RELOAD: Duration = Duration::from_secs(3);

/// Until when connections may break after a listener was replaced.
pub(crate) const DRAIN: Duration = Duration::from_secs(1);

/// How long a request may take while nothing is broken. It takes milliseconds; the rest is room for a busy machine.
pub(crate) const ANSWER: Duration = Duration::from_secs(2);

/// How long after the registry was frozen, or is ready again, its own API may still answer errors.
pub(crate) const REGISTRY_SETTLES: Duration = Duration::from_secs(1);

/// Until when whoever changes keys has noticed that an earlier database was put back: between two changes of one key
/// are at most a time of grace and a rest.
pub(crate) const LOST: Duration = Duration::from_secs(15);

/// How long after the end of a fault the feed may stand still.
pub(crate) fn feed_stop(kind: Kind) -> Duration {
    match kind {
        // The one that trapped may have been the leader, and the only VM left besides may be one that traps too.
        Kind::WorkerTraps | Kind::LeaderTraps => RELOAD.max(TAKEOVER),
        Kind::ListenerUpdate | Kind::SecondListener | Kind::AllListeners | Kind::AnotherModule => {
            LOST_ROOT.max(TAKEOVER)
        }
        Kind::GatewayFrozen
        | Kind::LateAnswers
        | Kind::HeldAnswers
        | Kind::CutAnswers
        | Kind::ClosedConnections
        | Kind::ErrorAnswers
        | Kind::RegistryFrozen
        | Kind::RegistryKilled
        | Kind::DatabaseRolledBack => LONGEST_BACKOFF + TICK,
        Kind::LostAnswers => POLL_TIMEOUT + LONGEST_BACKOFF + TICK,
    }
}
