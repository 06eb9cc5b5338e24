//! Measures how long a change takes until every worker obeys it.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use crate::{
    bounds::PROPAGATION,
    caller::Caller,
    faults::{Moment, Span},
    pool::Key,
    random::Random,
    tally::{Class, Propagated, Violation},
    world::World,
};

/// Connections that must all see a change. The kernel spreads them over the workers by chance.
const CONNECTIONS: usize = 8;
/// Between two looks of one connection.
const PAUSE: Duration = Duration::from_millis(5);
/// Beyond its deadline, after how long a change is given up.
const GIVEN_UP: Duration = Duration::from_mins(1);

/// Disables and enables one key, again and again, until the run is over.
pub(crate) async fn watch(world: Arc<World>) {
    let mut random = Random::for_part(world.seed, "probe", 0);
    for round in 0_u64.. {
        if world.is_over() {
            return;
        }
        let owner = format!("probe-{round}");
        let made = match world.make_application(&owner).await {
            Some(application) => world.make_key(&application, &owner, "key").await,
            None => None,
        };
        if let Some((credential, key)) = made {
            // Whoever puts back an earlier database finds it there.
            world.pool.add_changing(&key);
            follow(&world, &mut random, &credential, &key).await;
            world.pool.forget(&key);
        } else {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn follow(world: &World, random: &mut Random, credential: &str, key: &Arc<Key>) {
    let path = format!("/v1/credentials/{credential}");
    let mut enabled = true;
    while !world.is_over() && !key.is_left_out() {
        enabled = !enabled;
        let keys = [Arc::clone(key)];
        let body = json!({"enabled": enabled});
        let Some((_, _, done)) = world.set(&keys, enabled, "PATCH", &path, Some(body)).await else {
            return;
        };
        if !obeyed(world, key, enabled, done).await {
            return;
        }
        tokio::time::sleep(random.between_ms(50, 400)).await;
    }
}

/// Waits until every connection sees the change. False when the key is worth no more waiting.
async fn obeyed(world: &World, key: &Arc<Key>, enabled: bool, done: Moment) -> bool {
    let right = if enabled { 200 } else { 401 };
    let mut last_wrong = done;
    for _ in 0..CONNECTIONS {
        let mut caller = Caller::new(world, &world.client);
        while caller.ask(Class::Probe, key).await != Some(right) {
            last_wrong = world.now();
            let due = world.faults().deadline(done);
            if key.is_left_out() || due.is_some_and(|due| world.now() > due + GIVEN_UP) {
                return false;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    note(world, done, last_wrong);
    true
}

/// Counts until the last answer that did not obey: what comes after it only makes sure.
fn note(world: &World, done: Moment, now: Moment) {
    let span = Span {
        from: done,
        until: now,
    };
    let faults = world.faults();
    let late = faults.deadline(done).is_some_and(|due| now > due);
    let around = faults.describe(span);
    let propagated = Propagated {
        at: done,
        took: now.saturating_sub(done),
        after: faults.last_ended(done, now).map(|fault| {
            let ended = fault.ended.unwrap_or_default();
            (fault.kind, now.saturating_sub(ended.max(done)))
        }),
        during: faults.lasts(now),
        disturbed: faults.disturb(span),
    };
    drop(faults);
    let mut tally = world.tally();
    tally.propagated.push(propagated);
    if late {
        tally.violate(Violation {
            span,
            request: "how long a change takes until every worker obeys it".to_owned(),
            expected: format!("{PROPAGATION:?}, and after faults as long as they excuse"),
            got: format!("{:?}", now.saturating_sub(done)),
            faults: around,
        });
    }
}
