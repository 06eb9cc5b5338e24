//! `keysmith gateways`.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{
    client::Ask,
    console::Console,
    desk::{Common, Desk, Wait},
    failure::Failure,
    names::segment,
    output::{Table, ago, or, text},
    tokens,
};

/// Gateways, their groups, and the tokens by which they follow
#[derive(Debug, Args)]
pub struct Gateways {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the gateways that follow, and how far each has come
    List,
    /// List the gateway groups
    Groups,
    /// Create a gateway group
    CreateGroup {
        /// Its name, which never changes
        group: String,
        /// Which credentials go there
        #[arg(long, value_enum, default_value_t = Mode::Automatic)]
        mode: Mode,
    },
    /// Delete a gateway group
    DeleteGroup {
        /// Its name
        group: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// List a group's tokens
    Tokens {
        /// The group's name
        group: String,
    },
    /// Create a token with which gateways follow a group
    CreateToken {
        /// The group's name
        group: String,
        #[command(flatten)]
        new: tokens::New,
    },
    /// Revoke a group's token
    RevokeToken {
        /// The group's name
        group: String,
        #[command(flatten)]
        revoke: tokens::Revoke,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Every credential whose application may use it
    Automatic,
    /// Only what is deployed there
    #[value(name = "on_demand", alias = "on-demand")]
    OnDemand,
}

impl Gateways {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut desk = self.common.open(console)?;
        match self.action {
            Action::List => {
                let items = desk.client.whole("/v1/gateways")?;
                desk.print_list(items, gateways_table)
            }
            Action::Groups => {
                let items = desk.client.whole("/v1/gateway-groups")?;
                desk.print_list(items, groups_table)
            }
            Action::CreateGroup { group, mode } => create_group(&mut desk, &group, mode),
            Action::DeleteGroup { group, yes } => {
                let what = format!("This deletes the gateway group {group}");
                desk.console.confirm(yes, &what, &group)?;
                let path = format!("/v1/gateway-groups/{}", segment(&group));
                desk.delete(&path, Wait::default(), &format!("deleted {group}"))
            }
            Action::Tokens { group } => tokens::list(&mut desk, &collection(&group)),
            Action::CreateToken { group, new } => new.run(&mut desk, &collection(&group)),
            Action::RevokeToken { group, revoke } => revoke.run(&mut desk, &collection(&group)),
        }
    }
}

fn collection(group: &str) -> String {
    format!("/v1/gateway-groups/{}/tokens", segment(group))
}

fn create_group(desk: &mut Desk<'_, '_>, name: &str, mode: Mode) -> Result<(), Failure> {
    let word = match mode {
        Mode::Automatic => "automatic",
        Mode::OnDemand => "on_demand",
    };
    let ask = Ask::post("/v1/gateway-groups").json(&json!({"name": name, "mode": word}));
    let created = desk.client.send(&ask)?.json()?;
    desk.print_one(&created, |console, group| {
        groups_table(console, std::slice::from_ref(group))
    })
}

fn groups_table(console: &mut Console<'_>, items: &[Value]) -> Result<(), Failure> {
    let mut table = Table::new(["GROUP", "MODE", "CREATED"]);
    for item in items {
        table.row([
            text(item, "name"),
            text(item, "mode"),
            ago(item, "created_at", console),
        ]);
    }
    table.print(console)
}

fn gateways_table(console: &mut Console<'_>, items: &[Value]) -> Result<(), Failure> {
    let mut table = Table::new([
        "GROUP", "GATEWAY", "INSTANCE", "REVISION", "BEHIND", "WORKERS", "SEEN",
    ]);
    for item in items {
        let applied = item.get("applied").unwrap_or(&Value::Null);
        table.row([
            text(item, "group"),
            or(text(item, "gateway"), "-"),
            text(item, "instance"),
            or(text(applied, "revision"), "-"),
            or(text(applied, "lag"), "-"),
            or(text(applied, "workers"), "-"),
            ago(item, "last_seen_at", console),
        ]);
    }
    table.print(console)
}
