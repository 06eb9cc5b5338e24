//! How many credentials the registry creates in a second.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{admin::Admin, figure, grouped, usage::Processor};
use crate::{
    report::{Context, Failed, Figure, Section},
    seed::{Running, Seeded},
};

pub(crate) fn measure(
    context: &Context,
    seed: &Seeded,
    credentials: usize,
    clients: usize,
    length: Duration,
) -> Result<Figure, Failed> {
    let registry = seed.start(context)?;
    let before = Processor::of(registry.id())?;
    let began = Instant::now();
    let threads: Vec<_> = thread::scope(|scope| {
        let create = |client| {
            let registry = &registry;
            move || create_until(registry, client, began + length)
        };
        let threads: Vec<_> = (0..clients)
            .map(|client| scope.spawn(create(client)))
            .collect();
        threads
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect()
    });
    let elapsed = began.elapsed().as_secs_f64();
    let mut created = 0.0;
    for thread in threads {
        created += thread.map_err(|_| "a client panicked")??;
    }
    let used = Processor::of(registry.id())?.since(&before);
    Ok(figure(
        Section::Registry,
        format!(
            "API keys created by {clients} at a time, {}",
            seed.database()
        ),
        "/s",
        created / elapsed,
        None,
        format!(
            "over REST, each one on the disk before it is answered; with {} credentials at the beginning; {:.2} ms of \
             the registry's processor time each",
            grouped(credentials),
            used.total().as_secs_f64() * 1e3 / created,
        ),
    ))
}

fn create_until(registry: &Running, client: usize, end: Instant) -> Result<f64, Failed> {
    let mut admin = Admin::new(registry)?;
    let application = admin.application(&format!("creates-{client}"))?;
    let mut created = 0;
    while Instant::now() < end {
        admin.key(&application, &format!("key-{created}"))?;
        created += 1;
    }
    Ok(f64::from(created))
}
