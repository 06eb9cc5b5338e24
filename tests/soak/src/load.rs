//! The requests of many callers.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use e2e::registry::fresh_secret;
use filter_core::key::SecretType;

use crate::{caller::Caller, random::Random, tally::Class, world::World};

/// Callers at a time.
pub(crate) const CALLERS: usize = 12;
/// Between two requests of one caller.
const PAUSE: Duration = Duration::from_millis(30);
/// In how many requests one is the last on its connection.
const CONNECTION_LENGTH: usize = 100;

/// One caller, until the run is over.
pub(crate) async fn call(world: Arc<World>, number: usize) {
    let mut random = Random::for_part(world.seed, "caller", number);
    let mut first = Caller::new(&world, &world.client);
    let mut second = Caller::new(&world, &world.second);
    while !world.is_over() {
        let uses_second = random.percent(20) && world.second_is_there.load(Ordering::SeqCst);
        let caller = if uses_second { &mut second } else { &mut first };
        request(&world, caller, &mut random).await;
        if random.below(CONNECTION_LENGTH) == 0 {
            caller.reconnect();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn request(world: &World, caller: &mut Caller<'_>, random: &mut Random) {
    let (class, key) = match random.below(100) {
        0..30 => (Class::Steady, world.pool.steady(random)),
        30..65 => (Class::Changing, world.pool.changing(random)),
        65..85 => (Class::Gone, world.pool.gone(random)),
        _ => return caller.ask_as_stranger(presented(random)).await,
    };
    if let Some(key) = key {
        caller.ask(class, &key).await;
    }
}

/// What somebody presents who has no key.
fn presented(random: &mut Random) -> Option<String> {
    match random.below(4) {
        0 => None,
        1 => Some("wrong".to_owned()),
        2 => {
            // Of the right shape, but its check does not fit.
            let secret = fresh_secret(SecretType::ApiKey);
            let last = if secret.ends_with('0') { "1" } else { "0" };
            Some(format!("{}{last}", &secret[..secret.len() - 1]))
        }
        _ => Some(fresh_secret(SecretType::ApiKey)),
    }
}
