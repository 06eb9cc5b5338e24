//! The report for people.

use std::fmt::Write as _;

use super::{Estimate, Figure, Section, Verdict, machine::Facts};

/// How to read the tables.
const PREAMBLE: &str = "\
Every figure of this file was measured by one command on one machine; nothing is edited by hand.

A value with an interval is the median of many, or the quantile that its row names; the interval holds the true one 95 times \
out of 100 (from order statistics, so without any assumption about the distribution), and has no end on a side for which \
there were too few values.
A value without an interval was measured once, or as its remark says.
A target is *met* when the whole interval is on its good side, **missed** when the whole interval is on the other side, and \
*not decidable here* when it lies within the interval.
Processor time is Envoy's own, from the scheduler's nanoseconds, divided by the requests that the load generator saw \
answered.
Each variant has an Envoy of its own; all are loaded in turn in slices of less than a second, in random order, and a ratio \
is that of two slices of the same round.
A slice in which the hypervisor took more than 4 % of one processor's time is dropped and counted, as is one with hardly any \
answer, and one that took far longer than planned.
A slice during which other work took more than a quarter of a processor is kept and counted: it widens the interval and \
raises the figure.
In every slice every answer is verified: all are 200 to 399, or none is where a refusal is due; that refusals are 401 is \
verified before and after their slices.
Each request of wrk carries a credential drawn at random from all of them; h2load goes round a list of 10,000 requests, drawn \
in the same way anew for each slice.
An owner has 10,000 credentials, or all where there are fewer: 1,000,000 keys belong to 100 applications.

What is the same in all variants: the caller's name goes upstream as `x-consumer-username`, and the credential does not.
What is not: Keysmith and the probe also set `x-credential-identifier`; Envoy's `basic_auth` cannot hide the credential, and \
names the user where Keysmith names the application; a refusal of Keysmith says in `www-authenticate` how to do better.
Over HTTP/2 and at a fixed rate the key travels in the query in every variant, because h2load cannot vary a header.

PostgreSQL runs on the same machine, reached through a socket, with `fsync` and `synchronous_commit` on.

JWTs are tokens of one client as RFC 9068 has them, signed by ES256; every one is sent once before it is measured, so that \
no slice verifies a signature. Envoy's `jwt_authn` has room for all of them in its cache.
";

/// The whole report. `chart` is the file name of the chart beside it, if there is one.
pub fn document(figures: &[Figure], facts: &Facts, chart: Option<&str>) -> String {
    let mut text = String::from("# Benchmarks\n\n");
    text += PREAMBLE;
    text += "\n| | |\n|---|---|\n";
    for (name, value) in facts {
        line(&mut text, &format!("| {name} | {value} |"));
    }
    line(&mut text, &summary(figures));
    if let Some(chart) = chart {
        line(
            &mut text,
            &format!("![Processor time of a request over no filter]({chart})\n"),
        );
    }
    for section in Section::ALL {
        let of_section: Vec<&Figure> = figures
            .iter()
            .filter(|figure| figure.section == section)
            .collect();
        if !of_section.is_empty() {
            self::section(&mut text, section, &of_section);
        }
    }
    text
}

fn summary(figures: &[Figure]) -> String {
    let mut text = String::from("\n## Targets\n\n");
    text += "| target | what | measured | 95 % | wanted | |\n|---|---|---:|---:|---:|---|\n";
    for figure in figures.iter().filter(|figure| figure.target.is_some()) {
        let row = figure.target.map_or("", |target| target.source);
        let (values, verdict) = (values(figure), figure.verdict());
        line(
            &mut text,
            &format!("| {row} | {} {values} | {verdict} |", figure.what),
        );
    }
    text
}

