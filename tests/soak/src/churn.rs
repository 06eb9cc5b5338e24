//! Whoever makes, disables, enables, rotates and deletes keys all the time.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use crate::{
    pool::Key,
    random::Random,
    registry::{Change, secret},
    world::World,
};

/// How many do so with single keys.
pub(crate) const CHANGERS: usize = 10;
/// Keys of an application that is disabled and enabled as a whole.
const KEYS_OF_APPLICATION: usize = 3;

/// Makes keys of one application, changes them, and deletes them, one after the other.
pub(crate) async fn change_keys(world: Arc<World>, number: usize) {
    let mut random = Random::for_part(world.seed, "changer", number);
    // Another name each time: nobody knows whether a change that failed was done.
    for attempt in 0_u64.. {
        if world.is_over() {
            return;
        }
        let owner = format!("changer-{number}-{attempt}");
        if let Some(application) = world.make_application(&owner).await {
            change_keys_of(&world, &mut random, &application, &owner).await;
        }
        rest(&mut random).await;
    }
}

/// Ends when no key can be made: perhaps the application is lost.
async fn change_keys_of(world: &World, random: &mut Random, application: &str, owner: &str) {
    for round in 0_u64.. {
        if world.is_over() {
            return;
        }
        let name = format!("round-{round}");
        let Some((credential, key)) = world.make_key(application, owner, &name).await else {
            return;
        };
        live(world, random, &credential, key).await;
    }
}

/// The life of one credential. It ends early when nobody knows how it is.
async fn live(world: &World, random: &mut Random, credential: &str, mut key: Arc<Key>) {
    world.pool.add_changing(&key);
    loop {
        rest(random).await;
        if world.is_over() || key.is_left_out() {
            return;
        }
        let next = match random.below(10) {
            0..4 => pause(world, random, credential, key).await,
            4..6 => rotate(world, credential, key).await,
            6..8 => rotate_with_grace(world, random, credential, key).await,
            _ => return delete(world, credential, &key).await,
        };
        match next {
            Some(next) => key = next,
            None => return,
        }
    }
}

/// Disables it and enables it again.
async fn pause(
    world: &World,
    random: &mut Random,
    credential: &str,
    key: Arc<Key>,
) -> Option<Arc<Key>> {
    let path = format!("/v1/credentials/{credential}");
    for enabled in [false, true] {
        let body = json!({"enabled": enabled});
        let done = world
            .set(&[Arc::clone(&key)], enabled, "PATCH", &path, Some(body))
            .await;
        if done.is_none() || key.is_left_out() {
            world.pool.forget(&key);
            return None;
        }
        if !enabled {
            rest(random).await;
        }
    }
    Some(key)
}

/// A new key at once, and the old one is dead.
async fn rotate(world: &World, credential: &str, key: Arc<Key>) -> Option<Arc<Key>> {
    let path = format!("/v1/credentials/{credential}/rotate");
    let body = Some(json!({}));
    let done = world
        .set(&[Arc::clone(&key)], false, "POST", &path, body)
        .await;
    let Some((body, sent, done)) = done else {
        world.pool.forget(&key);
        return None;
    };
    let next = world.pool.key(secret(&body), &key.owner, sent, done);
    world.pool.bury(&key);
    world.pool.add_changing(&next);
    Some(next)
}

/// A new key at once, and the old one for some seconds more.
async fn rotate_with_grace(
    world: &World,
    random: &mut Random,
    credential: &str,
    key: Arc<Key>,
) -> Option<Arc<Key>> {
    let seconds = 1 + random.below(4) as u64;
    let grace = Duration::from_secs(seconds);
    let path = format!("/v1/credentials/{credential}/rotate");
    let body = Some(json!({"grace_period": seconds}));
    let ends = key.history().begin(false, world.now() + grace);
    let Change::Done(body, sent, done) = world.change("POST", &path, body).await else {
        world.pool.forget(&key);
        return None;
    };
    key.history().acknowledge(ends, done + grace);
    let next = world.pool.key(secret(&body), &key.owner, sent, done);
    world.pool.add_changing(&next);
    // Nothing else happens to the credential while both of its keys are valid.
    tokio::time::sleep(grace).await;
    world.pool.bury(&key);
    Some(next)
}

async fn delete(world: &World, credential: &str, key: &Arc<Key>) {
    let path = format!("/v1/credentials/{credential}");
    let done = world
        .set(&[Arc::clone(key)], false, "DELETE", &path, None)
        .await;
    if done.is_some() && !key.is_left_out() {
        world.pool.bury(key);
    } else {
        world.pool.forget(key);
    }
}

/// Disables and enables an application with several keys.
pub(crate) async fn change_application(world: Arc<World>) {
    let mut random = Random::for_part(world.seed, "application", 0);
    for round in 0_u64.. {
        if world.is_over() {
            return;
        }
        let owner = format!("switched-{round}");
        if let Some(application) = world.make_application(&owner).await {
            switch(&world, &mut random, &application, &owner).await;
        } else {
            rest(&mut random).await;
        }
    }
}

async fn switch(world: &World, random: &mut Random, application: &str, owner: &str) {
    let mut keys = Vec::new();
    for number in 0..KEYS_OF_APPLICATION {
        let name = format!("key-{number}");
        if let Some((_, key)) = world.make_key(application, owner, &name).await {
            world.pool.add_changing(&key);
            keys.push(key);
        }
    }
    if keys.is_empty() {
        return rest(random).await;
    }
    let path = format!("/v1/applications/{application}");
    let mut enabled = true;
    loop {
        rest(random).await;
        if world.is_over() || keys.iter().any(|key| key.is_left_out()) {
            break;
        }
        enabled = !enabled;
        let body = json!({"enabled": enabled});
        let done = world.set(&keys, enabled, "PATCH", &path, Some(body)).await;
        if done.is_none() {
            break;
        }
    }
    for key in &keys {
        world.pool.forget(key);
    }
}

/// Between two changes: now and then long enough that nothing is open any more.
async fn rest(random: &mut Random) {
    let longest = if random.percent(50) { 800 } else { 5000 };
    tokio::time::sleep(random.between_ms(100, longest)).await;
}
