//! Replacing a gateway group's digest key.

use std::{thread, time::Duration};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{
    client::Ask,
    console::Console,
    desk::{Desk, describe_receipt},
    failure::Failure,
    names::segment,
    output::text,
};

/// Between two looks at how far it has come.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The gateway group's name
    group: String,
    /// Only begin: it goes on by itself
    #[arg(long)]
    no_wait: bool,
}

impl Rotate {
    pub(super) fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let group = format!("/v1/gateway-groups/{}", segment(&self.group));
        let begin = Ask::post(format!("{group}/rotate-digest-key")).json(&json!({}));
        let mut state = desk.client.send(&begin)?.json()?;
        let mut told = String::new();
        while !self.no_wait && state["replacement"].is_object() {
            let line = describe(&state, desk.console);
            if line != told {
                desk.console.note(&line);
                told = line;
            }
            thread::sleep(LOOK_EVERY);
            state = desk.client.get(format!("{group}/digest-key"))?;
        }
        desk.print_one(&state, |console, state| {
            let line = describe(state, console);
            console.line(line)
        })
    }
}

/// How far it has come, in one line.
fn describe(state: &Value, console: &Console<'_>) -> String {
    let (group, version) = (text(state, "group"), text(state, "version"));
    let replacement = &state["replacement"];
    let number = |name: &str| text(replacement, name);
    match replacement["phase"].as_str() {
        Some("adding") => format!(
            "{group}: {} of {} records added under key {}",
            number("added"),
            number("records"),
            number("version"),
        ),
        Some("switched") => {
            let receipt = describe_receipt(&replacement["propagation"], console);
            format!("{group}: key {version} {}", receipt.unwrap_or_default())
        }
        Some(_) => format!(
            "{group}: {} records removed under the old key",
            number("removed")
        ),
        None => format!("{group}: key {version}"),
    }
}
