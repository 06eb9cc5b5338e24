//! Claims about waiting until gateways have a change.

use std::future;

use super::*;

/// Waits in a task of its own, with time that stands still.
fn waiting(
    fleet: &Fleet,
    change: &Change,
    longest: Duration,
) -> tokio::task::JoinHandle<Option<Propagation>> {
    let (gateways, change) = (Arc::clone(&fleet.gateways), change.clone());
    let clock = Arc::clone(&fleet.world.env.clock);
    tokio::spawn(async move {
        let never = future::pending();
        wait(&gateways, &change, &*clock, longest, never).await
    })
}

async fn others_go_on() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_waits_is_answered_when_the_last_gateway_has_the_change() {
    let mut fleet = Fleet::new().await;
    fleet.says(1, has(1)).await;
    fleet.says(2, has(1)).await;
    let change = fleet.change().await;
    let waiting = waiting(&fleet, &change, MAX_WAIT);
    others_go_on().await;
    fleet.says(2, has(2)).await;
    others_go_on().await;
    assert!(!waiting.is_finished());
    fleet.passes(SECOND);
    fleet.says(1, has(2)).await;
    let receipt = waiting.await.unwrap().unwrap();
    assert_eq!((receipt.applied, receipt.of), (2, 2));
    assert_eq!(receipt.after_ms, Some(1000));
}

#[tokio::test]
async fn nobody_waits_for_a_gateway_that_is_silent() {
    let mut fleet = Fleet::new().await;
    fleet.says(1, has(1)).await;
    fleet.passes(MAX_WAIT + Duration::from_secs(10));
    fleet.says(2, has(1)).await;
    let change = fleet.change().await;
    fleet.says(2, has(2)).await;
    let receipt = waiting(&fleet, &change, MAX_WAIT).await.unwrap().unwrap();
    assert_eq!((receipt.applied, receipt.of), (1, 2));
    assert_eq!(receipt.gateways[0].state, State::Silent);
}

#[tokio::test]
async fn a_wait_ends_with_what_is_known_by_then() {
    let mut fleet = Fleet::new().await;
    fleet.says(1, has(1)).await;
    let change = fleet.change().await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let receipt = waiting(&fleet, &change, 100 * MAX_WAIT).await.unwrap();
    let receipt = receipt.unwrap();
    assert_eq!((receipt.applied, receipt.of), (0, 1));
    let waited = began.elapsed();
    assert!(
        (MAX_WAIT..MAX_WAIT + SECOND).contains(&waited),
        "{waited:?}"
    );

    let clock = &*fleet.world.env.clock;
    let stopped = wait(&fleet.gateways, &change, clock, MAX_WAIT, future::ready(()));
    assert_eq!(stopped.await.unwrap().applied, 0);
    assert_eq!(began.elapsed(), waited, "the registry stops");
}

#[tokio::test]
async fn those_who_wait_are_bounded_and_who_leaves_makes_room() {
    let mut fleet = Fleet::new().await;
    fleet.says(1, has(1)).await;
    let change = fleet.change().await;
    let first = waiting(&fleet, &change, MAX_WAIT);
    let second = waiting(&fleet, &change, MAX_WAIT);
    others_go_on().await;
    let third = waiting(&fleet, &change, MAX_WAIT).await.unwrap();
    assert_eq!(third, None, "it is answered at once");
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let fourth = waiting(&fleet, &change, MAX_WAIT);
    others_go_on().await;
    fleet.says(1, has(2)).await;
    for waited in [second, fourth] {
        assert_eq!(waited.await.unwrap().unwrap().applied, 1);
    }
}
