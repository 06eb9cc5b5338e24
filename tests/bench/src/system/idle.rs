//! What is spent while nothing happens.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    figure,
    gateway::{Filter, Gateway, PUBLIC},
    grouped,
    http::get,
    usage::Processor,
};
use crate::{
    report::{Context, Failed, Figure, Section},
    seed::Seeded,
};

const WORKERS: usize = 2;
/// After the start, until nothing is left of it.
const SETTLED: Duration = Duration::from_secs(3);

pub(crate) fn measure(
    context: &Context,
    seed: &Seeded,
    credentials: usize,
    length: Duration,
) -> Result<Vec<Figure>, Failed> {
    let registry = seed.start(context)?;
    let empty = Gateway::start(context, Filter::Empty, WORKERS)?;
    let gateway = Gateway::start(context, Filter::Keysmith(&registry), WORKERS)?;
    // Only a worker that has served a request is idle, and not merely unused.
    for envoy in [&gateway, &empty] {
        for mut connection in envoy.one_for_each_worker()? {
            connection.status(&get(PUBLIC, &[]))?;
        }
    }
    thread::sleep(SETTLED);
    let processes = [gateway.id(), empty.id(), registry.id()];
    let began = Instant::now();
    let before = processes.map(Processor::of);
    thread::sleep(length);
    let elapsed = began.elapsed().as_secs_f64();
    let mut used = Vec::new();
    for (process, before) in processes.into_iter().zip(before) {
        used.push(Processor::of(process)?.since(&before?));
    }
    let rates: Vec<f64> = used
        .iter()
        .map(|used| used.total().as_secs_f64() * 1e3 / elapsed)
        .collect();
    let at = format!("{} credentials, over {elapsed:.0} s", grouped(credentials));
    Ok(vec![
        figure(
            Section::Idle,
            "idle Envoy with the filter, over one with the empty module".to_owned(),
            "ms/s",
            rates[0] - rates[1],
            None,
            format!(
                "{WORKERS} workers, {at}; with the filter {:.2} ms/s, with the empty module {:.2} ms/s",
                rates[0], rates[1]
            ),
        ),
        figure(
            Section::Idle,
            "registry with one idle gateway".to_owned(),
            "ms/s",
            rates[2],
            None,
            at,
        ),
    ])
}
