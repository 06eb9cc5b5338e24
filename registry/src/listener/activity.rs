//! Whether a connection is in use, so that one that holds a place without asking for anything gives it up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Requests in progress on one connection, and since when there are none.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    requests: usize,
    changed: Instant,
    has_asked: bool,
}

/// For how long a connection may ask nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// At its beginning.
    pub(super) first: Duration,
    /// Later.
    pub(super) between: Duration,
}

/// A request in progress.
#[derive(Debug)]
pub(super) struct Busy(Arc<Activity>);

impl Activity {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            requests: 0,
            changed: Instant::now(),
            has_asked: false,
        }))
    }

    /// Counts a request until the result is dropped.
    pub(super) fn begin(activity: &Arc<Self>) -> Busy {
        activity.count(|requests| requests.saturating_add(1));
        Busy(Arc::clone(activity))
    }

    /// Returns once there was no request for longer than `patience` allows.
    pub(super) async fn idle(&self, patience: Patience) {
        loop {
            let now = Instant::now();
            let due = {
                let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let limit = if state.has_asked {
                    patience.between
                } else {
                    patience.first
                };
                let since = if state.requests > 0 {
                    now
                } else {
                    state.changed
                };
                since + limit
            };
            if due <= now {
                return;
            }
            sleep_until(due).await;
        }
    }

    /// Begins the measured time anew, without a request.
    pub(super) fn restart(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.changed = Instant::now();
    }

    fn count(&self, change: impl FnOnce(usize) -> usize) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests = change(state.requests);
        state.changed = Instant::now();
        state.has_asked = true;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.count(|requests| requests.saturating_sub(1));
    }
}
