//! `keysmith changes`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    console::Console,
    desk::{Common, describe_receipt},
    failure::Failure,
    output::{Table, ago, or, text},
};

/// How far changes have come.
#[derive(Debug, Args)]
pub struct Changes {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show which gateways have a change
    Show {
        /// The change's revision, as `Keysmith-Revision` and `propagation.revision` say it
        revision: u64,
    },
}

impl Changes {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut desk = self.common.open(console)?;
        let Action::Show { revision } = self.action;
        let receipt = desk.client.get(format!("/v1/changes/{revision}"))?;
        desk.print_one(&receipt, show)
    }
}

fn show(console: &mut Console<'_>, receipt: &Value) -> Result<(), Failure> {
    if let Some(line) = describe_receipt(receipt, console) {
        console.line(line)?;
    }
    print_gateways(console, receipt)
}

/// The gateways of a receipt, one a line.
fn print_gateways(console: &mut Console<'_>, receipt: &Value) -> Result<(), Failure> {
    let gateways = receipt.get("gateways").and_then(Value::as_array);
    let mut table = Table::new([
        "GROUP",
        "GATEWAY",
        "STATE",
        "REVISION",
        "SEEN",
        "MAY ADMIT UNTIL",
    ]);
    for gateway in gateways.into_iter().flatten() {
        table.row([
            text(gateway, "group"),
            or(text(gateway, "gateway"), "-"),
            text(gateway, "state"),
            or(text(gateway, "revision"), "-"),
            ago(gateway, "seen_at", console),
            or(text(gateway, "may_admit_until"), "-"),
        ]);
    }
    table.print(console)
}
