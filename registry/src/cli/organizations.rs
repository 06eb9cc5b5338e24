//! `keysmith organizations`: tenants, and how much each may have.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::{
    client::Ask,
    console::Console,
    desk::{Common, Desk, Wait},
    failure::Failure,
    names::segment,
    output::{Table, ago, moment, or, print_fields, text},
};

const COLLECTION: &str = "/v1/organizations";

/// Tenants
#[derive(Debug, Args)]
pub struct Organizations {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the organizations
    List,
    /// Show an organization
    Show {
        /// Its name
        name: String,
    },
    /// Create an organization
    Create {
        /// Its name: 1 to 64 of letters, digits, `_` and `-`
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Change an organization
    Update {
        /// Its name
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Delete an organization that has no applications and no valid tokens
    Delete {
        /// Its name
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// What can be said of an organization.
#[derive(Debug, Args)]
struct Settings {
    /// For people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// How many applications it may have; `default` for as many as the registry's settings say
    #[arg(long, value_name = "NUMBER", value_parser = limit)]
    max_applications: Option<Limit>,
    /// How many credentials it may have; `default` for as many as the registry's settings say
    #[arg(long, value_name = "NUMBER", value_parser = limit)]
    max_credentials: Option<Limit>,
    /// How many valid tokens it may have; `default` for as many as the registry's settings say
    #[arg(long, value_name = "NUMBER", value_parser = limit)]
    max_tokens: Option<Limit>,
}

/// A limit of its own, or the configured one.
#[derive(Clone, Copy, Debug)]
struct Limit(Option<u64>);

fn limit(text: &str) -> Result<Limit, String> {
    if text == "default" {
        return Ok(Limit(None));
    }
    let number = text.parse().map(Some).map(Limit);
    number.map_err(|_| "must be a number, or default".to_owned())
}

impl Organizations {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut desk = self.common.open(console)?;
        match self.action {
            Action::List => {
                let items = desk.client.list(COLLECTION, &[], None)?;
                desk.print_list(items, table)
            }
            Action::Show { name } => {
                let found = desk.client.get(path(&name))?;
                desk.print_one(&found, show)
            }
            Action::Create { name, settings } => {
                let mut body = settings.body();
                body.insert("name".to_owned(), name.into());
                send(&mut desk, Ask::post(COLLECTION), body)
            }
            Action::Update { name, settings } => {
                let body = settings.body();
                if body.is_empty() {
                    return Err(Failure::Usage("say what is to change".to_owned()));
                }
                send(&mut desk, Ask::patch(path(&name)), body)
            }
            Action::Delete { name, yes } => {
                let what = format!("This deletes the organization {name}");
                desk.console.confirm(yes, &what, &name)?;
                desk.delete(&path(&name), Wait::default(), &format!("deleted {name}"))
            }
        }
    }
}

impl Settings {
    fn body(self) -> Map<String, Value> {
        let mut body = Map::new();
        if let Some(description) = self.description {
            body.insert("description".to_owned(), description.into());
        }
        for (field, limit) in [
            ("max_applications", self.max_applications),
            ("max_credentials", self.max_credentials),
            ("max_tokens", self.max_tokens),
        ] {
            if let Some(Limit(most)) = limit {
                body.insert(field.to_owned(), most.into());
            }
        }
        body
    }
}

fn path(name: &str) -> String {
    format!("{COLLECTION}/{}", segment(name))
}

fn send(desk: &mut Desk<'_, '_>, ask: Ask, body: Map<String, Value>) -> Result<(), Failure> {
    let ask = ask.json(&Value::Object(body));
    let answered = desk.client.send(&ask)?.json()?;
    desk.print_one(&answered, show)
}

fn table(console: &mut Console<'_>, items: &[Value]) -> Result<(), Failure> {
    let mut table = Table::new([
        "NAME",
        "APPLICATIONS",
        "CREDENTIALS",
        "DESCRIPTION",
        "CREATED",
    ]);
    for item in items {
        table.row([
            text(item, "name"),
            of(item, "applications"),
            of(item, "credentials"),
            or(text(item, "description"), "-"),
            ago(item, "created_at", console),
        ]);
    }
    table.print(console)
}

fn show(console: &mut Console<'_>, item: &Value) -> Result<(), Failure> {
    let fields = [
        ("name", text(item, "name")),
        ("id", text(item, "id")),
        ("description", text(item, "description")),
        ("applications", of(item, "applications")),
        ("credentials", of(item, "credentials")),
        ("max tokens", or(text(item, "max_tokens"), "default")),
        ("created", moment(item, "created_at", console)),
        ("updated", moment(item, "updated_at", console)),
    ];
    print_fields(console, &fields)
}

/// How many it has, and of how many where it has a limit of its own.
fn of(item: &Value, what: &str) -> String {
    let (has, most) = (text(item, what), text(item, &format!("max_{what}")));
    if most.is_empty() {
        has
    } else {
        format!("{has} of {most}")
    }
}
