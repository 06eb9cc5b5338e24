//! What was measured, and whether it is what was wanted.

use std::{
    error::Error,
    fmt, fs,
    path::{Path, PathBuf},
};

pub mod chart;
pub mod json;
pub mod machine;
pub mod markdown;

/// Why a part of the benchmark could not run.
pub type Failed = Box<dyn Error + Send + Sync>;

/// What every part of the benchmark is given.
#[derive(Clone, Debug)]
pub struct Context {
    /// Envoy's binary.
    pub envoy: PathBuf,
    /// The filter's module.
    pub filter: PathBuf,
    /// The module that takes only the unavoidable steps.
    pub probe: PathBuf,
    /// The module that does nothing.
    pub empty: PathBuf,
    /// The registry's binary, a release build.
    pub keysmith: PathBuf,
    /// A folder that is kept, for seeds, configurations and logs.
    pub folder: PathBuf,
    /// Whether the run must end within minutes, with fewer and wider figures.
    pub quick: bool,
}

/// Which table a figure stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Envoy's processor time for a request.
    Cpu,
    /// How long a request takes at a fixed rate.
    Latency,
    /// What Envoy holds.
    Memory,
    /// The first load of all credentials.
    Snapshot,
    /// From a change to every worker.
    Propagation,
    /// What is spent while nothing happens.
    Idle,
    /// The registry itself.
    Registry,
}

impl Section {
    /// Every one, in the order of the report.
    pub const ALL: [Self; 7] = [
        Self::Cpu,
        Self::Latency,
        Self::Memory,
        Self::Snapshot,
        Self::Propagation,
        Self::Idle,
        Self::Registry,
    ];

    /// The heading above its table.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Cpu => "Processor time for a request",
            Self::Latency => "Latency at a fixed rate",
            Self::Memory => "Memory of Envoy",
            Self::Snapshot => "The first snapshot",
            Self::Propagation => "From a change to every worker",
            Self::Idle => "Idle",
            Self::Registry => "The registry",
        }
    }
}

/// One published figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Its table.
    pub section: Section,
    /// What was measured, in words.
    pub what: String,
    /// The unit of every value, such as `µs` or `×`.
    pub unit: String,
    /// What came out.
    pub value: Estimate,
    /// What was wanted, where something was.
    pub target: Option<Target>,
    /// What a reader must know to read it rightly; may be empty.
    pub note: String,
}

impl Figure {
    /// Whether it is what was wanted.
    pub fn verdict(&self) -> Verdict {
        self.target
            .as_ref()
            .map_or(Verdict::Published, |target| target.judge(&self.value))
    }
}

/// A measured value, with the interval in which the true one lies 95 times out of 100, where that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The best guess.
    pub middle: f64,
    /// The interval's lower end; infinite where there were too few values to know one.
    pub low: Option<f64>,
    /// The interval's upper end, likewise.
    pub high: Option<f64>,
}

impl Estimate {
    /// A value that was counted or seen once.
    pub const fn exact(value: f64) -> Self {
        Self {
            middle: value,
            low: None,
            high: None,
        }
    }
}

/// A row of the table of targets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Which side of `value` is wanted.
    pub bound: Bound,
    /// The limit, in the figure's unit.
    pub value: f64,
    /// The row of the table of targets.
    pub source: &'static str,
}

impl Target {
    /// Wants `value` or less.
    pub const fn at_most(value: f64, source: &'static str) -> Self {
        Self {
            bound: Bound::AtMost,
            value,
            source,
        }
    }

    /// Wants `value` or more.
    pub const fn at_least(value: f64, source: &'static str) -> Self {
        Self {
            bound: Bound::AtLeast,
            value,
            source,
        }
    }

    /// Met or missed only when the whole interval lies on one side; without a value nothing can be said.
    pub fn judge(&self, estimate: &Estimate) -> Verdict {
        if estimate.middle.is_nan() {
            return Verdict::NotDecidable;
        }
        let low = estimate.low.unwrap_or(estimate.middle);
        let high = estimate.high.unwrap_or(estimate.middle);
        let (best, worst) = match self.bound {
            Bound::AtMost => (low, high),
            Bound::AtLeast => (high, low),
        };
        match (self.admits(best), self.admits(worst)) {
            (true, true) => Verdict::Met,
            (false, false) => Verdict::Missed,
            _ => Verdict::NotDecidable,
        }
    }

