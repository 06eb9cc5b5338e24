//! Tables for people, JSON for programs.

use clap::{Args, ValueEnum};
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::{console::Console, failure::Failure, moment};

/// How answers are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Table,
    /// The API's JSON; errors are problem details on standard error
    Json,
}

/// How answers are written.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct OutputArguments {
    /// How answers are written
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    pub(super) output: Format,
}

/// Rows under headings, aligned.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self {
            rows: vec![headings.map(ToOwned::to_owned).to_vec()],
        }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| plain(&cell)).to_vec());
    }

    pub(super) fn print(&self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            for (index, cell) in row.iter().enumerate() {
                match widths.get_mut(index) {
                    Some(width) => *width = (*width).max(cell.width()),
                    None => widths.push(cell.width()),
                }
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let gap = width.saturating_sub(cell.width()) + 2;
                line.extend(std::iter::repeat_n(' ', gap));
            }
            console.line(line.trim_end())?;
        }
        Ok(())
    }
}

/// What is known of one thing: names and texts, one a line. Empty texts are left out.
pub(super) fn print_fields(
    console: &mut Console<'_>,
    fields: &[(&str, String)],
) -> Result<(), Failure> {
    let shown = || fields.iter().filter(|(_, text)| !text.is_empty());
    let width = shown().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, text) in shown() {
        console.line(format_args!("{name:width$}  {}", plain(text)))?;
    }
    Ok(())
}

/// JSON over several lines.
pub(super) fn print_json(console: &mut Console<'_>, value: &Value) -> Result<(), Failure> {
    console.line(format_args!("{value:#}"))
}

/// Nothing that comes from elsewhere moves a terminal's cursor.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// A field of an answer as text; empty where it is absent or null.
pub(super) fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

/// A list of texts, separated by commas.
pub(super) fn joined(value: &Value, name: &str) -> String {
    let items = value.get(name).and_then(Value::as_array);
    let texts: Vec<&str> = items
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    texts.join(",")
}

/// Labels as `team=payments,env=prod`.
pub(super) fn labels(value: &Value) -> String {
    let labels = value.get("labels").and_then(Value::as_object);
    let pairs: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    pairs.join(",")
}

/// A moment of an answer, told from now.
pub(super) fn ago(value: &Value, name: &str, console: &Console<'_>) -> String {
    moment::relative(&text(value, name), console.clock.now())
}

/// A moment of an answer, and how far away that is.
pub(super) fn moment(value: &Value, name: &str, console: &Console<'_>) -> String {
    let moment = text(value, name);
    if moment.is_empty() {
        return moment;
    }
    let relative = moment::relative(&moment, console.clock.now());
    format!("{moment} ({relative})")
}

/// What stands where there is nothing.
pub(super) fn or(text: String, instead: &str) -> String {
    if text.is_empty() {
        instead.to_owned()
    } else {
        text
    }
}

/// `enabled` or `disabled`.
pub(super) fn enabled(value: &Value) -> String {
    match value.get("enabled") {
        Some(Value::Bool(false)) => "disabled".to_owned(),
        _ => "enabled".to_owned(),
    }
}
