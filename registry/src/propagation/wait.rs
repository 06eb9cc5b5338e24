//! Waiting until gateways have a change.

use std::{future::Future, pin::pin, time::Duration};

use tokio::time::Instant;

use super::{Change, Propagation};
use crate::{
    clock::{Clock, Timestamp},
    gateway::{self, Gateways, Instance, Known},
};

/// For how long a request may wait.
pub const MAX_WAIT: Duration = Duration::from_secs(30);

/// A gateway of one of the change's groups.
type Place = (usize, Instance);

/// Waits until every gateway that is heard of has the change, or the time is over, or `shutdown` completes. Nothing of the
/// store is held meanwhile. `None`, at once, when too many wait already.
pub async fn wait(
    gateways: &Gateways,
    change: &Change,
    clock: &dyn Clock,
    longest: Duration,
    shutdown: impl Future<Output = ()> + Send,
) -> Option<Propagation> {
    let _waiter = gateways.waiter()?;
    let deadline = Instant::now() + longest.min(MAX_WAIT);
    let mut shutdown = pin!(shutdown);
    let mut reports = gateways.reports();
    let mut missing = None;
    loop {
        // Marked as seen before looking: what is reported after the look wakes the wait below.
        reports.borrow_and_update();
        let now = clock.now();
        missing = gateways.look(|known| change.missing(known, missing, now));
        if missing.is_none() {
            break;
        }
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            woken = reports.changed() => if woken.is_err() {
                break;
            },
            () = tokio::time::sleep_until(deadline) => break,
        }
    }
    let now = clock.now();
    Some(gateways.look(|known| Propagation::of(change, known, now)))
}

impl Change {
    /// A gateway that is heard of and does not have the change. The one that was missing last is looked at first: of many that
    /// wait, each looks at a gateway once, however many report.
    fn missing(&self, known: Known<'_>, last: Option<Place>, now: Timestamp) -> Option<Place> {
        if let Some((target, instance)) = last
            && self.lacks(known, target, &instance, now)
        {
            return last;
        }
        (0..).zip(&self.targets).find_map(|(number, target)| {
            let mut instances = known.of(target.group).map(|(instance, _)| instance);
            let missing = instances.find(|instance| self.lacks(known, number, instance, now))?;
            Some((number, missing))
        })
    }

    fn lacks(&self, known: Known<'_>, target: usize, instance: &Instance, now: Timestamp) -> bool {
        let Some(target) = self.targets.get(target) else {
            return false;
        };
        let seen = known.one(target.group, instance);
        let standing = seen.and_then(|seen| seen.standing(&self.wanted(target), now));
        standing.is_some_and(|one| matches!(one.state, gateway::State::Pending(_)))
    }
}
