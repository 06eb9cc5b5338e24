//! Adds to a journal from a thread of its own: what several callers revoke at the same time is one write to the disk.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{JournalError, Revocation, file::Appender};
use crate::{secrets::Keys, store::StoreError};

/// After a write that failed, it is tried again so often.
const RETRY: Duration = Duration::from_secs(1);
/// Callers at most whose revocations are one write.
const MOST_TOGETHER: usize = 1024;

/// A journal that is being kept.
pub struct Journal {
    /// `None` once it is closed.
    running: Mutex<Option<Running>>,
}

struct Running {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

struct Job {
    revocations: Vec<Revocation>,
    done: oneshot::Sender<()>,
}

impl Journal {
    pub(super) fn new(
        appender: Appender,
        keys: Arc<Keys>,
        path: &std::path::Path,
    ) -> Result<Self, JournalError> {
        let (jobs, receiver) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || keep(appender, &keys, &receiver))
            .map_err(|source| JournalError::file("begin to write", path, source))?;
        let running = Mutex::new(Some(Running { jobs, thread }));
        Ok(Self { running })
    }

    /// Writes down what was revoked. Once this returns it is on the disk. An error does not mean that it never will be: it
    /// is tried until it is written, or the process ends, and then the next start writes it.
    pub async fn append(&self, revocations: Vec<Revocation>) -> Result<(), StoreError> {
        if revocations.is_empty() {
            return Ok(());
        }
        let (done, written) = oneshot::channel();
        let job = Job { revocations, done };
        self.send(job).ok_or(StoreError::NotJournaled)?;
        written.await.map_err(|_| StoreError::NotJournaled)
    }

    fn send(&self, job: Job) -> Option<()> {
        // It is only ever taken away, so a poisoned state is a good one.
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref()?.jobs.send(job).ok()
    }

    /// Waits for what is still to be written, and lets the file go: another registry may keep it from then on.
    pub(crate) async fn close(&self) {
        let running = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.take()
        };
        if let Some(Running { jobs, thread }) = running {
            drop(jobs);
            let ended = tokio::task::spawn_blocking(move || thread.join().is_ok()).await;
            if !ended.unwrap_or(false) {
                tracing::error!("the journal of revocations did not come to its end");
            }
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Journal")
    }
}

/// Until nobody can revoke anything any more.
fn keep(mut appender: Appender, keys: &Keys, jobs: &Receiver<Job>) {
    // What could not be written yet; nobody waits for it any more.
    let mut owed: Vec<Revocation> = Vec::new();
    loop {
        let first = if owed.is_empty() {
            jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            jobs.recv_timeout(RETRY)
        };
        let first = match first {
            Ok(job) => Some(job),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) if owed.is_empty() => return,
            Err(RecvTimeoutError::Disconnected) => {
                let _ = appender.append(keys, &owed);
                return;
            }
        };
        let mut waiting = Vec::new();
        for job in first.into_iter().chain(jobs.try_iter().take(MOST_TOGETHER)) {
            owed.extend(job.revocations);
            waiting.push(job.done);
        }
        match appender.append(keys, &owed) {
            Ok(()) => {
                owed.clear();
                for done in waiting {
                    let _ = done.send(());
                }
            }
            // Whoever waits is told by the end of its channel.
            Err(error) => tracing::error!(
                %error,
                owed = owed.len(),
                "revocations could not be written to the journal: trying again"
            ),
        }
    }
}
