//! How long requests take at a rate that nobody has trouble with.

use std::{path::Path, time::Duration};

use crate::{
    cpu::plan::{ASKING, TRIO},
    load::{
        Traffic,
        h2load::{self, Pace},
    },
    random::Random,
    report::{Failed, Figure, Section, progress},
    stats::{MEDIAN, estimate, quantile},
    variant::{Variant, fleet::Fleet},
};

/// Requests per second.
const RATE: u32 = 2000;
const CONNECTIONS: u32 = 8;

/// The variants that are measured.
pub fn variants() -> impl Iterator<Item = Variant> {
    TRIO.into_iter().chain([ASKING])
}

/// p50 and p99 of each variant: of every run the quantile, of these the median.
pub fn measure(
    fleet: &Fleet,
    runs: usize,
    duration: Duration,
    folder: &Path,
) -> Result<Vec<Figure>, Failed> {
    progress("latency at a fixed rate");
    let variants: Vec<Variant> = variants().collect();
    let mut quantiles = vec![(Vec::new(), Vec::new()); variants.len()];
    let mut random = Random::new(2);
    for _ in 0..runs {
        let mut order: Vec<usize> = (0..variants.len()).collect();
        random.shuffle(&mut order);
        for place in order {
            let latencies = run(fleet, variants[place], duration, random.number(), folder)?;
            let (halves, hundredths) = &mut quantiles[place];
            halves.push(quantile(&latencies, MEDIAN));
            hundredths.push(quantile(&latencies, 0.99));
        }
    }
    let named = variants.iter().zip(&quantiles);
    Ok(named
        .flat_map(|(variant, (halves, hundredths))| {
            [
                figure(*variant, "p50", halves),
                figure(*variant, "p99", hundredths),
            ]
        })
        .collect())
}

fn run(
    fleet: &Fleet,
    variant: Variant,
    duration: Duration,
    seed: u64,
    folder: &Path,
) -> Result<Vec<f64>, Failed> {
    let gateway = fleet.gateway(variant);
    let traffic = Traffic {
        address: gateway.address,
        path: "/",
        secrets: Some(gateway.secrets.clone()),
        admitted: true,
    };
    let pace = Pace::Fixed {
        rate: RATE,
        connections: CONNECTIONS,
    };
    let run = h2load::run(&traffic, pace, duration, seed, folder)?;
    run.seen.verify(&traffic)?;
    if run.latencies.is_empty() {
        return Err(format!("no answer from {}", variant.name()).into());
    }
    Ok(run.latencies)
}

fn figure(variant: Variant, name: &str, values: &[f64]) -> Figure {
    Figure {
        section: Section::Latency,
        what: format!("{}, {name}", variant.name()),
        unit: "µs".to_owned(),
        value: estimate(values, MEDIAN),
        target: None,
        note: format!("{RATE} requests/s, HTTP/1.1, {} runs", values.len()),
    }
}
