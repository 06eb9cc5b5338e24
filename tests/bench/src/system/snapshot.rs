//! From Envoy's start to the first complete snapshot, and what requests notice of it.

use std::time::{Duration, Instant};

use super::{
    figure,
    gateway::{Filter, GUARDED, Gateway, PUBLIC},
    http::get,
    thousands,
    usage::Processor,
    watch::{LONG, Waits, Watch},
};
use crate::{
    report::{Context, Estimate, Failed, Figure, Section, Target},
    seed::Seeded,
};

const WORKERS: usize = 2;
/// From one request of a watched connection to the next.
const PERIOD: Duration = Duration::from_millis(5);
const ROW: &str = "first snapshot of 1,000,000 credentials";

pub(crate) fn measure(
    context: &Context,
    seed: &Seeded,
    credentials: usize,
) -> Result<Vec<Figure>, Failed> {
    let registry = seed.start(context)?;
    let key = seed.secrets()?.swap_remove(0);
    let idle = Gateway::start(context, Filter::Empty, WORKERS)?;
    let registry_before = Processor::of(registry.id())?;
    let started = Instant::now();
    let mut gateway = Gateway::spawn(context, Filter::Keysmith(&registry), WORKERS)?;
    gateway.wait_until_serving()?;
    let serving = started.elapsed();

    let public = get(PUBLIC, &[("apikey", &key)]);
    let guarded = get(GUARDED, &[("apikey", &key)]);
    let watches = [
        Watch::start(gateway.one_for_each_worker()?, &public, PERIOD),
        Watch::start(gateway.one_for_each_worker()?, &guarded, PERIOD),
        Watch::start(idle.one_for_each_worker()?, &public, PERIOD),
    ];
    gateway.wait_until_ready()?;
    let taken = started.elapsed();
    let [public, guarded, idle] = watches.map(Watch::stop);
    let (public, guarded, idle) = (public?, guarded?, idle?);

    let envoy = Processor::of(gateway.id())?;
    let registry_used = Processor::of(registry.id())?.since(&registry_before);
    let is_target = credentials == 1_000_000;
    let count = thousands(credentials);
    let spent = format!(
        "{WORKERS} workers; Envoy accepted connections after {:.1} s; processor time: registry {:.2} s, Envoy {:.2} s \
         ({}); with {} requests beside it",
        serving.as_secs_f64(),
        registry_used.total().as_secs_f64(),
        envoy.total().as_secs_f64(),
        envoy.describe(),
        public.requests + guarded.requests,
    );
    // What an idle Envoy makes a request wait at the same time is the machine's doing: the truth lies between the two.
    let wait = |what: &str, waits: Waits| Figure {
        value: Estimate {
            middle: milliseconds(waits.longest),
            low: Some(milliseconds(waits.longest.saturating_sub(idle.longest))),
            high: Some(milliseconds(waits.longest)),
        },
        ..figure(
            Section::Snapshot,
            format!("longest wait of a request {what} while {count} credentials load"),
            "ms",
            0.0,
            is_target.then_some(Target::at_most(10.0, ROW)),
            format!(
                "one request each {} ms on a connection to each worker; {} of {} waited longer than {} ms, the longest began \
                 {:.1} s after Envoy accepted connections; of an idle Envoy with the empty module, asked in the same way at the \
                 same time, {} of {} did, and the longest waited {:.1} ms",
                PERIOD.as_millis(),
                waits.long,
                waits.requests,
                LONG.as_millis(),
                waits.longest_began.as_secs_f64(),
                idle.long,
                idle.requests,
                milliseconds(idle.longest),
            ),
        )
    };
    Ok(vec![
        figure(
            Section::Snapshot,
            format!("from Envoy's start until every worker can decide, {count} credentials"),
            "s",
            taken.as_secs_f64(),
            is_target.then_some(Target::at_most(20.0, ROW)),
            spent,
        ),
        wait("that needs no credential", public),
        wait("that needs one", guarded),
    ])
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
