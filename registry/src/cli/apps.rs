//! `keysmith apps`.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::{
    client::Ask,
    console::Console,
    desk::{Common, Desk, Wait, print_propagation},
    edit::{Details, Removal},
    failure::Failure,
    names::{application, application_id, credential_id},
    output::{Table, ago, enabled, joined, labels, moment, or, print_fields, text},
    secret::OptionalDestination,
};

/// Applications: the programs that call your APIs
#[derive(Debug, Args)]
pub struct Apps {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List applications
    List {
        /// Show so many at most
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Show an application
    Show {
        /// Its name or id
        application: String,
    },
    /// Create an application
    Create(Create),
    /// Change an application
    Update(Update),
    /// Delete an application with all its credentials
    Delete {
        /// Its name or id
        application: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        wait: Wait,
    },
    /// Make another API key the application's default
    DefaultCredential {
        /// The application's name or id
        application: String,
        /// The API key: its id, or APPLICATION/NAME
        credential: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Honour an application's credentials again
    Enable {
        /// Its name or id
        application: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Stop all credentials of an application at once
    Disable {
        /// Its name or id
        application: String,
        #[command(flatten)]
        wait: Wait,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// Its name, which the upstream sees as `X-Consumer-Username`
    name: String,
    #[command(flatten)]
    settings: Settings,
    /// Create it disabled
    #[arg(long)]
    disabled: bool,
    /// Whether it must always have an API key that is honoured; `required` makes one with it
    #[arg(long, value_enum, value_name = "WORD", default_value_t = DefaultKey::None)]
    default_key: DefaultKey,
    #[command(flatten)]
    destination: OptionalDestination,
    #[command(flatten)]
    wait: Wait,
}

/// Whether an application must always have an API key that is honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DefaultKey {
    /// It may have none
    None,
    /// Its default credential can be neither disabled, deleted nor given an end
    Required,
}

impl DefaultKey {
    const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Required => "required",
        }
    }
}

#[derive(Debug, Args)]
struct Update {
    /// Its name or id
    application: String,
    /// Its next name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    removal: Removal,
    /// Let it into every automatic gateway group
    #[arg(long, conflicts_with = "groups")]
    all_groups: bool,
    /// Whether it must always have an API key that is honoured; `required` needs --default-credential, unless it was so
    #[arg(long, value_enum, value_name = "WORD")]
    default_key: Option<DefaultKey>,
    /// Its default API key: its id, or APPLICATION/NAME
    #[arg(long, value_name = "CREDENTIAL")]
    default_credential: Option<String>,
    #[command(flatten)]
    wait: Wait,
}

#[derive(Debug, Args)]
struct Settings {
    /// Which developers see it; empty for none
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// What the upstream sees as `X-Consumer-Custom-ID`; empty for none
    #[arg(long, value_name = "TEXT")]
    custom_id: Option<String>,
    #[command(flatten)]
    details: Details,
    /// A gateway group in which its credentials work; repeat it for several
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
}

impl Apps {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut desk = self.common.open(console)?;
        match self.action {
            Action::List { limit } => {
                let items = desk.client.list("/v1/applications", &[], limit)?;
                desk.print_list(items, table)
            }
            Action::Show { application: named } => {
                let id = application_id(&mut desk.client, &named)?;
                let found = desk.client.get(format!("/v1/applications/{id}"))?;
                desk.print_one(&found, show)
            }
            Action::Create(create) => create.run(&mut desk),
            Action::Update(update) => update.run(&mut desk),
            Action::Delete {
                application,
                yes,
                wait,
            } => delete(&mut desk, &application, yes, wait),
            Action::DefaultCredential {
                application,
                credential,
                wait,
            } => set_default(&mut desk, &application, &credential, wait),
            Action::Enable { application, wait } => {
                change(&mut desk, &application, &json!({"enabled": true}), wait)
            }
            Action::Disable { application, wait } => {
                change(&mut desk, &application, &json!({"enabled": false}), wait)
            }
        }
    }
}

impl Create {
    fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let is_required = self.default_key == DefaultKey::Required;
        let destination = self.destination.check(is_required)?;
        let mut body = self.settings.body();
        body.insert("name".to_owned(), self.name.into());
        if is_required {
            body.insert("default_key".to_owned(), self.default_key.word().into());
        }
        if self.disabled {
            body.insert("enabled".to_owned(), false.into());
        }
        let ask = Ask::post("/v1/applications")
            .json(&Value::Object(body))
            .once(desk.console)?;
        let ask = self.wait.on(ask)?;
        let outlet = destination.open()?;
        let made = outlet.around(|| desk.client.send(&ask)?.json())?;
        outlet.deliver(desk.console, desk.format, made, show)
    }
}

