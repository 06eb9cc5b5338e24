//! The chart: what each variant costs over no filter, as bars. Written by hand, readable on a light and on a dark page.

use std::fmt::Write as _;

use super::{Figure, markdown::number};
use crate::cpu::group::OVER;

const ROW: usize = 30;
const TOP: usize = 40;
const NAMES: f64 = 330.0;
const BARS: f64 = 380.0;
const WIDTH: f64 = NAMES + BARS + 90.0;

const STYLE: &str = "<style>
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .other { fill: #8c959f } .keysmith { fill: #0969da } .interval { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .other { fill: #6e7681 } .keysmith { fill: #4493f8 } .interval { stroke: #e6edf3 }
  }
</style>";

/// The group of figures that is drawn.
const GROUP: &str = "direct response: ";

/// The chart as SVG; `None` when nothing that it shows was measured.
pub fn svg(figures: &[Figure]) -> Option<String> {
    let ending = format!(", {OVER}");
    let bars: Vec<(&str, &Figure)> = figures
        .iter()
        .filter_map(|figure| {
            let name = figure.what.strip_prefix(GROUP)?.strip_suffix(&ending)?;
            (!figure.value.middle.is_nan()).then_some((name, figure))
        })
        .collect();
    let longest = bars.iter().map(|(_, bar)| high(bar)).fold(0.0, f64::max);
    if longest <= 0.0 {
        return None;
    }
    let height = TOP + ROW * bars.len() + 10;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n{STYLE}\n\
         <title>Processor time of Envoy for a request, over no filter</title>\n\
         <text x=\"10\" y=\"24\">Processor time of Envoy for a request over no filter, µs (median, 95 % interval)</text>\n"
    );
    for (row, (name, bar)) in bars.iter().enumerate() {
        push_bar(&mut text, TOP + row * ROW, name, bar, BARS / longest);
    }
    text += "</svg>\n";
    Some(text)
}

fn high(figure: &Figure) -> f64 {
    known(figure.value.high, figure)
}

/// An end of its interval, or its value where that end is not known.
fn known(end: Option<f64>, figure: &Figure) -> f64 {
    end.filter(|end| end.is_finite())
        .unwrap_or(figure.value.middle)
}

fn push_bar(text: &mut String, y: usize, name: &str, figure: &Figure, scale: f64) {
    let class = if name.starts_with("Keysmith") {
        "keysmith"
    } else {
        "other"
    };
    let at = |value: f64| NAMES + value.max(0.0) * scale;
    let middle = figure.value.middle;
    let (low, high) = (known(figure.value.low, figure), high(figure));
    let width = at(middle) - NAMES;
    let (baseline, center) = (y + 17, y + 12);
    writeln!(
        text,
        "<text x=\"{:.0}\" y=\"{baseline}\" text-anchor=\"end\">{name}</text>\n\
         <rect class=\"{class}\" x=\"{NAMES:.0}\" y=\"{y}\" width=\"{width:.1}\" height=\"24\" rx=\"2\"/>\n\
         <line class=\"interval\" x1=\"{:.1}\" y1=\"{center}\" x2=\"{:.1}\" y2=\"{center}\"/>\n\
         <text x=\"{:.1}\" y=\"{baseline}\">{}</text>",
        NAMES - 8.0,
        at(low),
        at(high),
        at(high) + 8.0,
        number(middle),
    )
    .expect("a text takes every line");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Estimate, Section};

    #[test]
    fn every_variant_of_the_group_has_a_bar() {
        let figure = |what: &str| Figure {
            section: Section::Cpu,
            what: what.to_owned(),
            unit: "µs".to_owned(),
            value: Estimate::exact(3.0),
            target: None,
            note: String::new(),
        };
        let figures = [
            figure("direct response: no filter"),
            figure("direct response: probe, over no filter"),
            figure("direct response: Keysmith key_auth, over no filter"),
            figure("HTTP/2: Keysmith key_auth, over no filter"),
        ];
        let drawn = svg(&figures).expect("a chart");
        assert_eq!(drawn.matches("<rect").count(), 2);
        assert!(svg(&figures[..1]).is_none());
    }
}
