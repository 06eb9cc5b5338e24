//! From the registry's answer to a deletion until every worker has refused the key.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    admin::Admin,
    background::Background,
    figure,
    gateway::{Filter, GUARDED, Gateway},
    grouped,
    http::{Connection, get},
    usage::Processor,
};
use crate::{
    report::{Bound, Context, Failed, Figure, Section, Target},
    seed::Seeded,
    stats,
};

const WORKERS: usize = 2;
/// Requests with other keys each second, meanwhile.
const LOAD: u32 = 2000;
/// Between two looks at the workers that still accept the key.
const PAUSE: Duration = Duration::from_micros(200);
/// For how long a change may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(30);
const ROW: &str = "mutation accepted to refused at every worker";

pub(crate) fn measure(
    context: &Context,
    seed: &Seeded,
    credentials: usize,
    changes: usize,
) -> Result<Vec<Figure>, Failed> {
    let keys = seed.secrets()?;
    let registry = seed.start(context)?;
    let gateway = Gateway::start(context, Filter::Keysmith(&registry), WORKERS)?;
    let mut admin = Admin::new(&registry)?;
    let application = admin.application("propagation")?;
    let mut workers = gateway.one_for_each_worker()?;
    let background = Background::start(&gateway, &keys, LOAD)?;
    let began = Instant::now();
    let before = Processor::of(gateway.id())?;

    let mut taken = Vec::with_capacity(changes);
    let mut accepted = Vec::with_capacity(changes);
    for number in 0..changes {
        let key = admin.key(&application, &format!("key-{number}"))?;
        let request = get(GUARDED, &[("apikey", &key.secret)]);
        accepted.push(until_every(&mut workers, &request, 200)?);
        admin.delete(&key)?;
        taken.push(until_every(&mut workers, &request, 401)?);
    }

    let used = Processor::of(gateway.id())?.since(&before);
    let rate = background.stop()? / began.elapsed().as_secs_f64();
    let note = format!(
        "{changes} deletions at {} credentials, {WORKERS} workers, from the registry's answer until the last worker \
         answered 401; each worker asked on a connection of its own, with {} µs between answer and request; beside \
         {rate:.0} requests a second with other keys; Envoy used {:.2} of a core",
        grouped(credentials),
        PAUSE.as_micros(),
        used.total().as_secs_f64() / began.elapsed().as_secs_f64(),
    );
    let is_target = credentials >= 100_000;
    let quantile = |what: &str, values: &[f64], level, target: Option<f64>| Figure {
        value: stats::estimate(values, level),
        ..figure(
            Section::Propagation,
            what.to_owned(),
            "ms",
            0.0,
            target.filter(|_| is_target).map(|value| Target {
                bound: Bound::AtMost,
                value,
                source: ROW,
            }),
            note.clone(),
        )
    };
    let slowest = taken.iter().copied().fold(0.0, f64::max);
    Ok(vec![
        quantile("deletion to refusal, median", &taken, 0.5, Some(10.0)),
        quantile("deletion to refusal, 99 of 100", &taken, 0.99, Some(50.0)),
        figure(
            Section::Propagation,
            "deletion to refusal, slowest".to_owned(),
            "ms",
            slowest,
            None,
            note.clone(),
        ),
        quantile("creation to acceptance, median", &accepted, 0.5, None),
    ])
}

/// How long it takes, in milliseconds, until each connection's worker has answered with the status.
fn until_every(workers: &mut [Connection], request: &[u8], status: u16) -> Result<f64, Failed> {
    let started = Instant::now();
    let mut left: Vec<&mut Connection> = workers.iter_mut().collect();
    loop {
        let mut still = Vec::new();
        for connection in left {
            if connection.status(request)? != status {
                still.push(connection);
            }
        }
        if still.is_empty() {
            return Ok(started.elapsed().as_secs_f64() * 1e3);
        }
        if started.elapsed() > PATIENCE {
            return Err(format!("a key is not answered with {status} everywhere").into());
        }
        left = still;
        thread::sleep(PAUSE);
    }
}
