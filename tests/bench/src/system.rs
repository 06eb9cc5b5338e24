//! How the whole system behaves at scale: registry, feed and gateways, each the real thing, on the loopback.

use std::time::Duration;

use crate::{
    report::{Context, Estimate, Failed, Figure, Section, Target, progress},
    seed::{self, Seeded},
    variant::grouped,
};

mod admin;
mod background;
mod creates;
mod fanout;
mod follower;
mod gateway;
pub(crate) mod http;
mod idle;
mod memory;
mod propagation;
mod snapshot;
mod usage;
mod watch;

/// Groups of figures that are measured one after the other, and can be chosen by these names.
pub const GROUPS: [&str; 7] = [
    "snapshot",
    "memory",
    "propagation",
    "idle",
    "creates",
    "fan-out",
    "stampede",
];

/// How large each measurement is.
struct Scale {
    /// Credentials that are loaded, one figure for each number.
    loaded: &'static [usize],
    /// Credentials where one number is enough.
    usual: usize,
    /// Changes that are followed to every worker.
    changes: usize,
    idle: Duration,
    creating: Duration,
    /// Gateways that wait for one change.
    waiting: usize,
    /// Gateways that load a snapshot at once.
    starting: usize,
    /// For how long those may take, all together.
    patience: Duration,
}

const FULL: Scale = Scale {
    loaded: &[1000, 100_000, 1_000_000],
    usual: 100_000,
    changes: 500,
    idle: Duration::from_secs(20),
    creating: Duration::from_secs(5),
    waiting: 1000,
    starting: 1000,
    patience: Duration::from_mins(5),
};

const QUICK: Scale = Scale {
    loaded: &[100_000],
    usual: 100_000,
    changes: 50,
    idle: Duration::from_secs(5),
    creating: Duration::from_secs(2),
    waiting: 200,
    starting: 50,
    patience: Duration::from_secs(20),
};

/// Measures those of [`GROUPS`] that are in `names`, and adds what comes out to `figures`. A group that fails does not keep
/// the others from being measured; the first failure is returned.
pub async fn run(
    context: &Context,
    names: &[&str],
    figures: &mut Vec<Figure>,
) -> Result<(), Failed> {
    let mut outcome = Ok(());
    for group in GROUPS.into_iter().filter(|group| names.contains(group)) {
        match measure(context, group).await {
            Ok(measured) => figures.extend(measured),
            Err(error) => {
                let failure = format!("{group}: {error}");
                progress(&failure);
                outcome = outcome.and(Err(failure.into()));
            }
        }
    }
    outcome
}

/// Measures one of [`GROUPS`].
pub async fn measure(context: &Context, group: &str) -> Result<Vec<Figure>, Failed> {
    let scale = if context.quick { &QUICK } else { &FULL };
    let mut figures = Vec::new();
    match group {
        "snapshot" | "memory" => {
            for &credentials in scale.loaded {
                progress(&format!("{group} at {credentials} credentials"));
                let seed = seed::registry(context, credentials).await?;
                let measured = if group == "snapshot" {
                    snapshots(context, seed, credentials).await
                } else {
                    memories(context, seed, credentials).await
                };
                figures.extend(measured?);
            }
        }
        _ => {
            progress(group);
            let seed = seed::registry(context, scale.usual).await?;
            figures = others(context, seed, group, scale).await?;
        }
    }
    Ok(figures)
}

async fn snapshots(
    context: &Context,
    seed: Seeded,
    credentials: usize,
) -> Result<Vec<Figure>, Failed> {
    blocking(context, move |context| {
        snapshot::measure(context, &seed, credentials)
    })
    .await
}

async fn memories(
    context: &Context,
    seed: Seeded,
    credentials: usize,
) -> Result<Vec<Figure>, Failed> {
    blocking(context, move |context| {
        let mut figures = memory::measure(context, &seed, credentials, 2)?;
        if !context.quick {
            figures.extend(memory::measure(context, &seed, credentials, 16)?);
            figures.push(memory::measure_native(context, &seed, credentials, 2)?);
        }
        Ok(figures)
    })
    .await
}

async fn others(
    context: &Context,
    seed: Seeded,
    group: &str,
    scale: &'static Scale,
) -> Result<Vec<Figure>, Failed> {
    let credentials = scale.usual;
    match group {
        "propagation" => {
            blocking(context, move |context| {
                propagation::measure(context, &seed, credentials, scale.changes)
            })
            .await
        }
        "idle" => {
            blocking(context, move |context| {
                idle::measure(context, &seed, credentials, scale.idle)
            })
            .await
        }
        "creates" => {
            blocking(context, move |context| {
                let mut figures = Vec::new();
                for seed in on_both(context, seed)? {
                    for clients in [1, 16] {
                        let creating = scale.creating;
                        let rate = creates::measure(context, &seed, credentials, clients, creating);
                        figures.push(rate?);
                    }
                }
                Ok(figures)
            })
            .await
        }
        "fan-out" => {
            let mut figures = Vec::new();
            for seed in on_both(context, seed)? {
                let waiting = scale.waiting;
                figures.extend(fanout::measure_change(context, &seed, credentials, waiting).await?);
            }
            Ok(figures)
        }
        "stampede" => {
            let (starting, patience) = (scale.starting, scale.patience);
            fanout::measure_start(context, &seed, credentials, starting, patience).await
        }
        unknown => Err(format!("there is no group {unknown}").into()),
    }
}

/// The seed in the registry's file, and the same in PostgreSQL.
fn on_both(context: &Context, seed: Seeded) -> Result<[Seeded; 2], Failed> {
    let on_postgres = seed.on_postgres(context)?;
    Ok([seed, on_postgres])
}

/// Measures on a thread that may wait.
async fn blocking(
    context: &Context,
    measure: impl FnOnce(&Context) -> Result<Vec<Figure>, Failed> + Send + 'static,
) -> Result<Vec<Figure>, Failed> {
    let context = context.clone();
    tokio::task::spawn_blocking(move || measure(&context)).await?
}

fn figure(
    section: Section,
    what: String,
    unit: &str,
    value: f64,
    target: Option<Target>,
    note: String,
) -> Figure {
    Figure {
        section,
        what,
        unit: unit.to_owned(),
        value: Estimate::exact(value),
        target,
        note,
    }
}
