//! The long poll.

use std::{future::Future, pin::pin, time::Duration};

use tokio::time::Instant;

use super::{Answer, Feed};
use crate::{error::Error, ids::GroupId};

impl Feed {
    /// What comes after the cursor: at once if there is anything, else when something happens, else an empty page once
    /// `wait` is over or `shutdown` completes.
    pub async fn follow(
        &self,
        group: GroupId,
        after: Option<&str>,
        wait: Duration,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<Answer, Error> {
        let deadline = Instant::now() + wait;
        let mut shutdown = pin!(shutdown);
        let mut changes = self.env.store.watch(group);
        loop {
            // Marked as seen before reading: what is committed after the read wakes the wait below.
            changes.borrow_and_update();
            let answer = self.page(group, after).await?;
            let Some(revision) = answer.empty_at() else {
                return Ok(answer);
            };
            tokio::select! {
                biased;
                () = &mut shutdown => return Ok(answer),
                woken = changes.changed() => if woken.is_err() {
                    return Ok(answer);
                },
                () = tokio::time::sleep_until(deadline) => {
                    // Past what other groups were told meanwhile: the log is not kept for ever.
                    let passed = self.env.store.revision() > revision;
                    return if passed { self.page(group, after).await } else { Ok(answer) };
                }
            }
        }
    }
}
