//! `keysmith tokens`: tokens for the REST API; and what tokens of gateways share with them.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::{
    client::Ask,
    console::Console,
    desk::{Common, Desk, Wait},
    failure::Failure,
    moment::{When, when},
    names::segment,
    output::{Table, ago, moment, or, print_fields, text},
    secret::Destination,
};

const COLLECTION: &str = "/v1/tokens";

/// Tokens for the registry's API
#[derive(Debug, Args)]
pub struct Tokens {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the tokens
    List,
    /// Create a token
    Create(New),
    /// Revoke a token
    Revoke(Revoke),
}

/// A token to be made.
#[derive(Debug, Args)]
pub(super) struct New {
    /// For people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Until when it works: a moment, a time from now such as 90d, or never
    #[arg(long, value_name = "WHEN", value_parser = when)]
    expires: Option<When>,
    #[command(flatten)]
    destination: Destination,
}

/// A token to be revoked.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// Its id
    token: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Tokens {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut desk = self.common.open(console)?;
        match self.action {
            Action::List => list(&mut desk, COLLECTION),
            Action::Create(new) => new.run(&mut desk, COLLECTION),
            Action::Revoke(revoke) => revoke.run(&mut desk, COLLECTION),
        }
    }
}

impl New {
    /// Makes it in the collection at this path.
    pub(super) fn run(self, desk: &mut Desk<'_, '_>, collection: &str) -> Result<(), Failure> {
        let now = desk.console.clock.now();
        let mut body = Map::new();
        if let Some(description) = self.description {
            body.insert("description".to_owned(), description.into());
        }
        if let Some(expires) = self.expires {
            body.insert("expires_at".to_owned(), expires.resolve(now).into());
        }
        let ask = Ask::post(collection)
            .json(&Value::Object(body))
            .once(desk.console)?;
        let outlet = self.destination.open()?;
        let made = outlet.around(|| desk.client.send(&ask)?.json())?;
        outlet.deliver(desk.console, desk.format, made, show)
    }
}

impl Revoke {
    /// Revokes it in the collection at this path.
    pub(super) fn run(self, desk: &mut Desk<'_, '_>, collection: &str) -> Result<(), Failure> {
        let what = format!("This revokes the token {}", self.token);
        desk.console.confirm(self.yes, &what, &self.token)?;
        let path = format!("{collection}/{}", segment(&self.token));
        desk.delete(&path, Wait::default(), &format!("revoked {}", self.token))
    }
}

/// Prints the tokens of the collection at this path.
pub(super) fn list(desk: &mut Desk<'_, '_>, collection: &str) -> Result<(), Failure> {
    let items = desk.client.whole(collection)?;
    desk.print_list(items, table)
}

fn table(console: &mut Console<'_>, items: &[Value]) -> Result<(), Failure> {
    let mut table = Table::new(["ID", "ROLE", "TOKEN", "DESCRIPTION", "EXPIRES", "CREATED"]);
    for item in items {
        table.row([
            text(item, "id"),
            text(item, "role"),
            masked(item),
            or(text(item, "description"), "-"),
            or(ago(item, "expires_at", console), "never"),
            ago(item, "created_at", console),
        ]);
    }
    table.print(console)
}

fn show(console: &mut Console<'_>, item: &Value) -> Result<(), Failure> {
    let fields = [
        ("id", text(item, "id")),
        ("role", text(item, "role")),
        ("description", text(item, "description")),
        ("expires", or(moment(item, "expires_at", console), "never")),
        ("created", moment(item, "created_at", console)),
    ];
    print_fields(console, &fields)
}

fn masked(item: &Value) -> String {
    let end = text(item, "last_four");
    format!("{}…{end}", text(item, "prefix"))
}
