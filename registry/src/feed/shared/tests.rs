//! Claims about what is kept and shared.

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
    assert!(shared.lock().queues.is_empty());
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
    assert!(shared.lock().queues.is_empty());
}

#[tokio::test]
async fn when_reading_fails_all_who_waited_for_it_are_told_so() {
    let shared: Arc<Shared<u8, Value>> = Arc::new(Shared::new(10_000));
    let reads = Arc::new(AtomicUsize::new(0));
    let askers: Vec<_> = (0..100)
        .map(|_| {
            let (shared, reads) = (Arc::clone(&shared), Arc::clone(&reads));
            tokio::spawn(async move {
                let read = async {
                    tokio::task::yield_now().await;
                    reads.fetch_add(1, Ordering::SeqCst);
                    Err(Error::Busy)
                };
                shared.get(&1, 1, read).await
            })
        })
        .collect();
    let mut waited = 0;
    for asker in askers {
        match asker.await.unwrap() {
            Err(Error::Busy) => {}
            Err(Error::ReadFailed) => waited += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((reads.load(Ordering::SeqCst), waited), (1, 99));
    // Whoever comes later reads.
    assert_eq!(get(&shared, 1, 1, Value(1, 1)).await, Value(1, 1));
    assert!(shared.lock().queues.is_empty());
}

#[tokio::test]
async fn what_is_heavier_than_the_bound_drives_nothing_out() {
    let shared = Shared::new(2000);
    get(&shared, 1, 0, Value(1, 1000)).await;
    get(&shared, 2, 0, Value(1, 5000)).await;
    assert_eq!(get(&shared, 1, 0, Value(2, 1000)).await.0, 1, "kept");
    assert_eq!(get(&shared, 2, 0, Value(2, 5000)).await.0, 2, "read again");
}
