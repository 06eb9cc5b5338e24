//! Heads on their way out: into the registry's own log, which is kept elsewhere.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::head::Head;
use crate::{clock::Timestamp, environment::Environment, error::Error, store::StoreError};

/// After so many records a head is due, whatever the time.
const RECORDS: u64 = 1_000;

/// The head of the log as it is; `None` while its end is not what the registry wrote, which the next record says.
pub async fn head(env: &Environment) -> Result<Option<Head>, Error> {
    let mut read = env.store.read().await?;
    let state = read.audit_state().await?;
    let genuine = state.filter(|state| state.is_genuine(&env.keys));
    let head = genuine.map(|state| Head::sign(&env.keys, &state.last, env.now()));
    Ok(head.transpose().map_err(StoreError::from)?)
}

/// Says heads in the registry's log: at the start, at the end, and in between when enough was added.
#[derive(Debug)]
pub struct Sayer {
    every: Duration,
    /// The record and the moment of the last head that was said.
    said: Mutex<Option<(u64, Timestamp)>>,
}

impl Sayer {
    /// Says one after this time, if anything was added.
    #[must_use]
    pub const fn new(every: Duration) -> Self {
        Self {
            every,
            said: Mutex::new(None),
        }
    }

    /// Says one if one is due; where `is_last`, if anything was added since the one before.
    pub async fn say(&self, env: &Environment, is_last: bool) -> Result<(), Error> {
        if let Some(head) = head(env).await?
            && self.is_due(&head, env.now(), is_last)
        {
            tracing::info!(%head, "audit head: what was written up to here cannot be changed unnoticed by who keeps this line");
        }
        Ok(())
    }

    fn is_due(&self, head: &Head, now: Timestamp, is_last: bool) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = said.is_none_or(|(sequence, at)| {
            let added = head.sequence.saturating_sub(sequence);
            added > 0 && (is_last || added >= RECORDS || now.since(at) >= self.every)
        });
        if is_due {
            *said = Some((head.sequence, now));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn a_head_is_due_when_something_was_added_and_time_has_passed_or_at_the_end() {
        let world = World::new().await;
        let sayer = Sayer::new(Duration::from_hours(1));
        let is_due = async |is_last| {
            let head = head(&world.env).await.unwrap().unwrap();
            sayer.is_due(&head, world.env.now(), is_last)
        };
        assert!(is_due(false).await, "at the start");
        world.clock.advance(Duration::from_hours(2));
        assert!(!is_due(false).await, "nothing was added");
        world.application("a").await;
        assert!(is_due(false).await);
        world.application("b").await;
        assert!(!is_due(false).await, "too early");
        assert!(is_due(true).await, "the last one");
        assert!(!is_due(true).await, "nothing was added");
    }
}
