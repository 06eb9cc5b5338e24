//! Waiting for what takes time, without guessing how long.

use std::{
    fmt::Debug,
    future::Future,
    time::{Duration, Instant},
};

/// How long a thing may take before a test gives up on it. Generous: two cores build, boot and test side by side.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Between two looks, so that what is waited for gets the processor. No test relies on its length.
const PAUSE: Duration = Duration::from_millis(10);

/// Asks again until `attempt` is `Ok`, and gives its value.
///
/// # Panics
/// With the last `Err` when [`DEADLINE`] passes.
pub async fn eventually<T, E, A, F>(what: &str, attempt: A) -> T
where
    E: Debug,
    A: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
{
    within(DEADLINE, what, attempt).await
}

/// As [`eventually`], with another deadline.
pub async fn within<T, E, A, F>(deadline: Duration, what: &str, mut attempt: A) -> T
where
    E: Debug,
    A: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
{
    let started = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(last) => assert!(
                started.elapsed() < deadline,
                "not within {deadline:?}: {what}; last: {last:?}"
            ),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
