//! Whom a commit wakes: those who follow a group that it changed something for.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use crate::ids::GroupId;

/// The log's last revision, and for each group that somebody follows the last one that changed something for it.
pub(super) struct Heads {
    revision: AtomicU64,
    followed: Mutex<HashMap<GroupId, watch::Sender<u64>>>,
}

impl Heads {
    pub(super) fn new(revision: u64) -> Self {
        Self {
            revision: AtomicU64::new(revision),
            followed: Mutex::default(),
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
