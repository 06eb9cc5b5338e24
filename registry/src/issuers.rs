//! Who issues access tokens: what the registry fetches from identity providers so that gateways can check their tokens, and
//! what it asks them on gateways' behalf.
//!
//! Gateways never talk to a provider. The keys of each are fetched here, checked, and reach gateways in the feed. A token
//! that names a key nobody has heard of ([`Issuers::keys_for`]) and a token that says nothing itself
//! ([`Issuers::introspect`]) are asked about here, bounded in every direction: whoever sends such tokens decides neither
//! how often a provider is asked nor how many wait for it.

mod endpoints;
mod freshness;
mod introspect;
mod introspection;
mod keep;
mod keys;
mod question;
mod tend;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use self::{endpoints::Published, introspect::Asked};
use crate::{
    clock::Timestamp, entropy::EntropyError, environment::Environment, ids::ProviderId,
    telemetry::Metrics, verification::tag::Tagger,
};

pub use self::introspect::{Introspected, Question};

/// What the registry knows of issuers beyond the database. One for each process.
pub struct Issuers {
    env: Environment,
    metrics: Arc<Metrics>,
    tagger: Tagger,
    sets: Mutex<BTreeMap<ProviderId, Arc<Set>>>,
    asked: Mutex<Asked>,
}

/// A provider's key set.
#[derive(Debug, Default)]
struct Set {
    /// Who holds it fetches; the others wait for what comes of it.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<SetState>,
    /// What the provider publishes of itself.
    published: Mutex<Option<Published>>,
}

/// How a provider's key set is kept, by this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetState {
    /// When it was last fetched and was good.
    pub fetched_at: Option<Timestamp>,
    /// When it is fetched next.
    pub next_at: Option<Timestamp>,
    /// How many attempts have failed since.
    pub failures: u32,
    /// Why the last one did. Holds nothing secret.
    pub last_error: Option<String>,
    /// How many keys tokens are verified with.
    pub keys: usize,
    /// How many keys are published and not used, because they cannot be.
    pub left_out: usize,
    /// Which version of the provider this is of.
    version: u64,
    /// When it was last fetched because somebody asked for a key.
    asked_at: Option<Timestamp>,
}

impl Issuers {
    /// Knowing nothing yet.
    pub fn new(env: Environment, metrics: Arc<Metrics>) -> Result<Self, EntropyError> {
        Ok(Self {
            tagger: Tagger::new(&*env.entropy)?,
            metrics,
            sets: Mutex::default(),
            asked: Mutex::new(Asked::new()),
            env,
        })
    }

    /// How a provider's key set is kept; `None` before it was fetched for the first time.
    #[must_use]
    pub fn state_of(&self, provider: ProviderId) -> Option<SetState> {
        lock(&self.sets).get(&provider).map(|set| set.state())
    }

    fn set(&self, provider: ProviderId) -> Arc<Set> {
        Arc::clone(lock(&self.sets).entry(provider).or_default())
    }
}

impl Set {
    fn state(&self) -> SetState {
        lock(&self.state).clone()
    }
}

/// Every change is complete before the next can panic, so a poisoned value is a good one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issuers")
    }
}

#[cfg(test)]
mod tests;
