//! `keysmith audit`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    console::Console,
    desk::{Common, Desk},
    failure::Failure,
    moment::{Past, past},
    names::{application_id, credential_id},
    output::{Table, or, text},
};

mod verify;

/// What was done, by whom and from where.
#[derive(Debug, Args)]
pub struct Audit {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what was done, the latest first
    List(List),
    /// Find out whether the log was altered or cut: beside the registry, with its configuration
    ///
    /// Reads the database that `serve` with this configuration uses, while it runs or not, and changes nothing. Needs no
    /// token: who has the master key may read.
    #[command(after_help = verify::EXIT_CODES)]
    Verify(verify::Verify),
}

#[derive(Debug, Args)]
struct List {
    /// Only what was done to this application and its credentials: its name, or its id if it is deleted
    #[arg(long, value_name = "APPLICATION")]
    app: Option<String>,
    /// Only what was done to this credential: APPLICATION/NAME, or its id if it is deleted
    #[arg(long, value_name = "CREDENTIAL")]
    credential: Option<String>,
    /// Only what was done with this token, or tried with it: its id
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Only this, for example `credential.rotated`
    #[arg(long)]
    action: Option<String>,
    /// Only since then: a moment, or a time before now such as 30d
    #[arg(long, value_name = "WHEN", value_parser = past)]
    since: Option<Past>,
    /// Only before then: a moment, or a time before now such as 7d
    #[arg(long, value_name = "WHEN", value_parser = past)]
    until: Option<Past>,
    /// Show so many at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl Audit {
    /// Answers the exit code.
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<u8, Failure> {
        match self.action {
            Action::List(list) => list.run(&mut self.common.open(console)?).map(|()| 0),
            Action::Verify(verify) => verify.run(self.common.format(), console),
        }
    }

    /// Whether a failure and what is found want exit codes of their own.
    pub(super) const fn verifies(&self) -> bool {
        matches!(self.action, Action::Verify(_))
    }
}

impl List {
    fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let now = desk.console.clock.now();
        let mut query = Vec::new();
        if let Some(named) = self.app {
            query.push(("application", application_id(&mut desk.client, &named)?));
        }
        if let Some(named) = self.credential {
            query.push(("credential", credential_id(&mut desk.client, &named)?));
        }
        if let Some(token) = self.token {
            query.push(("token", token));
        }
        if let Some(action) = self.action {
            query.push(("action", action));
        }
        for (name, moment) in [("since", self.since), ("until", self.until)] {
            if let Some(moment) = moment {
                query.push((name, moment.resolve(now)));
            }
        }
        let items = desk.client.list("/v1/audit", &query, self.limit)?;
        desk.print_list(items, table)
    }
}

fn table(console: &mut Console<'_>, items: &[Value]) -> Result<(), Failure> {
    let mut table = Table::new(["AT", "ACTION", "SUBJECT", "TOKEN", "ADDRESS"]);
    for item in items {
        table.row([
            text(item, "at"),
            text(item, "action"),
            text(item, "subject"),
            or(text(item, "token"), "-"),
            or(text(item, "address"), "-"),
        ]);
    }
    table.print(console)
}
