//! Makes the faults.

use std::{fs, path::Path, process::Command, sync::atomic::Ordering, time::Duration};

use e2e::{fault::MANY, feed_proxy::Conduct, http::answer::Answer};

use crate::{
    faults::{Kind, Moment, Span},
    judge::VM_TRAPPED,
    plan::{Plan, Step},
    random::Random,
    tally::Violation,
    world::World,
};

/// Where the copy of the database lies until it is put back.
const COPY: &str = "earlier-data";
/// What Envoy logs when a VM traps on an answer of the registry.
const TRAPPED_ON_ANSWER: &str = "Function: proxy_on_http_call_response failed";
/// How long a trap for the leader is set beyond its time, so that a leader falls into it.
const TRAP_PATIENCE: Duration = Duration::from_secs(10);
/// The part of the run, in percent, after which the database is copied, and after which the copy is put back.
const COPIED_AT: u32 = 35;
const ROLLED_BACK_AT: u32 = 45;

/// Makes one fault after the other until `length` is over; once in between, the database is rolled back.
pub(crate) async fn run(world: &World, length: Duration) {
    let mut random = Random::for_part(world.seed, "faults", 0);
    let mut copied = None;
    let mut rolled_back = false;
    for step in Plan::new(world.seed) {
        rest(world, step.calm, length).await;
        let now = world.now();
        if world.is_over() || now >= length {
            return;
        }
        if copied.is_none() && now > length * COPIED_AT / 100 {
            copied = Some(copy_database(world).await);
            continue;
        }
        if let (Some(copied), false) = (copied, rolled_back)
            && now > length * ROLLED_BACK_AT / 100
        {
            roll_back(world, copied).await;
            rolled_back = true;
            continue;
        }
        make_all(world, &step, &mut random).await;
    }
}

