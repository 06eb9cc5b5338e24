//! What the audit log needs as time goes by.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use super::{Refusals, Sayer};
use crate::{environment::Environment, shutdown::Shutdown};

/// How often refusals are written down.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// After how many of those it is seen whether a head is due.
const FLUSHES_PER_HEAD: u32 = 10;

/// Writes refusals down and says heads.
#[derive(Debug)]
pub struct Keeper {
    refusals: Arc<Refusals>,
    sayer: Sayer,
}

impl Keeper {
    /// Says a head after this time, if anything was added.
    #[must_use]
    pub fn new(refusals: Arc<Refusals>, head_every: Duration) -> Self {
        Self {
            refusals,
            sayer: Sayer::new(head_every),
        }
    }

    /// Until the end is announced.
    pub async fn tend(&self, env: &Environment, shutdown: &Shutdown) {
        let mut ticks = interval(FLUSH_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut flushes = (0..FLUSHES_PER_HEAD).cycle();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.wait() => return,
            }
            self.flush(env, false).await;
            if flushes.next() == Some(0) {
                self.say(env, false).await;
            }
        }
    }

    /// When nothing is served any more.
    pub async fn conclude(&self, env: &Environment) {
        self.flush(env, true).await;
        self.say(env, true).await;
    }

    async fn flush(&self, env: &Environment, is_last: bool) {
        if let Err(error) = self.refusals.flush(env, is_last).await {
            tracing::warn!(%error, "who was refused could not be written down");
        }
    }

    async fn say(&self, env: &Environment, is_last: bool) {
        if let Err(error) = self.sayer.say(env, is_last).await {
            tracing::warn!(%error, "the head of the audit log could not be signed");
        }
    }
}