    fn admits(&self, value: f64) -> bool {
        match self.bound {
            Bound::AtMost => value <= self.value,
            Bound::AtLeast => value >= self.value,
        }
    }
}

/// Which side of a target is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The target or less.
    AtMost,
    /// The target or more.
    AtLeast,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
        })
    }
}

/// How a figure stands to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval is on the wanted side.
    Met,
    /// The whole interval is on the other side.
    Missed,
    /// The target lies within the interval: this machine was too noisy, or the run too short, to tell.
    NotDecidable,
    /// There is no target.
    Published,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::NotDecidable => "not decidable here",
            Self::Published => "",
        })
    }
}

/// Writes the report to `<report>.json`, `<report>.md` and, where there is something to draw, `<report>.svg`, and the verdicts on the screen.
pub fn write(figures: &[Figure], context: &Context, report: &Path) -> Result<(), Failed> {
    let facts = machine::facts(context);
    if let Some(folder) = report.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = |ending: &str| report.with_extension(ending);
    let document = serde_json::to_string_pretty(&json::document(figures, &facts))?;
    fs::write(file("json"), document + "\n")?;
    let chart = file("svg");
    let drawn = chart::svg(figures);
    if let Some(drawn) = &drawn {
        fs::write(&chart, drawn)?;
    }
    let name = chart.file_name().unwrap_or_default().to_string_lossy();
    let chart = drawn.is_some().then_some(&*name);
    fs::write(file("md"), markdown::document(figures, &facts, chart))?;
    eprint!("{}", markdown::verdicts(figures));
    progress(&format!("written to {}", file("md").display()));
    Ok(())
}

/// Says on the screen what is being done.
pub fn progress(text: &str) {
    eprintln!("bench: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_MORE: Target = Target::at_most(1.5, "row");

    fn between(low: f64, high: f64) -> Estimate {
        Estimate {
            middle: f64::midpoint(low, high),
            low: Some(low),
            high: Some(high),
        }
    }

    #[test]
    fn target_is_met_only_when_the_whole_interval_meets_it() {
        assert_eq!(HALF_MORE.judge(&between(1.2, 1.5)), Verdict::Met);
        assert_eq!(HALF_MORE.judge(&between(1.2, 1.6)), Verdict::NotDecidable);
        assert_eq!(HALF_MORE.judge(&between(1.51, 1.6)), Verdict::Missed);
    }

    #[test]
    fn lower_bound_is_judged_from_the_other_side() {
        let twice = Target::at_least(2.0, "row");
        assert_eq!(twice.judge(&between(2.0, 2.5)), Verdict::Met);
        assert_eq!(twice.judge(&between(1.9, 2.5)), Verdict::NotDecidable);
        assert_eq!(twice.judge(&between(1.5, 1.9)), Verdict::Missed);
    }

    #[test]
    fn value_without_interval_is_judged_by_itself() {
        assert_eq!(HALF_MORE.judge(&Estimate::exact(1.5)), Verdict::Met);
        assert_eq!(HALF_MORE.judge(&Estimate::exact(1.6)), Verdict::Missed);
    }

    #[test]
    fn value_that_is_none_decides_nothing() {
        let nothing = Estimate::exact(f64::NAN);
        assert_eq!(HALF_MORE.judge(&nothing), Verdict::NotDecidable);
    }

    #[test]
    fn interval_without_an_end_decides_only_against_that_side() {
        assert_eq!(
            HALF_MORE.judge(&between(1.2, f64::INFINITY)),
            Verdict::NotDecidable
        );
        assert_eq!(
            HALF_MORE.judge(&between(1.6, f64::INFINITY)),
            Verdict::Missed
        );
    }

    #[test]
    fn figure_without_target_is_only_published() {
        let figure = Figure {
            section: Section::Idle,
            what: String::new(),
            unit: String::new(),
            value: Estimate::exact(1.0),
            target: None,
            note: String::new(),
        };
        assert_eq!(figure.verdict(), Verdict::Published);
    }
}
