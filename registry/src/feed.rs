//! How changes are told to gateways: the log of one group, translated into pages.
//!
//! A change carries no state of its own: it is told as the present state of what changed, or as its removal. Whatever
//! order pages are read in, once the log's end is reached the reader has the present state of everything.
//!
//! # What gateways share
//!
//! A page is read and encoded once, not once for each gateway, and two rules say for whom:
//!
//! - **An answer** to the same cursor of the same group goes to everybody who asks while the log has not gone on past the
//!   revision at which it was read. What it says is then still all there is to say. A commit raises the revision before
//!   it wakes or answers anybody, and so does a reading that sees the commit sooner: whoever knows of a change is answered
//!   by a later reading.
//! - **A stretch of a snapshot** (whole buckets or segments) that was read at revision R goes to every gateway whose
//!   snapshot began at or before R, whatever has happened since. A gateway whose snapshot began at B is told, after
//!   the snapshot, every change after B. The page says that it reflects R, so its parts take the changes after R and skip
//!   those up to R. All changes are in: those up to R by the stretch, those after R by the log, which lies after B
//!   because B is not after R. Had B been after R, the changes between the two would be in neither, and a credential
//!   that was revoked between them would come back: such a stretch is read again.
//!
//! A gateway that begins anew while it serves has been told nothing beyond B, so no stretch takes it back behind what it
//! knows. Neither rule asks for the time, so there is no moment at which something old is served because it is "fresh
//! enough".
//!
//! Stretches are found by epoch, group and version of the digest key as well: another log or key shares nothing with this
//! one. A group's key is in no answer that is kept: it is opened for each that carries it. What is kept lives no longer than
//! the process, and is found only as long as the log goes on from what was read: where a standby takes over that lagged behind,
//! a new generation begins, which the store notices before anything is read over a new connection. Who may read the group's feed is decided before anything is looked up here, and once more
//! before the answer is sent.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit, watch};

use self::{
    answer::{Next, Opening, Switch},
    changes::After,
    cursor::{Cursor, Position},
    shared::Shared,
    snapshot::{Place, Start, Stretch},
    view::View,
};
use crate::{
    environment::Environment,
    error::Error,
    ids::GroupId,
    store::{ReadTransaction, sql::READERS},
};

mod answer;
mod changes;
mod cursor;
mod follow;
mod record;
mod shared;
mod snapshot;
mod view;

#[cfg(test)]
mod tests;

pub use answer::Answer;

/// Bytes at most of stretches that are kept: some 500 pages, within which gateways that start together find what the
/// first of them has read.
const STRETCH_BYTES: usize = 32 * 1024 * 1024;
/// Bytes at most of whole answers that are kept, and as many of first pages. Those of a snapshot share their records with the stretches.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// The feed of every group, shared by all gateways. One for each process.
pub struct Feed {
    env: Environment,
    /// By the log's generation, group and cursor.
    answers: Shared<(u64, GroupId, Cursor), Next>,
    /// First pages of snapshots, one for each generation and group at most.
    openings: Shared<(u64, GroupId), Opening>,
    stretches: Shared<Place, Stretch>,
    /// How often the log has turned out to be another one.
    generation: watch::Receiver<u64>,
    /// The last revision that was seen here, and may have been told, by the generation of the log.
    told: Mutex<(u64, u64)>,
    /// For those who look at the store.
    turns: Semaphore,
}

impl Feed {
    /// A feed that has read nothing yet.
    #[must_use]
    pub fn new(env: Environment) -> Self {
        Self {
            generation: env.store.generation(),
            env,
            answers: Shared::new(ANSWER_BYTES),
            openings: Shared::new(ANSWER_BYTES),
            stretches: Shared::new(STRETCH_BYTES),
            told: Mutex::default(),
            // Who waits for a stretch that another one reads has a connection meanwhile: one is left for everything else.
            turns: Semaphore::new(usize::from(READERS).saturating_sub(1)),
        }
    }

    /// What comes after the cursor. Without one, or when it does not match exactly, a snapshot begins.
    pub async fn page(&self, group: GroupId, after: Option<&str>) -> Result<Answer, Error> {
        // Before anything is read: what is read of another log is kept, if at all, where nobody looks for it.
        let generation = *self.generation.borrow();
        let newest = || self.newest(generation);
        if let Some(cursor) = after.and_then(Cursor::parse) {
            let place = (generation, group, cursor);
            let read = self.read(generation, group, cursor);
            match self.answers.get(&place, newest(), read).await? {
                Next::Page(answer) => return Ok(answer),
                Next::Key(switch) => return switch.answer(&self.env.keys),
                Next::Begin(_) => {}
            }
        }
        let place = (generation, group);
        let open = self.open(generation, group);
        let opening = self.openings.get(&place, newest(), open);
        opening.await?.answer(&self.env.keys)
    }

    /// The last revision that anybody knows of.
    fn newest(&self, generation: u64) -> u64 {
        let told = *self.lock_told();
        let told = if told.0 == generation { told.1 } else { 0 };
        self.env.store.revision().max(told)
    }

    async fn read(&self, generation: u64, group: GroupId, cursor: Cursor) -> Result<Next, Error> {
        let _turn = self.turn().await;
        let mut read = self.env.store.read().await?;
        let read = read.as_mut();
        let view = self.view(read, generation, group).await?;
        let begin = Next::Begin(view.head.revision);
        if !view.recognises(read, &cursor).await? {
            return Ok(begin);
        }
        let start = match cursor.position {
            Position::Changes => {
                let revision = view.head.revision;
                return match changes::read(read, &view, &cursor).await? {
                    After::Changes(page) => Answer::of_changes(&page, revision).map(Next::Page),
                    After::Key { next, more } => {
                        let page = |body| view.page(body, &next, more);
                        let key = view.key.clone();
                        Ok(Next::Key(Switch::new(page, next.revision, key, revision)))
                    }
                    After::TooMuch => Ok(begin),
                };
            }
            Position::Applications(bucket) => Start::Applications(bucket),
            Position::Credentials(segment) => Start::Credentials(segment),
            Position::Issuers => Start::Issuers,
        };
        let page = snapshot::page(self, read, &view, cursor, start).await?;
        Ok(Next::Page(page))
    }

    /// The beginning of a snapshot.
    async fn open(&self, generation: u64, group: GroupId) -> Result<Opening, Error> {
        let _turn = self.turn().await;
        let mut read = self.env.store.read().await?;
        let view = self.view(read.as_mut(), generation, group).await?;
        snapshot::opening(self, read.as_mut(), view).await
    }

    /// Waits until it may look at the store. `None` only if nobody had to wait any more, which never happens.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// From now on nobody is answered with less: the database shows a commit a moment before the store counts it.
    async fn view(
        &self,
        read: &mut dyn ReadTransaction,
        generation: u64,
        group: GroupId,
    ) -> Result<View, Error> {
        let view = View::read(read, generation, group).await?;
        let mut told = self.lock_told();
        // By generation first. One that is over is not told of any more.
        *told = (*told).max((generation, view.head.revision));
        drop(told);
        Ok(view)
    }

    fn lock_told(&self) -> MutexGuard<'_, (u64, u64)> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
    }
}
