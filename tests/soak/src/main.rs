//! A gateway under load and under faults, bounded in time. Every answer is held against what it should be, and against
//! how long a change may take; whatever is chosen by chance follows from a seed.
//!
//! `SOAK_MINUTES` says for how long (10), `SOAK_SEED` gives the seed of an earlier run.

use std::{
    env,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use e2e::{say, stack::Foundation};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

use crate::{
    bounds::PROPAGATION,
    caller::Caller,
    enough::missing,
    faults::Span,
    load::CALLERS,
    random::Random,
    report::{MEMORY_MARGIN, REGISTRY_MARGIN, courses, registry_lives, table},
    tally::{Class, Violation},
    world::World,
};

mod bounds;
mod caller;
mod churn;
mod enough;
mod faults;
mod history;
mod inject;
mod judge;
mod listeners;
mod load;
mod memory;
mod plan;
mod pool;
mod probe;
mod random;
mod registry;
mod report;
mod tally;
mod world;

/// Applications with keys that live as long as the run, and keys of each.
const STEADY: (usize, usize) = (4, 10);
/// Connections of which one surely reaches each worker: the kernel spreads them by chance.
const ALL_WORKERS: usize = 16;
/// Between two lines about how it goes.
const PROGRESS: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    let length = length();
    let seed = seed();
    say(&format!(
        "Soaking for {} s. SOAK_SEED={seed} makes the same choices again.\n",
        length.as_secs()
    ));
    let world = Arc::new(World::start(seed, Foundation::lay().await).await);
    make_steady_keys(&world).await;
    let tasks = start(&world);
    inject::run(&world, length).await;
    let length = length.min(world.now());
    let died = finish(&world, tasks).await;
    check_memory(&world, length);
    summarize(&world, length);
    let failures = failures(&world, died, length);
    let folder = world.folder.clone();
    // Nothing runs any more in a folder that is removed.
    drop(world);
    if failures.is_empty() {
        say(&format!("\nPassed, seed {seed}.\n"));
        // Logs of a run that passed are of no use.
        let _ = std::fs::remove_dir_all(&folder);
        return ExitCode::SUCCESS;
    }
    say(&format!("\nFAILED, seed {seed}:\n"));
    for failure in failures {
        say(&format!("  {failure}\n"));
    }
    say(&format!("Logs: {}\n", folder.display()));
    ExitCode::FAILURE
}

fn summarize(world: &World, length: Duration) {
    let keys = world.pool.made();
    let tally = world.tally();
    say(&table(&tally, &world.faults(), keys, length));
    for (why, times) in &tally.changes_failed {
        say(&format!("  given up {times} times: {why}\n"));
    }
}

/// Why the run has not passed; nothing when it has.
fn failures(world: &World, died: usize, length: Duration) -> Vec<String> {
    let tally = world.tally();
    let mut failures = Vec::new();
    if world.is_interrupted() {
        failures.push("interrupted before its time".to_owned());
    }
    if tally.violated > 0 {
        failures.push(format!("{} violations, told above", tally.violated));
    }
    if died > 0 {
        failures.push(format!("{died} parts of the run died"));
    }
    let missing = missing(&tally, &world.faults(), length);
    failures.extend(
        missing
            .iter()
            .map(|what| format!("did not test enough: {what}")),
    );
    failures
}

fn length() -> Duration {
    let minutes = env::var("SOAK_MINUTES").unwrap_or_else(|_| "10".to_owned());
    let minutes: f64 = minutes.parse().expect("SOAK_MINUTES is a number");
    Duration::from_secs_f64(60.0 * minutes)
}

fn seed() -> u64 {
    match env::var("SOAK_SEED") {
        Ok(given) if !given.is_empty() => given.parse().expect("SOAK_SEED is a number"),
        _ => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.map_or(0, |now| u64::from(now.subsec_nanos()))
        }
    }
}

async fn make_steady_keys(world: &World) {
    for application in 0..STEADY.0 {
        let owner = format!("steady-{application}");
        let id = world
            .make_application(&owner)
            .await
            .expect("an application");
        for number in 0..STEADY.1 {
            let made = world.make_key(&id, &owner, &format!("key-{number}")).await;
            world.pool.add_steady(&made.expect("a key").1);
        }
    }
}

fn start(world: &Arc<World>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for number in 0..CALLERS {
        tasks.spawn(load::call(Arc::clone(world), number));
    }
    for number in 0..churn::CHANGERS {
        tasks.spawn(churn::change_keys(Arc::clone(world), number));
    }
    tasks.spawn(churn::change_application(Arc::clone(world)));
    tasks.spawn(probe::watch(Arc::clone(world)));
    tasks.spawn(memory::watch(Arc::clone(world)));
    tasks.spawn(tell_progress(Arc::clone(world)));
    tasks.spawn(stop_when_told(Arc::clone(world)));
    tasks
}

/// Waits until nothing is excused any more, asks for every key once more on every worker, and ends. Gives how many
/// parts of the run died.
async fn finish(world: &Arc<World>, mut tasks: JoinSet<()>) -> usize {
    let due = world.faults().deadline(world.now()).unwrap_or_default();
    while world.now() < due && !world.is_over() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.end();
    let mut died = 0;
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            say(&format!("a part of the run died: {error}\n"));
            died += 1;
        }
    }
    let mut random = Random::for_part(world.seed, "end", 0);
    let mut keys = world.pool.all();
    random.shuffle(&mut keys);
    for _ in 0..ALL_WORKERS {
        let mut caller = Caller::new(world, &world.client);
        for key in &keys {
            caller.ask(Class::Steady, key).await;
        }
    }
    died
}

fn check_memory(world: &World, length: Duration) {
    let mut tally = world.tally();
    let whole = courses(&tally, length).into_iter();
    let whole = whole.map(|(name, course)| (name, course, MEMORY_MARGIN));
    let lives = registry_lives(&tally).into_iter();
    let lives = lives.map(|life| ("one process of the registry", life, REGISTRY_MARGIN));
    for (name, course, margin) in whole.chain(lives) {
        if !course.is_flat(margin) {
            tally.violate(Violation {
                span: Span {
                    from: length / 4,
                    until: length,
                },
                request: format!("the memory of {name}"),
                expected: format!(
                    "in the last quarter at most a tenth and {margin} kB more than in the second"
                ),
                got: format!("{} kB, then {} kB", course.second, course.last),
                faults: String::new(),
            });
        }
    }
}

/// Notes what is excused right now.
fn look(world: &World) {
    let now = world.now();
    let faults = world.faults();
    let feed_is_due = faults.deadline(now) == Some(now + PROPAGATION);
    let excuses_503 = faults.excuse_503(Span {
        from: now,
        until: now,
    });
    drop(faults);
    world.tally().note_look(feed_is_due, excuses_503);
}

async fn tell_progress(world: Arc<World>) {
    let mut next = PROGRESS;
    while !world.is_over() {
        let now = world.now();
        look(&world);
        if now >= next {
            next += PROGRESS;
            let faults = world.faults().all().len();
            let so_far = world.tally().so_far();
            say(&format!(
                "{:>5} s: {so_far}, {faults} faults\n",
                now.as_secs()
            ));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Ends the run early on SIGINT or SIGTERM, so that no process is left behind.
async fn stop_when_told(world: Arc<World>) {
    let mut terminated = signal(SignalKind::terminate()).expect("signals");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
        () = world.over() => return,
    }
    say("Stopping.\n");
    world.interrupt();
}