impl Update {
    fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let mut body = self.settings.body();
        if let Some(name) = self.name {
            body.insert("name".to_owned(), name.into());
        }
        if self.all_groups {
            body.insert("gateway_groups".to_owned(), Value::Null);
        }
        self.removal.fill(&mut body);
        if let Some(default_key) = self.default_key {
            body.insert("default_key".to_owned(), default_key.word().into());
        }
        if let Some(named) = self.default_credential {
            let id = credential_id(&mut desk.client, &named)?;
            body.insert("default_credential".to_owned(), id.into());
        }
        if body.is_empty() {
            return Err(Failure::Usage("say what is to change".to_owned()));
        }
        change(desk, &self.application, &Value::Object(body), self.wait)
    }
}

impl Settings {
    fn body(self) -> Map<String, Value> {
        let mut body = Map::new();
        if let Some(owner) = self.owner {
            let owner = (!owner.is_empty()).then_some(owner);
            body.insert("owner".to_owned(), owner.into());
        }
        if let Some(custom_id) = self.custom_id {
            let custom_id = (!custom_id.is_empty()).then_some(custom_id);
            body.insert("custom_id".to_owned(), custom_id.into());
        }
        if !self.groups.is_empty() {
            body.insert("gateway_groups".to_owned(), self.groups.into());
        }
        self.details.fill(&mut body);
        body
    }
}

fn change(desk: &mut Desk<'_, '_>, named: &str, body: &Value, wait: Wait) -> Result<(), Failure> {
    let id = application_id(&mut desk.client, named)?;
    let ask = Ask::patch(format!("/v1/applications/{id}")).json(body);
    let changed = desk.client.send(&wait.on(ask)?)?.json()?;
    desk.print_one(&changed, show)
}

fn set_default(
    desk: &mut Desk<'_, '_>,
    named: &str,
    credential: &str,
    wait: Wait,
) -> Result<(), Failure> {
    let id = application_id(&mut desk.client, named)?;
    let credential = credential_id(&mut desk.client, credential)?;
    let ask = Ask::put(format!("/v1/applications/{id}/default-credential"))
        .json(&json!({"credential": credential}));
    let changed = desk.client.send(&wait.on(ask)?)?.json()?;
    desk.print_one(&changed, show)
}

fn delete(desk: &mut Desk<'_, '_>, named: &str, yes: bool, wait: Wait) -> Result<(), Failure> {
    let found = application(&mut desk.client, named)?;
    let name = text(&found, "name");
    let what = format!("This deletes the application {name} and all its credentials");
    desk.console.confirm(yes, &what, &name)?;
    let path = format!("/v1/applications/{}", text(&found, "id"));
    desk.delete(&path, wait, &format!("deleted {name}"))
}

fn table(console: &mut Console<'_>, items: &[Value]) -> Result<(), Failure> {
    let mut table = Table::new(["NAME", "ID", "STATUS", "GROUPS", "SCOPES", "CREATED"]);
    for item in items {
        table.row([
            text(item, "name"),
            text(item, "id"),
            enabled(item),
            or(joined(item, "gateway_groups"), "automatic"),
            or(joined(item, "scopes"), "-"),
            ago(item, "created_at", console),
        ]);
    }
    table.print(console)
}

fn show(console: &mut Console<'_>, item: &Value) -> Result<(), Failure> {
    let fields = [
        ("name", text(item, "name")),
        ("id", text(item, "id")),
        ("status", enabled(item)),
        ("owner", text(item, "owner")),
        ("custom id", text(item, "custom_id")),
        ("description", text(item, "description")),
        ("labels", labels(item)),
        ("scopes", joined(item, "scopes")),
        ("groups", or(joined(item, "gateway_groups"), "automatic")),
        ("default key", default_key(item)),
        ("created", moment(item, "created_at", console)),
        ("updated", moment(item, "updated_at", console)),
    ];
    print_fields(console, &fields)?;
    print_propagation(console, item)
}

/// The default credential's id, where there must be one.
fn default_key(item: &Value) -> String {
    match item.get("default_credential") {
        Some(made @ Value::Object(_)) => text(made, "id"),
        _ => or(text(item, "default_credential"), &text(item, "default_key")),
    }
}
