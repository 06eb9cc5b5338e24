//! `keysmith keys`.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    client::Ask,
    console::Console,
    desk::{Common, Desk},
    failure::Failure,
    output::{Table, ago, or, text},
};

mod digest;

/// How often it is asked how far it is: a number that a person watches looks alive, and the registry hardly notices.
const POLL: Duration = Duration::from_millis(200);

/// The keys under which the registry keeps everything, and how they are replaced
#[derive(Debug, Args)]
pub struct Keys {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show which keys there are, and since when; never the keys themselves
    Show,
    /// Seal everything under the next master key while the registry serves, or go on with it
    ///
    /// Waits until it is done. Interrupted, it goes on in the registry all the same.
    RotateMaster {
        /// Return as soon as it has begun
        #[arg(long)]
        no_wait: bool,
    },
    /// Make the next key that the built-in authorization server signs access tokens with
    ///
    /// Gateways hear of it at once, and it signs after an hour. Where there is a next key already, that one stays.
    RotateSigning,
    /// Replace the key under which a gateway group's digests are made
    ///
    /// Gateways go on deciding, and nobody is refused. Afterwards every credential is found under the new key alone.
    RotateDigestKey(digest::Rotate),
    /// Show which digest key a gateway group has, and how far its replacing has come
    DigestKey(digest::Show),
}

impl Keys {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut desk = self.common.open(console)?;
        match self.action {
            Action::Show => show(&mut desk),
            Action::RotateMaster { no_wait } => rotate_master(&mut desk, !no_wait),
            Action::RotateSigning => rotate_signing(&mut desk),
            Action::RotateDigestKey(rotate) => rotate.run(&mut desk),
            Action::DigestKey(show) => show.run(&mut desk),
        }
    }
}

fn show(desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
    let keys = desk.client.send(&Ask::get("/v1/keys"))?.json()?;
    desk.print_one(&keys, |console, keys| {
        print(console, keys)?;
        console.line(format_args!(""))?;
        print_signing(console, keys)
    })
}

fn rotate_signing(desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
    let ask = Ask::post("/v1/keys/rotate-signing");
    let keys = desk.client.send(&ask)?.json()?;
    desk.print_one(&keys, print_signing)
}

fn rotate_master(desk: &mut Desk<'_, '_>, wait: bool) -> Result<(), Failure> {
    let ask = Ask::post("/v1/keys/rotate-master");
    let mut keys = desk.client.send(&ask)?.json()?;
    while wait && let Some(progress) = progress(&keys) {
        draw(desk.console, &progress);
        std::thread::sleep(POLL);
        keys = desk.client.send(&Ask::get("/v1/keys"))?.json()?;
    }
    draw(desk.console, "");
    desk.print_one(&keys, print)
}

/// How far it is, in one line; `None` where nothing moves.
fn progress(keys: &Value) -> Option<String> {
    let rotation = keys.get("rotation").filter(|value| value.is_object())?;
    let number = |name: &str| rotation.get(name).and_then(Value::as_u64).unwrap_or(0);
    let (from, to) = (text(rotation, "from"), text(rotation, "to"));
    let (done, total) = (number("done"), number("total"));
    Some(format!("from {from} to {to}: {done} of {total} values"))
}

/// Draws over itself. Without a terminal it draws nothing.
fn draw(console: &mut Console<'_>, line: &str) {
    if console.draws_progress {
        let _ = write!(console.err, "\r\x1b[2K{line}");
        let _ = console.err.flush();
    }
}

fn print(console: &mut Console<'_>, keys: &Value) -> Result<(), Failure> {
    let items = keys.get("master_keys").and_then(Value::as_array);
    let mut table = Table::new(["MASTER KEY", "SINCE", "LEFT"]);
    for key in items.into_iter().flatten() {
        table.row([
            text(key, "id"),
            ago(key, "since", console),
            or(ago(key, "until", console), "in use"),
        ]);
    }
    table.print(console)?;
    match progress(keys) {
        Some(progress) => console.line(format_args!("moving {progress}")),
        None => Ok(()),
    }
}

fn print_signing(console: &mut Console<'_>, keys: &Value) -> Result<(), Failure> {
    let items = keys.get("signing_keys").and_then(Value::as_array);
    let mut table = Table::new(["SIGNING KEY", "STATE", "MADE", "SIGNS FROM", "UNTIL"]);
    for key in items.into_iter().flatten() {
        table.row([
            text(key, "kid"),
            text(key, "state"),
            ago(key, "created_at", console),
            ago(key, "current_from", console),
            ago(key, "retired_from", console),
        ]);
    }
    table.print(console)
}
