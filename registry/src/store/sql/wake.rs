//! Whom a commit wakes: those who follow a group that it changed something for.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{ids::GroupId, journal::Revocation};

/// What is known of the log at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The last revision.
    pub(super) revision: u64,
    /// The last revision that anybody read here, and the random id of its changes: a position that is like no other.
    pub(super) read: Option<(u64, [u8; 16])>,
    /// Of which log.
    generation: u64,
}

/// The log's last revision, and for each group that somebody follows the last one that changed something for it.
pub(super) struct Heads {
    revision: AtomicU64,
    followed: Mutex<HashMap<GroupId, watch::Sender<u64>>>,
    /// The last revision that anybody read here, with the random id of its changes.
    read: Mutex<Option<(u64, [u8; 16])>>,
    /// When the log last turned out to be another one.
    anew_at: Mutex<Option<Instant>>,
    /// What was revoked by commits of which it is not known whether they happened.
    doubtful: Mutex<Vec<Revocation>>,
    /// Counts how often the log turned out to be another one.
    generation: watch::Sender<u64>,
    /// Counts when other registries had news of gateways.
    gateways: watch::Sender<u64>,
}

impl Heads {
    pub(super) fn new(revision: u64) -> Self {
        Self {
            revision: AtomicU64::new(revision),
            followed: Mutex::default(),
            read: Mutex::default(),
            anew_at: Mutex::default(),
            doubtful: Mutex::default(),
            generation: watch::Sender::new(0),
            gateways: watch::Sender::new(0),
        }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    pub(super) fn watch(&self, group: GroupId) -> watch::Receiver<u64> {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let known = followed
            .entry(group)
            .or_insert_with(|| watch::Sender::new(0));
        known.subscribe()
    }

    pub(super) fn generation(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Somebody has read the log up to here.
    pub(super) fn has_read(&self, revision: u64, change_id: [u8; 16]) {
        let mut read = self.lock_read();
        if read.is_none_or(|(known, _)| revision > known) {
            *read = Some((revision, change_id));
        }
    }

    pub(super) fn known(&self) -> Known {
        let read = self.lock_read();
        Known {
            revision: self.revision(),
            read: *read,
            generation: *self.generation.borrow(),
        }
    }

    /// The log turned out to be another one than what was known of it, and to end here. False if somebody else found that out
    /// meanwhile.
    pub(super) fn begin_anew(&self, was: &Known, revision: u64, change_id: [u8; 16]) -> bool {
        let mut read = self.lock_read();
        if *self.generation.borrow() != was.generation {
            return false;
        }
        *read = Some((revision, change_id));
        self.revision.store(revision, Ordering::Release);
        *self.lock_anew_at() = Some(Instant::now());
        // Before anybody is woken: who is reads everything anew.
        self.generation
            .send_modify(|count| *count = count.wrapping_add(1));
        drop(read);
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        for known in followed.values() {
            known.send_replace(revision);
        }
        true
    }

    /// Whether what was connected so long ago may be connected with a server that is not the one any more.
    pub(super) fn is_outdated(&self, age: Duration) -> bool {
        self.lock_anew_at()
            .is_some_and(|anew_at| anew_at.elapsed() < age)
    }

    fn lock_read(&self) -> MutexGuard<'_, Option<(u64, [u8; 16])>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_anew_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.anew_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether these things were revoked is not known.
    pub(super) fn doubt(&self, revocations: Vec<Revocation>) {
        self.lock_doubtful().extend(revocations);
    }

    pub(super) fn take_doubtful(&self) -> Vec<Revocation> {
        std::mem::take(&mut *self.lock_doubtful())
    }

    fn lock_doubtful(&self) -> MutexGuard<'_, Vec<Revocation>> {
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gateway_news(&self) -> watch::Receiver<u64> {
        self.gateways.subscribe()
    }

    /// Another registry may have written down what it heard of gateways.
    pub(super) fn gateways_heard(&self) {
        self.gateways
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// After a commit that changed something for these groups.
    pub(super) fn rise(&self, head: u64, groups: BTreeSet<GroupId>) {
        // Before the wake-up: who is woken sees it.
        self.revision.fetch_max(head, Ordering::AcqRel);
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        for group in groups {
            let alive = followed.get(&group).is_some_and(|known| {
                // Commits that end at the same time may arrive here in any order, and each comes twice where the database
                // tells of it as well.
                raise(known, head);
                known.receiver_count() > 0
            });
            if !alive {
                followed.remove(&group);
            }
        }
    }

    /// After something changed for groups that are not known.
    pub(super) fn rise_for_all(&self, head: u64) {
        self.revision.fetch_max(head, Ordering::AcqRel);
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.retain(|_, known| {
            raise(known, head);
            known.receiver_count() > 0
        });
    }
}

fn raise(known: &watch::Sender<u64>, head: u64) {
    known.send_if_modified(|revision| {
        let rises = head > *revision;
        *revision = head.max(*revision);
        rises
    });
}
