//! What many gateways ask for at once: made by the first, shared by all, and kept within a bound.
//!
//! Everything kept says at which revision of the log it was read. Who asks says which revision it must not be older than.
//! That is the only rule, and it is never a question of time.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    /// Whose turn it is to read what is being read.
    turns: HashMap<K, Arc<AsyncMutex<()>>>,
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
                turns: HashMap::new(),
            }),
        }
    }

    /// What is kept under the key, if it was read at `revision` or later; else what `read` reads, which must be so. Of
    /// those who ask for the same at the same time one reads, and if it gives up or fails, the next.
    pub(super) async fn get(
        &self,
        key: &K,
        revision: u64,
        read: impl Future<Output = Result<V, Error>> + Send,
    ) -> Result<V, Error> {
        if let Some(value) = self.lock().find(key, revision) {
            return Ok(value);
        }
        let turn = Turn::new(self, key);
        let _mine = turn.lock.lock().await;
        if let Some(value) = self.lock().find(key, revision) {
            return Ok(value);
        }
        let value = read.await?;
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

    /// In place of an older reading, never of a newer one.
    fn keep(&mut self, key: &K, value: V, bound: usize) {
        let known = self.kept.get(key).map(|kept| kept.value.revision());
        if known.is_some_and(|known| known > value.revision()) {
            return;
        }
        self.forget(key);
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

/// A place in the queue of those who want the same.
struct Turn<'a, K: Clone + Eq + Hash, V: Reading> {
    shared: &'a Shared<K, V>,
    key: &'a K,
    lock: Arc<AsyncMutex<()>>,
}

impl<'a, K: Clone + Eq + Hash, V: Reading> Turn<'a, K, V> {
    fn new(shared: &'a Shared<K, V>, key: &'a K) -> Self {
        let mut state = shared.lock();
        let lock = Arc::clone(state.turns.entry(key.clone()).or_default());
        drop(state);
        Self { shared, key, lock }
    }
}

impl<K: Clone + Eq + Hash, V: Reading> Drop for Turn<'_, K, V> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        // Given back before counting, so that the last one sees that it is the last.
        self.lock = Arc::default();
        let alone = |turn: &Arc<_>| Arc::strong_count(turn) == 1;
        if state.turns.get(self.key).is_some_and(alone) {
            state.turns.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Value(u64, usize);

    impl Reading for Value {
        fn revision(&self) -> u64 {
            self.0
        }

        fn bytes(&self) -> usize {
            self.1
        }
    }

    async fn get(shared: &Shared<u8, Value>, key: u8, needed: u64, value: Value) -> Value {
        shared.get(&key, needed, async { Ok(value) }).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_read_too_early_is_read_again() {
        let shared = Shared::new(10_000);
        assert_eq!(get(&shared, 1, 5, Value(5, 1)).await, Value(5, 1));
        assert_eq!(get(&shared, 1, 4, Value(9, 1)).await, Value(5, 1));
        assert_eq!(get(&shared, 1, 6, Value(7, 1)).await, Value(7, 1));
        assert_eq!(get(&shared, 1, 5, Value(9, 1)).await, Value(7, 1));
    }

    #[tokio::test]
    async fn an_older_reading_never_takes_the_place_of_a_newer_one() {
        let shared: Shared<u8, Value> = Shared::new(10_000);
        shared.lock().keep(&1, Value(9, 1), 10_000);
        shared.lock().keep(&1, Value(5, 1), 10_000);
        assert_eq!(get(&shared, 1, 9, Value(10, 1)).await, Value(9, 1));
    }

    #[tokio::test]
    async fn what_was_not_asked_for_longest_makes_room() {
        let shared = Shared::new(2 * (1000 + OVERHEAD));
        for key in [1, 2] {
            get(&shared, key, 0, Value(1, 1000)).await;
        }
        get(&shared, 1, 0, Value(2, 1000)).await;
        get(&shared, 3, 0, Value(1, 1000)).await;
        assert!(shared.bytes() <= 2 * (1000 + OVERHEAD));
        assert_eq!(get(&shared, 1, 0, Value(3, 1000)).await.0, 1, "kept");
        assert_eq!(get(&shared, 2, 0, Value(3, 1000)).await.0, 3, "read again");
    }

    #[tokio::test]
    async fn of_many_who_ask_at_once_one_reads() {
        let shared = Arc::new(Shared::new(10_000));
        let reads = Arc::new(AtomicUsize::new(0));
        let askers: Vec<_> = (0..100)
            .map(|_| {
                let (shared, reads) = (Arc::clone(&shared), Arc::clone(&reads));
                tokio::spawn(async move {
                    let read = async {
                        tokio::task::yield_now().await;
                        reads.fetch_add(1, Ordering::SeqCst);
                        Ok(Value(1, 1))
                    };
                    shared.get(&1, 1, read).await.unwrap()
                })
            })
            .collect();
        for asker in askers {
            assert_eq!(asker.await.unwrap(), Value(1, 1));
        }
        assert_eq!(reads.load(Ordering::SeqCst), 1);
        assert!(shared.lock().turns.is_empty());
    }

    #[tokio::test]
    async fn when_the_one_who_reads_gives_up_the_next_does() {
        let shared: Arc<Shared<u8, Value>> = Arc::new(Shared::new(10_000));
        let first = {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { shared.get(&1, 1, std::future::pending()).await })
        };
        tokio::task::yield_now().await;
        first.abort();
        assert!(first.await.is_err());
        assert_eq!(get(&shared, 1, 1, Value(1, 1)).await, Value(1, 1));
        assert!(shared.lock().turns.is_empty());
    }
}
