//! From Envoy's start to the first complete snapshot, and what requests notice of it.

use std::time::Instant;

use super::{
    figure,
    gateway::{Filter, GUARDED, Gateway, PUBLIC},
    grouped,
    http::get,
    usage::Processor,
    watch::{PERIOD, Waits, Watch},
};
use crate::{
    report::{Context, Failed, Figure, Section, Target},
    seed::Seeded,
};

const WORKERS: usize = 2;
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
        Watch::start(gateway.one_for_each_worker()?, &public, PERIOD, Some(200)),
        Watch::start(gateway.one_for_each_worker()?, &guarded, PERIOD, None),
        Watch::start(idle.one_for_each_worker()?, &public, PERIOD, Some(200)),
    ];
    gateway.wait_until_ready()?;
    let taken = started.elapsed();
    let [public, guarded, idle] = watches.map(Watch::stop);
    let (public, guarded, idle) = (public?, guarded?, idle?);

    let envoy = Processor::of(gateway.id())?;
    let registry_used = Processor::of(registry.id())?.since(&registry_before);
    let is_target = credentials == 1_000_000;
    let count = grouped(credentials);
    let spent = format!(
        "{WORKERS} workers; Envoy accepted connections after {:.1} s; processor time: registry {:.2} s, Envoy {:.2} s \
         ({}); with {} requests beside it",
        serving.as_secs_f64(),
        registry_used.total().as_secs_f64(),
        envoy.total().as_secs_f64(),
        envoy.describe(),
        public.requests + guarded.requests,
    );
    // What an idle Envoy makes a request wait at the same time is the machine's doing; the verdict does not allow for it.
    let beside = format!(
        "of an idle Envoy with the empty module, asked in the same way at the same time, {} of {} did, and the longest waited \
         {:.1} ms",
        idle.long,
        idle.requests,
        idle.longest_ms(),
    );
    let wait = |what: &str, waits: Waits| {
        figure(
            Section::Snapshot,
            format!("longest wait of a request {what} while {count} credentials load"),
            "ms",
            waits.longest_ms(),
            is_target.then_some(Target::at_most(10.0, ROW)),
            format!("{}; {beside}", waits.describe()),
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
