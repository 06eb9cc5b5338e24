//! Looking after all issuers for as long as the process lives.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::Issuers;
use crate::{
    error::Error,
    provider::{Provider, ProviderKind},
    shutdown::Shutdown,
};

/// How often it is looked which key sets are to be fetched, and which providers are disabled or new.
const INTERVAL: Duration = Duration::from_secs(1);
/// Providers that are read at a time.
const PAGE: usize = 100;

impl Issuers {
    /// Fetches key sets when they are due, and withdraws issuers, until the end is announced.
    pub async fn tend(self: &Arc<Self>, shutdown: &Shutdown) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Each set by itself: one slow provider is no reason for the others to wait.
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = shutdown.wait() => return,
            }
            while running.try_join_next().is_some() {}
            match self.look().await {
                Ok(due) => {
                    for provider in due {
                        let issuers = Arc::clone(self);
                        running.spawn(async move { issuers.refresh_in_turn(&provider).await });
                    }
                }
                Err(error) => tracing::warn!(%error, "issuers could not be looked after"),
            }
        }
    }

    /// Withdraws what is disabled or gone. Returns whose key sets are to be fetched now.
    pub(super) async fn look(&self) -> Result<Vec<Provider>, Error> {
        let providers = self.providers().await?;
        self.withdraw(&providers).await?;
        super::lock(&self.sets).retain(|id, _| {
            let known = providers.iter().find(|provider| provider.id == *id);
            known.is_some_and(is_looked_after)
        });
        let looked_after = providers.into_iter().filter(is_looked_after);
        let due = looked_after.filter(|provider| self.is_due(provider));
        Ok(due.collect())
    }

    /// Fetches a provider's key set, unless that is under way.
    pub(super) async fn refresh_in_turn(&self, provider: &Provider) {
        let place = self.set(provider.id);
        let Ok(_turn) = place.turn.try_lock() else {
            return;
        };
        // Its failures are logged where they are noted.
        if let Err(error) = self.refresh(provider, &place).await {
            tracing::warn!(%error, provider = %provider.name, "a key set could not be kept");
        }
    }

    fn is_due(&self, provider: &Provider) -> bool {
        let now = self.env.now();
        let state = self.set(provider.id).state();
        if let (Some(issuer), Some(fetched_at)) = (&provider.issuer, state.fetched_at) {
            self.metrics.key_set_age(issuer, now.since(fetched_at));
        }
        state.version != provider.version || state.next_at.is_none_or(|next| next <= now)
    }

    async fn providers(&self) -> Result<Vec<Provider>, Error> {
        let mut read = self.env.store.read().await?;
        let mut all: Vec<Provider> = Vec::new();
        loop {
            let after = all.last().map(|provider| provider.id);
            let page = read.providers(after, PAGE).await?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }
}

fn is_looked_after(provider: &Provider) -> bool {
    provider.enabled && provider.issuer.is_some() && provider.kind != ProviderKind::Builtin
}
