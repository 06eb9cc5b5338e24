//! What many gateways ask for at once: made by the first, shared by all, and kept within a bound.
//!
//! Everything kept says at which revision of the log it was read. Who asks says which revision it must not be older than.
//! That is the only rule, and it is never a question of time.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Mutex as AsyncMutex;

use crate::error::Error;

/// What keeping a value takes beyond its bytes, roughly.
const OVERHEAD: usize = 512;

/// Something read from the log or at it. Cheap to clone.
pub(super) trait Reading: Clone {
    /// The revision at which it was read: it reflects everything up to there.
    fn revision(&self) -> u64;
    /// How many bytes it keeps in memory.
    fn bytes(&self) -> usize;
}

/// Readings by what was asked. What was not asked for longest goes first when there are too many.
pub(super) struct Shared<K, V> {
    bound: usize,
    state: Mutex<State<K, V>>,
}

struct State<K, V> {
    kept: HashMap<K, Kept<V>>,
    /// By when they were last asked for.
    order: BTreeMap<u64, K>,
    asked: u64,
    bytes: usize,
    /// Of what is being read, those who want it.
    queues: HashMap<K, Queue>,
}

/// Those who want the same: forgotten with the last of them.
#[derive(Default)]
struct Queue {
    members: usize,
    reading: Arc<Turns>,
}

/// Whose turn it is to read.
#[derive(Default)]
struct Turns {
    lock: AsyncMutex<()>,
    /// How many readings failed.
    failures: AtomicU64,
}

struct Kept<V> {
    value: V,
    asked: u64,
}

impl<K: Clone + Eq + Hash, V: Reading> Shared<K, V> {
    /// Keeps this many bytes at most.
    pub(super) fn new(bound: usize) -> Self {
        Self {
            bound,
            state: Mutex::new(State {
                kept: HashMap::new(),
                order: BTreeMap::new(),
                asked: 0,
                bytes: 0,
                queues: HashMap::new(),
            }),
        }
    }

    /// What is kept under the key, if it was read at `revision` or later; else what `read` reads, which must be so. Of
    /// those who ask for the same at the same time one reads, and if it gives up, the next. If it fails, so do all who waited
    /// for it: to let each try would keep them waiting one after another for what is out of reach.
    pub(super) async fn get(
        &self,
        key: &K,
        revision: u64,
        read: impl Future<Output = Result<V, Error>> + Send,
    ) -> Result<V, Error> {
        if let Some(value) = self.lock().find(key, revision) {
            return Ok(value);
        }
        let member = Member::new(self, key);
        let turns = &member.turns;
        let failures = turns.failures.load(Ordering::SeqCst);
        let _mine = turns.lock.lock().await;
        if let Some(value) = self.lock().find(key, revision) {
            return Ok(value);
        }
        if turns.failures.load(Ordering::SeqCst) > failures {
            return Err(Error::ReadFailed);
        }
        let value = read.await.inspect_err(|_| {
            turns.failures.fetch_add(1, Ordering::SeqCst);
        })?;
        self.lock().keep(key, value.clone(), self.bound);
        Ok(value)
    }

    fn lock(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }
}

impl<K: Clone + Eq + Hash, V: Reading> State<K, V> {
    fn find(&mut self, key: &K, revision: u64) -> Option<V> {
        let kept = self.kept.get_mut(key)?;
        if kept.value.revision() < revision {
            return None;
        }
        self.order.remove(&kept.asked);
        self.asked = self.asked.saturating_add(1);
        kept.asked = self.asked;
        self.order.insert(self.asked, key.clone());
        Some(kept.value.clone())
    }

    /// In place of an older reading, never of a newer one. What is heavier than the bound would make room for nothing else.
    fn keep(&mut self, key: &K, value: V, bound: usize) {
        let known = self.kept.get(key).map(|kept| kept.value.revision());
        if known.is_some_and(|known| known > value.revision()) {
            return;
        }
        self.forget(key);
        if weight(&value) > bound {
            return;
        }
        self.asked = self.asked.saturating_add(1);
        self.bytes = self.bytes.saturating_add(weight(&value));
        let asked = self.asked;
        self.order.insert(asked, key.clone());
        self.kept.insert(key.clone(), Kept { value, asked });
        while self.bytes > bound {
            let Some(oldest) = self.order.values().next().cloned() else {
                return;
            };
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, key: &K) {
        if let Some(kept) = self.kept.remove(key) {
            self.order.remove(&kept.asked);
            self.bytes = self.bytes.saturating_sub(weight(&kept.value));
        }
    }
}

fn weight(value: &impl Reading) -> usize {
    value.bytes().saturating_add(OVERHEAD)
}

/// A place in a queue.
struct Member<'a, K: Clone + Eq + Hash, V: Reading> {
    shared: &'a Shared<K, V>,
    key: &'a K,
    turns: Arc<Turns>,
}

impl<'a, K: Clone + Eq + Hash, V: Reading> Member<'a, K, V> {
    fn new(shared: &'a Shared<K, V>, key: &'a K) -> Self {
        let mut state = shared.lock();
        let queue = state.queues.entry(key.clone()).or_default();
        queue.members = queue.members.saturating_add(1);
        let turns = Arc::clone(&queue.reading);
        drop(state);
        Self { shared, key, turns }
    }
}

impl<K: Clone + Eq + Hash, V: Reading> Drop for Member<'_, K, V> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let Some(queue) = state.queues.get_mut(self.key) else {
            return;
        };
        queue.members = queue.members.saturating_sub(1);
        if queue.members == 0 {
            state.queues.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests;
