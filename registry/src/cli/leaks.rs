//! `keysmith leaks`, and the reports of `keysmith scan`.

use std::io::{BufRead as _, BufReader};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    client::{Ask, Client},
    console::{Console, open},
    desk::{Common, Desk},
    failure::Failure,
    output::{Table, or, text},
};
use crate::secrets::SecretText;

/// Reports in one request: with the longest addresses they fit into a body.
const BATCH: usize = 20;

/// Secrets that were found where they do not belong.
#[derive(Debug, Args)]
pub struct Leaks {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Report values that leaked; the registry does with their credentials what is configured
    Report(Report),
}

#[derive(Debug, Args)]
struct Report {
    /// A file with one value a line; `-` for standard input
    #[arg(value_name = "FILE")]
    path: String,
    /// Where they were found
    #[arg(long, value_name = "URL", default_value = "")]
    found_at: String,
    /// Who found them, or how
    #[arg(long, value_name = "TEXT", default_value = "")]
    source: String,
}

/// A value, and where it was found.
#[derive(Debug)]
pub(super) struct Leak {
    pub(super) value: SecretText,
    pub(super) url: String,
    pub(super) source: String,
}

impl Leaks {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut desk = self.common.open(console)?;
        let Action::Report(report) = self.action;
        report.run(&mut desk)
    }
}

impl Report {
    fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let mut leaks = Vec::new();
        for line in BufReader::new(open(&self.path)?).lines() {
            let line = Zeroizing::new(line.map_err(Failure::io(self.path.clone()))?);
            let value = line.trim();
            if !value.is_empty() {
                leaks.push(Leak {
                    value: SecretText::new(value.to_owned()),
                    url: self.found_at.clone(),
                    source: self.source.clone(),
                });
            }
        }
        let mut outcomes = Vec::new();
        report(&mut desk.client, &leaks, &mut outcomes)?;
        desk.print_list(outcomes, table)
    }
}

/// Reports values, and adds what became of each to `outcomes`, in their order; on a failure of those before it.
pub(super) fn report(
    client: &mut Client,
    leaks: &[Leak],
    outcomes: &mut Vec<Value>,
) -> Result<(), Failure> {
    for batch in leaks.chunks(BATCH) {
        let reports = batch.iter().map(
            |leak| json!({"value": leak.value.expose(), "url": leak.url, "source": leak.source}),
        );
        let body = json!({"leaks": reports.collect::<Vec<Value>>()});
        // To report the same again changes nothing.
        let answer = client.send(&Ask::post("/v1/leaks").json(&body).repeatable())?;
        if let Some(Value::Array(more)) = answer.json()?.get_mut("leaks") {
            outcomes.append(more);
        }
    }
    Ok(())
}

fn table(console: &mut Console<'_>, items: &[Value]) -> Result<(), Failure> {
    let mut table = Table::new(["VALUE", "STATUS", "ACTION", "CREDENTIAL"]);
    for (number, item) in (1..).zip(items) {
        let number: usize = number;
        table.row([
            number.to_string(),
            text(item, "status"),
            or(text(item, "action"), "-"),
            or(text(item, "credential"), "-"),
        ]);
    }
    table.print(console)
}

/// What became of a report, in a few words.
pub(super) fn describe(outcome: &Value) -> String {
    let parts = ["status", "action", "credential"].map(|name| text(outcome, name));
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}
