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

/// Between two looks at how far it has come: each line that changed stays on the screen, and two a second can be read.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The gateway group's name
    group: String,
    /// Only begin: it goes on by itself
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The gateway group's name
    group: String,
    /// Wait until its replacing is done, and say how far it comes
    #[arg(long)]
    wait: bool,
}

impl Rotate {
    pub(super) fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let path = format!(
            "/v1/gateway-groups/{}/rotate-digest-key",
            segment(&self.group)
        );
        let state = desk
            .client
            .send(&Ask::post(path).json(&json!({})))?
            .json()?;
        follow(desk, &self.group, state, !self.no_wait)
    }
}

impl Show {
    pub(super) fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let state = desk.client.get(path(&self.group))?;
        follow(desk, &self.group, state, self.wait)
    }
}

fn path(group: &str) -> String {
    format!("/v1/gateway-groups/{}/digest-key", segment(group))
}

/// Says how far it has come, and if `wait`, until it is done.
fn follow(
    desk: &mut Desk<'_, '_>,
    group: &str,
    mut state: Value,
    wait: bool,
) -> Result<(), Failure> {
    let mut told = String::new();
    while wait && state["replacement"].is_object() {
        let line = describe(&state, desk.console);
        if line != told {
            desk.console.note(&line);
            told = line;
        }
        thread::sleep(LOOK_EVERY);
        state = desk.client.get(path(group))?;
    }
    desk.print_one(&state, |console, state| {
        let line = describe(state, console);
        console.line(line)
    })
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
