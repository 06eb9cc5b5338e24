//! The long poll.

use std::{future::Future, pin::pin, time::Duration};

use filter_core::feed::{Body, Page};
use tokio::time::Instant;

use crate::{environment::Environment, error::Error, ids::GroupId};

/// What comes after the cursor: at once if there is anything, else when something happens, else an empty page once
/// `wait` is over or `shutdown` completes.
pub async fn follow(
    env: &Environment,
    group: GroupId,
    after: Option<&str>,
    wait: Duration,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<Page, Error> {
    let deadline = Instant::now() + wait;
    let mut shutdown = pin!(shutdown);
    let mut changes = env.store.watch(group);
    loop {
        // Marked as seen before reading: what is committed after the read wakes the wait below.
        changes.borrow_and_update();
        let page = super::page(env, group, after).await?;
        let Some(revision) = revision_if_empty(&page) else {
            return Ok(page);
        };
        tokio::select! {
            biased;
            () = &mut shutdown => return Ok(page),
            woken = changes.changed() => if woken.is_err() {
                return Ok(page);
            },
            () = tokio::time::sleep_until(deadline) => {
                // Past what other groups were told meanwhile: the log is not kept for ever.
                let passed = env.store.revision() > revision;
                return if passed { super::page(env, group, after).await } else { Ok(page) };
            }
        }
    }
}

fn revision_if_empty(page: &Page) -> Option<u64> {
    match &page.body {
        Body::Changes(changes) if changes.changes.is_empty() => Some(changes.revision),
        _ => None,
    }
}
