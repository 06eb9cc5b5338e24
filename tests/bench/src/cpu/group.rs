//! Lanes that are compared with each other, and what is compared.

use crate::{
    cpu::slice::{Generator, Lane, Track},
    load::Traffic,
    report::{Estimate, Figure, Section, Target},
    stats::{LOWER_QUARTILE, MEDIAN, estimate, paired_differences, paired_ratios, quantile},
    variant::{Variant, fleet::Fleet, secret::Secrets},
};

/// What a lane's requests carry instead of a secret that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// One that is known.
    Known,
    /// A well-formed key that nobody has.
    Unknown,
    /// A key with a mistyped character.
    Malformed,
    /// None.
    Nothing,
}

/// A lane before its processes run.
#[derive(Clone, Debug)]
pub struct Planned {
    /// In the report; the variant's own name when there is none.
    pub name: Option<&'static str>,
    /// Whose Envoy.
    pub variant: Variant,
    /// What is sent.
    pub sent: Sent,
}

impl Planned {
    /// A variant under traffic that it admits.
    pub const fn of(variant: Variant) -> Self {
        Self {
            name: None,
            variant,
            sent: Sent::Known,
        }
    }

    fn name(&self) -> String {
        self.name.map_or_else(|| self.variant.name(), str::to_owned)
    }
}

/// A ratio of two lanes of a group, by their places.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// In the report.
    pub what: &'static str,
    /// Above the line.
    pub above: usize,
    /// Below it.
    pub below: usize,
    /// Whether the process that is asked counts as well, where there is one.
    pub together: bool,
    /// What is wanted.
    pub target: Option<Target>,
}

/// Lanes that are measured in the same rounds.
#[derive(Clone, Debug)]
pub struct Group {
    /// Begins the name of each of its figures.
    pub name: &'static str,
    /// The path of every request.
    pub path: &'static str,
    /// What loads it.
    pub generator: Generator,
    /// The lanes. Where the first has no filter, the others are also told over it.
    pub lanes: Vec<Planned>,
    /// What is compared.
    pub comparisons: Vec<Comparison>,
}

/// Secrets that are sent and belong to nobody.
#[derive(Clone, Debug)]
pub struct Strangers {
    /// Well-formed keys.
    pub unknown: Secrets,
    /// Mistyped keys.
    pub malformed: Secrets,
}

impl Group {
    /// Its lanes in running processes.
    pub fn lanes(&self, fleet: &Fleet, strangers: &Strangers) -> Vec<Lane> {
        let lane = |planned: &Planned| {
            let gateway = fleet.gateway(planned.variant);
            let secrets = match planned.sent {
                Sent::Known => Some(gateway.secrets.clone()),
                Sent::Unknown => Some(strangers.unknown.clone()),
                Sent::Malformed => Some(strangers.malformed.clone()),
                Sent::Nothing => None,
            };
            Lane {
                name: planned.name(),
                process: gateway.id(),
                companion: gateway.companion,
                around: fleet.helpers(),
                traffic: Traffic {
                    address: gateway.address,
                    path: self.path,
                    secrets,
                    admitted: planned.sent == Sent::Known,
                },
                generator: self.generator,
            }
        };
        self.lanes.iter().map(lane).collect()
    }

    /// What its tracks say.
    pub fn figures(&self, tracks: &[Track]) -> Vec<Figure> {
        let costs = self.lanes.iter().zip(tracks);
        let costs = costs.flat_map(|(planned, track)| {
            let over =
                (self.lanes[0].variant.check == crate::variant::Check::None).then_some(&tracks[0]);
            self.costs(planned, track, over)
        });
        let ratios = self.comparisons.iter();
        costs
            .chain(ratios.map(|comparison| self.ratio(comparison, tracks)))
            .collect()
    }

    fn costs(&self, planned: &Planned, track: &Track, over: Option<&Track>) -> Vec<Figure> {
        let name = planned.name();
        let kept = track.kept();
        let lower = quantile(&kept, LOWER_QUARTILE);
        let slices = kept.len();
        let note = format!(
            "lower quartile {lower:.1}; {slices} slices{}",
            track.remarks()
        );
        let mut figures = vec![self.figure(&name, "µs", estimate(&kept, MEDIAN), None, note)];
        if let Some(base) = over.filter(|base| !std::ptr::eq(*base, track)) {
            let differences = paired_differences(&track.envoy, &base.envoy);
            let lower = quantile(&differences, LOWER_QUARTILE);
            figures.push(self.figure(
                &format!("{name}, {OVER}"),
                "µs",
                estimate(&differences, MEDIAN),
                None,
                format!("lower quartile {lower:.1}"),
            ));
        }
        if planned.variant.check == crate::variant::Check::ExtAuthz {
            let together: Vec<f64> = track.together.iter().copied().flatten().collect();
            let name = format!("{name}, Envoy and checker");
            figures.push(self.figure(
                &name,
                "µs",
                estimate(&together, MEDIAN),
                None,
                String::new(),
            ));
        }
        figures
    }

    fn ratio(&self, comparison: &Comparison, tracks: &[Track]) -> Figure {
        let side = |place: usize| {
            let track = &tracks[place];
            if comparison.together {
                &track.together
            } else {
                &track.envoy
            }
        };
        let ratios = paired_ratios(side(comparison.above), side(comparison.below));
        let lower = quantile(&ratios, LOWER_QUARTILE);
        let note = format!("lower quartile {lower:.2}; {} pairs", ratios.len());
        let median = estimate(&ratios, MEDIAN);
        self.figure(comparison.what, "×", median, comparison.target, note)
    }

    fn figure(
        &self,
        what: &str,
        unit: &str,
        value: Estimate,
        target: Option<Target>,
        note: String,
    ) -> Figure {
        Figure {
            section: Section::Cpu,
            what: format!("{}: {what}", self.name),
            unit: unit.to_owned(),
            value,
            target,
            note,
        }
    }
}

/// Ends the name of what is told over no filter.
pub const OVER: &str = "over no filter";
