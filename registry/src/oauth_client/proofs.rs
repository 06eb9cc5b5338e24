//! How often somebody may try to prove that a client is theirs: nobody guesses secrets by way of the registry.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use crate::{caller::Caller, clock::Timestamp, ids::ProviderId, verification::limit::Limiter};

/// Callers and clients that are counted at a time.
const COUNTED: usize = 4096;
/// Attempts a minute for one client, whoever makes them.
const PER_CLIENT: u32 = 5;
/// Attempts a minute of one caller.
const PER_CALLER: u32 = 20;

/// Counts the attempts of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Proofs(Arc<Mutex<Counts>>);

#[derive(Debug)]
struct Counts {
    of_clients: Limiter,
    of_callers: Limiter,
}

impl Default for Proofs {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Counts {
            of_clients: Limiter::per_minute(PER_CLIENT, COUNTED),
            of_callers: Limiter::per_minute(PER_CALLER, COUNTED),
        })))
    }
}

impl Proofs {
    /// Counts an attempt, or says how long to wait for the next.
    pub(super) fn take(
        &self,
        caller: Caller,
        (provider, client_id): (ProviderId, &str),
        now: Timestamp,
    ) -> Result<(), Duration> {
        let token = caller.token.map(|token| token.to_string());
        let of_caller = tag(&caller.organization.to_string(), &token.unwrap_or_default());
        let of_client = tag(&provider.to_string(), client_id);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = counts.of_callers.take_many(of_caller, 1, now);
        let wait = wait.or_else(|| counts.of_clients.take_many(of_client, 1, now));
        wait.map_or(Ok(()), Err)
    }
}

fn tag(whose: &str, name: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(whose)
        .chain_update([0])
        .chain_update(name)
        .finalize()
        .into()
}