fn section(text: &mut String, section: Section, figures: &[&Figure]) {
    line(text, &format!("## {}\n", section.title()));
    if section != Section::Cpu {
        return table(
            text,
            figures.iter().map(|figure| (figure.what.as_str(), *figure)),
        );
    }
    // `group: what`: a table for each group.
    let split = |figure: &'_ &Figure| {
        figure
            .what
            .split_once(": ")
            .unwrap_or_default()
            .0
            .to_owned()
    };
    for group in figures.chunk_by(|left, right| split(left) == split(right)) {
        let name = split(&group[0]);
        line(text, &format!("### {}\n", capitalized(&name)));
        let rest = name.len() + ": ".len();
        table(
            text,
            group.iter().map(|figure| (&figure.what[rest..], *figure)),
        );
    }
}

fn table<'a>(text: &mut String, rows: impl Iterator<Item = (&'a str, &'a Figure)>) {
    line(text, "| what | measured | 95 % | wanted | | remarks |");
    line(text, "|---|---:|---:|---:|---|---|");
    for (what, figure) in rows {
        let (values, verdict) = (values(figure), figure.verdict());
        line(
            text,
            &format!("| {what} {values} | {verdict} | {} |", figure.note),
        );
    }
    line(text, "");
}

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The columns of the value, its interval and what was wanted.
fn values(figure: &Figure) -> String {
    let unit = &figure.unit;
    let wanted = figure.target.map_or_else(String::new, |target| {
        format!("{} {} {unit}", target.bound, number(target.value))
    });
    let middle = number(figure.value.middle);
    format!("| {middle} {unit} | {} | {wanted}", interval(&figure.value))
}

fn interval(value: &Estimate) -> String {
    let (Some(low), Some(high)) = (value.low, value.high) else {
        return String::new();
    };
    match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("{} to {}", number(low), number(high)),
        (true, false) => format!("{} or more", number(low)),
        (false, true) => format!("{} or less", number(high)),
        (false, false) => "too few values".to_owned(),
    }
}

/// With three digits that say something.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "none".to_owned()
    } else if size >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

fn line(text: &mut String, content: &str) {
    writeln!(text, "{content}").expect("a text takes every line");
}

/// The verdicts, for the screen: one line for each target.
pub fn verdicts(figures: &[Figure]) -> String {
    let mut text = String::new();
    for figure in figures
        .iter()
        .filter(|figure| figure.verdict() != Verdict::Published)
    {
        let values = values(figure).replace('|', "");
        line(
            &mut text,
            &format!(
                "{:>20}: {}{values}",
                figure.verdict().to_string(),
                figure.what
            ),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Target;

    fn missed() -> Figure {
        Figure {
            section: Section::Cpu,
            what: "Keysmith / native".to_owned(),
            unit: "×".to_owned(),
            value: Estimate {
                middle: 1.62,
                low: Some(1.55),
                high: Some(1.7),
            },
            target: Some(Target::at_most(1.5, "direct")),
            note: String::new(),
        }
    }

    #[test]
    fn figure_that_misses_its_target_is_shown_as_missed() {
        let text = document(&[missed()], &Vec::new(), Some("chart.svg"));
        let row = "| direct | Keysmith / native | 1.62 × | 1.55 to 1.70 | ≤ 1.50 × | **missed** |";
        assert!(text.contains(row), "{text}");
        assert!(text.contains("(chart.svg)"), "{text}");
    }

    #[test]
    fn chart_that_was_not_drawn_is_not_shown() {
        let text = document(&[missed()], &Vec::new(), None);
        assert!(!text.contains("!["), "{text}");
    }

    #[test]
    fn interval_without_an_end_says_so() {
        let between = |low, high| Estimate {
            middle: 1.0,
            low: Some(low),
            high: Some(high),
        };
        let (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(interval(&between(2.0, most)), "2 or more");
        assert_eq!(interval(&between(least, 2.0)), "2 or less");
        assert_eq!(interval(&between(least, most)), "too few values");
    }

    #[test]
    fn numbers_have_three_digits_that_say_something() {
        let shown = [1234.5, 123.4, 12.34, 1.234, 0.0, 2.0].map(number);
        assert_eq!(shown, ["1234", "123", "12.3", "1.23", "0", "2"]);
    }
}
