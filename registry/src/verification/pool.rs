//! Argon2 on threads of its own, so many at a time, and so many that wait.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::{
    config::Passwords,
    error::Error,
    password::{HashedPassword, PasswordHasher, PasswordWork, PhcString, Salts},
    secrets::SecretText,
    telemetry::Metrics,
};

/// Bounds the hashing of a whole process: by the number at a time, and by the number that wait.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
    /// How many may wait when this handle comes: half of the places are kept for work that is known to be wanted.
    places: usize,
}

struct Shared {
    hasher: PasswordHasher,
    workers: Semaphore,
    waiting: AtomicUsize,
    queue: usize,
    metrics: Arc<Metrics>,
}

impl Pool {
    /// A pool with nothing to do.
    #[must_use]
    pub fn new(hasher: PasswordHasher, limits: &Passwords, metrics: Arc<Metrics>) -> Self {
        Self {
            places: limits.queue,
            shared: Arc::new(Shared {
                hasher,
                workers: Semaphore::new(limits.workers),
                waiting: AtomicUsize::new(0),
                queue: limits.queue,
                metrics,
            }),
        }
    }

    /// A handle that may use every waiting place, or only the half that is for everyone.
    #[must_use]
    pub(super) fn with_priority(&self, reserved: bool) -> Self {
        let queue = self.shared.queue;
        Self {
            shared: Arc::clone(&self.shared),
            places: if reserved { queue } else { queue.div_ceil(2) },
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&PasswordHasher) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let waiting = Waiting::enter(&self.shared, self.places)?;
        let shared = Arc::clone(&self.shared);
        let worker = self
            .shared
            .workers
            .acquire()
            .await
            .map_err(|_| Error::Busy)?;
        drop(waiting);
        // The place is given back when the thread is done, even if nobody waits for it any more.
        worker.forget();
        let task = tokio::task::spawn_blocking(move || {
            let _running = Running::begin(&shared);
            work(&shared.hasher)
        });
        task.await
            .map_err(|error| Error::Password(error.to_string()))?
    }
}

#[async_trait]
impl PasswordWork for Pool {
    async fn hash(&self, password: SecretText, salts: Salts) -> Result<HashedPassword, Error> {
        self.run(move |hasher| hasher.hash(&password, &salts)).await
    }

    async fn verify(&self, password: SecretText, phc: PhcString) -> Result<bool, Error> {
        self.run(move |hasher| hasher.verify(&password, &phc)).await
    }

    fn is_outdated(&self, phc: &PhcString) -> bool {
        self.shared.hasher.is_outdated(phc)
    }
}

/// One place in the queue.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn enter(shared: &'a Shared, places: usize) -> Result<Self, Error> {
        let entered = shared
            .waiting
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |waiting| {
                (waiting < places).then(|| waiting.saturating_add(1))
            });
        if entered.is_err() {
            return Err(Error::Busy);
        }
        shared.metrics.password_waiting.inc();
        Ok(Self(shared))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
        self.0.metrics.password_waiting.dec();
    }
}

/// One worker that is busy.
struct Running(Arc<Shared>);

impl Running {
    fn begin(shared: &Arc<Shared>) -> Self {
        shared.metrics.password_running.inc();
        Self(Arc::clone(shared))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.workers.add_permits(1);
        self.0.metrics.password_running.dec();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

#[cfg(test)]
pub(super) mod tests;
