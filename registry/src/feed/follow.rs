//! The long poll.

use std::{future::Future, pin::pin, time::Duration};

use filter_core::feed::{Body, Page};
use tokio::time::Instant;

use super::page;
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
    let mut revision = env.store.watch();
    loop {
        // Marked as seen before reading: what is committed after the read wakes the wait below.
        revision.borrow_and_update();
        let page = page(env, group, after).await?;
        if !is_empty(&page) {
            return Ok(page);
        }
        tokio::select! {
            biased;
            () = &mut shutdown => return Ok(page),
            changed = revision.changed() => if changed.is_err() {
                return Ok(page);
            },
            () = tokio::time::sleep_until(deadline) => return Ok(page),
        }
    }
}

fn is_empty(page: &Page) -> bool {
    matches!(&page.body, Body::Changes(changes) if changes.changes.is_empty())
}
