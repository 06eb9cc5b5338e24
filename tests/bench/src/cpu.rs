//! Envoy's processor time for a request, beside what else could have authenticated it.
//!
//! Each variant has an Envoy of its own, started once. It is loaded in slices of less than a second, in random order round
//! after round; the scheduler's count of nanoseconds before and after a slice is divided by the requests that the load
//! generator saw answered. Two variants are compared by the ratio of their slices of the same round, so that what disturbs
//! the machine for a while disturbs both. A slice of which the hypervisor took more than [`slice::MAX_STOLEN`] is dropped
//! and counted. In every slice each answer must be what the variant owes: all admitted, or all refused.

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
use slice::{Lane, Plan};

/// Keys of strangers; as many as there are known ones in the group that they are compared with.
const STRANGERS: usize = plan::COMPARED;

/// The name by which the latencies are chosen.
const LATENCY: &str = "latency";

/// Every name that a part can be chosen by.
pub fn names(quick: bool) -> Vec<&'static str> {
    let groups = plan::groups(quick).into_iter().map(|group| group.name);
    groups.chain([LATENCY]).collect()
}

/// Measures the groups with these `names`, and adds what comes out to `figures`: what was measured before a group failed
/// is there. `rounds` slices of each variant instead of the usual number.
pub async fn run(
    context: &Context,
    names: &[&str],
    rounds: Option<usize>,
    figures: &mut Vec<Figure>,
) -> Result<(), Failed> {
    let groups: Vec<Group> = plan::groups(context.quick)
        .into_iter()
        .filter(|group| names.contains(&group.name))
        .collect();
    let latency = names.contains(&LATENCY);
    let mut variants: Vec<Variant> = groups
        .iter()
        .flat_map(|group| group.lanes.iter().map(|lane| lane.variant))
        .collect();
    if latency {
        variants.extend(latency::variants());
    }
    if variants.is_empty() {
        return Ok(());
    }
    let fleet = Box::pin(Fleet::start(context, &variants)).await?;
    let strangers = strangers(&fleet)?;
    let plan = plan(context.quick, rounds);
    // Load generators are waited for, and nothing else is to be done meanwhile.
    tokio::task::block_in_place(|| {
        for group in &groups {
            figures.extend(measure(&fleet, group, &strangers, plan)?);
        }
        if latency {
            let (runs, seconds) = if context.quick { (2, 1) } else { (10, 3) };
            let duration = Duration::from_secs(seconds);
            figures.extend(latency::measure(&fleet, runs, duration, fleet.folder())?);
        }
        Ok(())
    })
}

/// Many short slices: each pair lies close together, and the intervals narrow with the number of pairs.
fn plan(quick: bool, rounds: Option<usize>) -> Plan {
    let (usual, milliseconds) = if quick { (8, 250) } else { (60, 400) };
    Plan {
        rounds: rounds.unwrap_or(usual),
        slice: Duration::from_millis(milliseconds),
    }
}

fn measure(
    fleet: &Fleet,
    group: &Group,
    strangers: &Strangers,
    plan: Plan,
) -> Result<Vec<Figure>, Failed> {
    progress(&format!("{}: {} lanes", group.name, group.lanes.len()));
    let lanes = group.lanes(fleet, strangers);
    verify_refusals(&lanes)?;
    let tracks = slice::measure(&lanes, plan, fleet.folder())?;
    verify_refusals(&lanes)?;
    Ok(group.figures(&tracks))
}

fn verify_refusals(lanes: &[Lane]) -> Result<(), Failed> {
    let mut refused = lanes.iter().filter(|lane| !lane.traffic.admitted);
    refused.try_for_each(|lane| lane.traffic.verify_refused())
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
