//! Envoy's processor time for a request, beside what else could have authenticated it.
//!
//! Each variant has an Envoy of its own, started once. It is loaded in slices of less than a second, in random order round
//! after round; the scheduler's count of nanoseconds before and after a slice is divided by the requests that the load
//! generator saw answered. Two variants are compared by the ratio of their slices of the same round, so that what disturbs
//! the machine for a while disturbs both. A slice of which the hypervisor took more than [`slice::MAX_STOLEN`] is dropped
//! and counted. In every slice each answer must be what the variant owes: all 200, or all refusals.

use std::time::Duration;

use crate::{
    report::{Context, Failed, Figure, progress},
    variant::{
        Variant,
        fleet::Fleet,
        secret::{self, Kind, Secrets},
    },
};

pub mod counter;
pub mod group;
pub mod latency;
pub mod plan;
pub mod slice;

use group::{Group, Strangers};
use slice::Plan;

/// Keys of strangers; as many as there are known ones in the group that they are compared with.
const STRANGERS: usize = plan::COMPARED;

/// Measures everything.
pub async fn run(context: &Context) -> Result<Vec<Figure>, Failed> {
    run_only(context, "").await
}

/// Measures the groups whose names contain `part`; the latencies are a group called `latency`.
pub async fn run_only(context: &Context, part: &str) -> Result<Vec<Figure>, Failed> {
    let groups: Vec<Group> = plan::groups(context.quick)
        .into_iter()
        .filter(|group| group.name.contains(part))
        .collect();
    let latency = "latency".contains(part);
    let mut variants: Vec<Variant> = groups
        .iter()
        .flat_map(|group| group.lanes.iter().map(|lane| lane.variant))
        .collect();
    if latency {
        variants.extend(latency::variants());
    }
    if variants.is_empty() {
        return Ok(Vec::new());
    }
    let fleet = Fleet::start(context, &variants).await?;
    let strangers = strangers(&fleet)?;
    let quick = context.quick;
    // Load generators are waited for, and nothing else is to be done meanwhile.
    tokio::task::block_in_place(|| measure(&fleet, &groups, &strangers, latency, quick))
}

fn measure(
    fleet: &Fleet,
    groups: &[Group],
    strangers: &Strangers,
    latency: bool,
    quick: bool,
) -> Result<Vec<Figure>, Failed> {
    let plan = if quick {
        Plan {
            rounds: 8,
            slice: Duration::from_millis(300),
        }
    } else {
        Plan {
            rounds: 40,
            slice: Duration::from_millis(700),
        }
    };
    let mut figures = Vec::new();
    for group in groups {
        progress(&format!("{}: {} lanes", group.name, group.lanes.len()));
        let lanes = group.lanes(fleet, strangers);
        let tracks = slice::measure(&lanes, plan, fleet.folder())?;
        figures.extend(group.figures(&tracks));
    }
    if latency {
        let (runs, seconds) = if quick { (3, 1) } else { (10, 3) };
        let duration = Duration::from_secs(seconds);
        figures.extend(latency::measure(fleet, runs, duration, fleet.folder())?);
    }
    Ok(figures)
}

fn strangers(fleet: &Fleet) -> Result<Strangers, Failed> {
    let written = |name: &str, keys: &[String]| {
        Secrets::write(Kind::ApiKey, &fleet.folder().join(name), keys)
    };
    Ok(Strangers {
        unknown: written("unknown.secrets", &secret::unknown_keys(STRANGERS))?,
        malformed: written("malformed.secrets", &secret::malformed_keys(STRANGERS))?,
    })
}
