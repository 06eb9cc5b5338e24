//! The keys of a run.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use crate::{faults::Moment, history::History, random::Random};

/// Keys that are valid no more, of which so many are still asked for.
const GONE: usize = 200;

/// One key and all that is known of it.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its number in the run.
    pub(crate) number: usize,
    /// The value that is presented.
    pub(crate) secret: String,
    /// The application that it belongs to.
    pub(crate) owner: String,
    history: Mutex<History>,
    is_left_out: AtomicBool,
}

impl Key {
    /// What happened to it.
    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().expect("nobody panicked")
    }

    /// Nothing is expected of it any more: the database that knew it was rolled back.
    pub(crate) fn leave_out(&self) {
        self.is_left_out.store(true, Ordering::SeqCst);
    }

    /// Whether nothing is expected of it.
    pub(crate) fn is_left_out(&self) -> bool {
        self.is_left_out.load(Ordering::SeqCst)
    }
}

/// All keys that are asked for.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    made: AtomicUsize,
    steady: RwLock<Vec<Arc<Key>>>,
    changing: RwLock<Vec<Arc<Key>>>,
    gone: RwLock<VecDeque<Arc<Key>>>,
}

impl Pool {
    /// A key that the registry has made: asked at one time, answered at the other.
    pub(crate) fn key(&self, secret: String, owner: &str, sent: Moment, done: Moment) -> Arc<Key> {
        let mut history = History::new();
        let made = history.begin(true, sent);
        history.acknowledge(made, done);
        Arc::new(Key {
            number: self.made.fetch_add(1, Ordering::SeqCst),
            secret,
            owner: owner.to_owned(),
            history: Mutex::new(history),
            is_left_out: AtomicBool::new(false),
        })
    }

    /// How many there were.
    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    /// Asks for a key that lives as long as the run.
    pub(crate) fn add_steady(&self, key: &Arc<Key>) {
        write(&self.steady).push(Arc::clone(key));
    }

    /// Asks for a key that will change.
    pub(crate) fn add_changing(&self, key: &Arc<Key>) {
        write(&self.changing).push(Arc::clone(key));
    }

    /// Asks no more for a key of which it is not known what happened to it.
    pub(crate) fn forget(&self, key: &Arc<Key>) {
        write(&self.changing).retain(|known| known.number != key.number);
    }

    /// Goes on asking for a key that is valid no more.
    pub(crate) fn bury(&self, key: &Arc<Key>) {
        self.forget(key);
        let mut gone = write(&self.gone);
        gone.push_back(Arc::clone(key));
        if gone.len() > GONE {
            gone.pop_front();
        }
    }

    /// Leaves out every key that changed since, and says how many.
    pub(crate) fn leave_out_changed_since(&self, moment: Moment) -> usize {
        let mut left_out = 0;
        let mut stays = |key: &Arc<Key>| {
            let changed = key.history().may_have_changed_since(moment);
            if changed {
                key.leave_out();
                left_out += 1;
            }
            !changed
        };
        write(&self.changing).retain(&mut stays);
        write(&self.gone).retain(&mut stays);
        left_out
    }

    /// Some key that lives as long as the run.
    pub(crate) fn steady(&self, random: &mut Random) -> Option<Arc<Key>> {
        random.choose(&read(&self.steady)).cloned()
    }

    /// Some key that changes.
    pub(crate) fn changing(&self, random: &mut Random) -> Option<Arc<Key>> {
        random.choose(&read(&self.changing)).cloned()
    }

    /// Some key that is valid no more.
    pub(crate) fn gone(&self, random: &mut Random) -> Option<Arc<Key>> {
        let gone = read(&self.gone);
        (!gone.is_empty()).then(|| Arc::clone(&gone[random.below(gone.len())]))
    }

    /// Every key that is asked for.
    pub(crate) fn all(&self) -> Vec<Arc<Key>> {
        let mut all = read(&self.steady).clone();
        all.extend(read(&self.changing).iter().cloned());
        all.extend(read(&self.gone).iter().cloned());
        all
    }
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().expect("nobody panicked")
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().expect("nobody panicked")
}
