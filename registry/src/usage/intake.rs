//! Takes in what gateways report, many reports in one transaction.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use filter_core::usage::UsageBatch;
use tokio::sync::oneshot;

use super::apply::{Submission, Tally, apply};
use crate::{
    environment::Environment,
    error::{Error, InvalidField},
    ids::GroupId,
    telemetry::Metrics,
};

/// For how long reports are gathered before they are written together: each waits for its answer meanwhile, and those that
/// gateways send at one moment come within that.
const GATHER: Duration = Duration::from_millis(20);
/// Uses at most in one transaction, unless one report has more, so that others can write in between.
const TRANSACTION_USES: usize = 8_000;
/// Uses that may wait to be written; who comes with more is to come again.
const WAITING_USES: usize = if cfg!(test) { 2_000 } else { 200_000 };
/// What the store can hold.
const MAX_SEQUENCE: u64 = i64::MAX.unsigned_abs();

/// Where reports wait for their transaction. One for each process of the registry.
pub struct Intake {
    environment: Environment,
    metrics: Arc<Metrics>,
    waiting: Mutex<Waiting>,
    #[cfg(test)]
    pub(super) transactions: std::sync::atomic::AtomicUsize,
}

#[derive(Default)]
struct Waiting {
    queue: VecDeque<Waiter>,
    /// The weight of all that is in the queue.
    uses: usize,
    /// Whether somebody writes what is in the queue.
    is_served: bool,
}

struct Waiter {
    submission: Submission,
    kept: oneshot::Sender<bool>,
}

impl Waiter {
    /// An empty batch is work, too.
    fn weight(&self) -> usize {
        let batches = &self.submission.batches;
        batches.iter().fold(0, |sum, batch| {
            sum.saturating_add(batch.uses.len()).saturating_add(1)
        })
    }
}

impl Intake {
    /// With nothing in it.
    #[must_use]
    pub fn new(environment: Environment, metrics: Arc<Metrics>) -> Self {
        Self {
            environment,
            metrics,
            waiting: Mutex::default(),
            #[cfg(test)]
            transactions: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    /// Answers when the batches are applied and on the disk. What was applied before is not applied again.
    pub async fn submit(
        self: &Arc<Self>,
        group: GroupId,
        instance: [u8; 16],
        batches: Vec<UsageBatch>,
    ) -> Result<(), Error> {
        if batches.is_empty() {
            return Ok(());
        }
        if batches.iter().any(|batch| batch.sequence > MAX_SEQUENCE) {
            let message = format!("each sequence must be at most {MAX_SEQUENCE}");
            return Err(InvalidField::new("usage", message).into());
        }
        let submission = Submission {
            group,
            instance,
            batches,
        };
        let kept = self.enqueue(submission)?;
        if kept.await.unwrap_or(false) {
            Ok(())
        } else {
            Err(Error::UsageNotKept)
        }
    }

    fn enqueue(self: &Arc<Self>, submission: Submission) -> Result<oneshot::Receiver<bool>, Error> {
        let (kept, answer) = oneshot::channel();
        let waiter = Waiter { submission, kept };
        let mut waiting = self.lock();
        let uses = waiting.uses.saturating_add(waiter.weight());
        if uses > WAITING_USES && !waiting.queue.is_empty() {
            return Err(Error::UsageNotKept);
        }
        waiting.uses = uses;
        waiting.queue.push_back(waiter);
        if !waiting.is_served {
            waiting.is_served = true;
            // In a task of its own: a gateway that leaves does not take the others' reports with it.
            tokio::spawn(Serving(Arc::clone(self)).run());
        }
        Ok(answer)
    }

    /// The next ones to be written together; none ends the serving.
    fn take(&self) -> Vec<Waiter> {
        let mut waiting = self.lock();
        let mut taken = Vec::new();
        let mut uses: usize = 0;
        while let Some(next) = waiting.queue.front() {
            let weight = next.weight();
            if !taken.is_empty() && uses.saturating_add(weight) > TRANSACTION_USES {
                break;
            }
            uses = uses.saturating_add(weight);
            taken.extend(waiting.queue.pop_front());
        }
        waiting.uses = waiting.uses.saturating_sub(uses);
        waiting.is_served = !taken.is_empty();
        taken
    }

    async fn write(&self, taken: Vec<Waiter>) {
        #[cfg(test)]
        self.transactions
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let all: Vec<&Submission> = taken.iter().map(|waiter| &waiter.submission).collect();
        // Whatever is wrong is wrong with the database: what came in was checked.
        let kept = match apply(&self.environment, &all).await {
            Ok(tally) => {
                self.count(tally);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "reported usage could not be kept");
                false
            }
        };
        for waiter in taken {
            // Who does not wait any more sends it again, and it will be known.
            let _ = waiter.kept.send(kept);
        }
    }

    fn count(&self, tally: Tally) {
        self.metrics.usage_reported("allowed", tally.allowed);
        self.metrics.usage_reported("forbidden", tally.forbidden);
        self.metrics.usage_reported("refused", tally.refused);
        self.metrics.usage_lost.inc_by(tally.lost);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every change is complete before the next can panic, so a poisoned state is a good one.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what waits until nothing does. However it ends, another can begin.
struct Serving(Arc<Intake>);

impl Serving {
    async fn run(self) {
        loop {
            // Others that report meanwhile share the transaction: a thousand gateways need not be a thousand commits.
            tokio::time::sleep(GATHER).await;
            let taken = self.0.take();
            if taken.is_empty() {
                return;
            }
            self.0.write(taken).await;
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().is_served = false;
        }
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Intake")
    }
}
