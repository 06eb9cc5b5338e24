use std::sync::{
    Arc,
    mpsc::{Sender, channel},
};

use futures_util::{FutureExt as _, future::join_all};

use super::Pool;
use crate::{
    config::{Config, Passwords},
    error::Error,
    password::PasswordHasher,
    telemetry::Metrics,
};

pub(in crate::verification) fn limits(workers: usize, queue: usize) -> Passwords {
    Passwords {
        workers,
        queue,
        ..Config::load(None, []).unwrap().passwords
    }
}

fn pool(workers: usize, queue: usize) -> Pool {
    let limits = limits(workers, queue);
    let hasher = PasswordHasher::cheapest().unwrap();
    Pool::new(hasher, &limits, Arc::new(Metrics::new()))
}

/// Begins work that ends when the result is dropped.
pub(in crate::verification) fn occupy(
    pool: &Pool,
) -> (tokio::task::JoinHandle<Result<(), Error>>, Sender<()>) {
    let (hold, released) = channel::<()>();
    let work = pool.clone();
    let task = tokio::spawn(async move {
        work.run(move |_| {
            let _ = released.recv();
            Ok(())
        })
        .await
    });
    (task, hold)
}

/// How many of so many who come at once are told that it is busy.
async fn turned_away(pool: &Pool, times: usize) -> usize {
    let (task, hold) = occupy(pool);
    tokio::task::yield_now().await;
    let mut all = Box::pin(join_all((0..times).map(|_| pool.run(|_| Ok(())))));
    // Everybody has come before anybody is done.
    assert!(all.as_mut().now_or_never().is_none());
    drop(hold);
    task.await.unwrap().unwrap();
    let results = all.await;
    results
        .iter()
        .filter(|result| matches!(result, Err(Error::Busy)))
        .count()
}

#[tokio::test]
async fn more_than_the_queue_holds_is_busy_at_once() {
    let pool = pool(1, 4);
    assert_eq!(turned_away(&pool, 4).await, 0);
    assert_eq!(turned_away(&pool, 9).await, 5);
    assert_eq!(turned_away(&pool, 4).await, 0, "places are given back");
}

#[tokio::test]
async fn half_of_the_queue_is_kept_for_those_who_proved_themselves() {
    let pool = pool(1, 4);
    assert_eq!(turned_away(&pool.with_priority(false), 4).await, 2);
    assert_eq!(turned_away(&pool.with_priority(true), 4).await, 0);
}

#[tokio::test]
async fn a_place_is_given_back_by_one_who_leaves() {
    let pool = pool(1, 1);
    let (task, hold) = occupy(&pool);
    tokio::task::yield_now().await;
    for _ in 0..20 {
        let mut leaving = Box::pin(pool.run(|_| Ok(())));
        assert!(leaving.as_mut().now_or_never().is_none());
    }
    drop(hold);
    task.await.unwrap().unwrap();
    assert_eq!(turned_away(&pool, 1).await, 0);
}
