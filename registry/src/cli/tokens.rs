//! `keysmith tokens`: tokens for the REST API; and what tokens of gateways share with them.

use clap::{Args, Subcommand, ValueEnum};
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
    Create(NewAdmin),
    /// Revoke a token
    Revoke(Revoke),
}

/// A token to be made that is no gateway's.
#[derive(Debug, Args)]
struct NewAdmin {
    /// What it may do: nothing that the token which makes it may not
    #[arg(long, value_enum, value_name = "ROLE", default_value_t = Role::PortalAdmin)]
    role: Role,
    /// For a developer: whose applications it sees
    #[arg(long, value_name = "OWNER", required_if_eq("role", "developer"))]
    owner: Option<String>,
    #[command(flatten)]
    new: New,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Role {
    /// Everything
    PortalAdmin,
    /// All applications and credentials of every organization, and what applications are allowed
    ApiOwner,
    /// The applications, credentials and tokens of its organization
    OrgAdmin,
    /// The applications of its owner
    Developer,
    /// Read everything of every organization, and no secret
    Auditor,
    /// Report leaked secrets, and nothing else
    LeakReporter,
}

impl Role {
    const fn word(self) -> &'static str {
        match self {
            Self::PortalAdmin => "portal_admin",
            Self::ApiOwner => "api_owner",
            Self::OrgAdmin => "org_admin",
            Self::Developer => "developer",
            Self::Auditor => "auditor",
            Self::LeakReporter => "leak_reporter",
        }
    }
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
            Action::Create(new) => new.run(&mut desk),
            Action::Revoke(revoke) => revoke.run(&mut desk, COLLECTION),
        }
    }
}

impl NewAdmin {
    fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let mut body = Map::new();
        body.insert("role".to_owned(), self.role.word().into());
        if let Some(owner) = self.owner {
            body.insert("owner".to_owned(), owner.into());
        }
        self.new.send(desk, COLLECTION, body)
    }
}

impl New {
    /// Makes it in the collection at this path.
    pub(super) fn run(self, desk: &mut Desk<'_, '_>, collection: &str) -> Result<(), Failure> {
        self.send(desk, collection, Map::new())
    }

    fn send(
        self,
        desk: &mut Desk<'_, '_>,
        collection: &str,
        mut body: Map<String, Value>,
    ) -> Result<(), Failure> {
        let now = desk.console.clock.now();
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
    let mut table = Table::new([
        "ID",
        "ROLE",
        "OWNER",
        "TOKEN",
        "DESCRIPTION",
        "EXPIRES",
        "CREATED",
    ]);
    for item in items {
        table.row([
            text(item, "id"),
            text(item, "role"),
            or(text(item, "owner"), "-"),
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
        ("owner", text(item, "owner")),
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