async fn rest(world: &World, calm: Duration, length: Duration) {
    let until = (world.now() + calm).min(length);
    while world.now() < until && !world.is_over() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn make_all(world: &World, step: &Step, random: &mut Random) {
    let mut own = random.clone();
    // Moves on, so that the next step chooses otherwise.
    random.below(2);
    match step.kinds[..] {
        [first, second] => {
            let mut other = Random::for_part(world.seed, "second", own.below(1 << 20));
            tokio::join!(
                make(world, first, step.lasts, &mut own),
                make(world, second, step.lasts, &mut other),
            );
        }
        [first] => make(world, first, step.lasts, &mut own).await,
        _ => {}
    }
}

async fn make(world: &World, kind: Kind, lasts: Duration, random: &mut Random) {
    let number = world.faults().begin(kind, world.now());
    match kind {
        Kind::WorkerTraps => trap_workers(world, lasts, random).await,
        Kind::LeaderTraps => trap_leader(world, lasts).await,
        Kind::ListenerUpdate => {
            let mut listeners = world.listeners.lock().await;
            listeners.update();
            listeners.settle(&world.envoy).await;
        }
        Kind::SecondListener => toggle_second(world).await,
        Kind::AllListeners => remove_listeners(world, lasts).await,
        Kind::AnotherModule => {
            let mut listeners = world.listeners.lock().await;
            listeners.replace_module(&world.folder);
            listeners.settle(&world.envoy).await;
        }
        Kind::LateAnswers => {
            let late = random.between_ms(100, 1000);
            conduct(world, Conduct::Slow(late), lasts).await;
        }
        // Longer than a poll is waited for, now and then.
        Kind::HeldAnswers => conduct(world, Conduct::Holding, lasts * 4).await,
        Kind::CutAnswers => conduct(world, Conduct::Cut, lasts).await,
        Kind::ClosedConnections => conduct(world, Conduct::Resetting, lasts).await,
        Kind::ErrorAnswers => {
            let choices = [
                Conduct::Failing(500),
                Conduct::Failing(503),
                Conduct::Failing(429),
                Conduct::Failing(200),
                Conduct::Failing(401),
                Conduct::Garbled,
            ];
            let chosen = random.choose(&choices).copied();
            conduct(world, chosen.unwrap_or(Conduct::Garbled), lasts).await;
        }
        Kind::LostAnswers => conduct(world, Conduct::Losing, lasts).await,
        Kind::GatewayFrozen => {
            world.signal_envoy("STOP");
            tokio::time::sleep(lasts).await;
            world.signal_envoy("CONT");
        }
        Kind::RegistryFrozen => {
            let mut registry = world.registry.lock().await;
            registry.process().signal("STOP");
            tokio::time::sleep(lasts).await;
            registry.process().signal("CONT");
        }
        Kind::RegistryKilled => {
            let mut registry = world.registry.lock().await;
            registry.kill();
            tokio::time::sleep(lasts).await;
            registry.restart().await;
        }
        Kind::DatabaseRolledBack => {}
    }
    world.faults().end(number, world.now());
}

async fn conduct(world: &World, conduct: Conduct, lasts: Duration) {
    world.proxy.conduct(conduct);
    tokio::time::sleep(lasts).await;
    world.proxy.conduct(Conduct::Honest);
}

/// A few requests that trap the worker they reach.
async fn trap_workers(world: &World, lasts: Duration, random: &mut Random) {
    let traps = 1 + random.below(4);
    for _ in 0..traps {
        let mut call = world.client.get("/");
        for number in 0..MANY {
            call = call.header(&format!("x-{number}"), "1");
        }
        let from = world.now();
        let answer = call.try_send().await;
        let until = world.now();
        match answer {
            Ok(answer) if shows_a_trap(&answer) => world.tally().workers_trapped += 1,
            other => {
                let faults = world.faults().describe(Span { from, until });
                world.tally().violate(Violation {
                    span: Span { from, until },
                    request: "one that traps the worker".to_owned(),
                    expected: "503 of Envoy: a VM that traps fails closed".to_owned(),
                    got: format!("{other:?}"),
                    faults,
                });
            }
        }
        tokio::time::sleep(lasts / 4).await;
    }
}

/// Whether Envoy itself answers for a VM that has trapped. The filter's own 503 says something else.
fn shows_a_trap(answer: &Answer) -> bool {
    answer.status == 503
        && answer.header("x-details") == VM_TRAPPED
        && !answer.headers.contains_key("retry-after")
        && answer.body.is_empty()
}

/// Answers of the registry that trap whoever follows the feed, until one has: so long as nobody changes a key there is
/// no answer.
async fn trap_leader(world: &World, lasts: Duration) {
    let before = leaders_trapped(world);
    world.proxy.conduct(Conduct::ManyHeaders);
    tokio::time::sleep(lasts).await;
    let given_up = world.now() + TRAP_PATIENCE;
    while leaders_trapped(world) == before && world.now() < given_up {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.proxy.conduct(Conduct::Honest);
    world.tally().leaders_trapped += leaders_trapped(world) - before;
}

/// How many VMs have trapped on an answer, as Envoy's log says.
fn leaders_trapped(world: &World) -> u64 {
    let log = world.envoy.log();
    log.matches(TRAPPED_ON_ANSWER).count() as u64
}

async fn toggle_second(world: &World) {
    let mut listeners = world.listeners.lock().await;
    world.second_is_there.store(false, Ordering::SeqCst);
    let is_there = listeners.toggle_second();
    listeners.settle(&world.envoy).await;
    world.second_is_there.store(is_there, Ordering::SeqCst);
}

async fn remove_listeners(world: &World, lasts: Duration) {
    let mut listeners = world.listeners.lock().await;
    listeners.remove_all();
    listeners.settle(&world.envoy).await;
    tokio::time::sleep(lasts).await;
    listeners.put();
    listeners.settle(&world.envoy).await;
}

/// Copies the database while nobody changes it, and gives the time of the copy.
async fn copy_database(world: &World) -> Moment {
    let _nobody_changes = world.changes.write().await;
    let mut registry = world.registry.lock().await;
    let number = world.faults().begin(Kind::RegistryKilled, world.now());
    registry.kill();
    copy(&registry.settings().data, &world.folder.join(COPY));
    let copied = world.now();
    registry.restart().await;
    world.faults().end(number, world.now());
    copied
}

/// Puts the copy back. What happened to a key since is lost with it, so nothing more is expected of such keys.
async fn roll_back(world: &World, copied: Moment) {
    let _nobody_changes = world.changes.write().await;
    let mut registry = world.registry.lock().await;
    let number = world.faults().begin(Kind::DatabaseRolledBack, world.now());
    registry.kill();
    let data = registry.settings().data.clone();
    fs::remove_dir_all(&data).expect("the data folder");
    copy(&world.folder.join(COPY), &data);
    let left_out = world.pool.leave_out_changed_since(copied);
    world.tally().keys_left_out += left_out;
    registry.restart().await;
    world.faults().end(number, world.now());
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(
        copied.is_ok_and(|status| status.success()),
        "{} is copied",
        from.display()
    );
}
