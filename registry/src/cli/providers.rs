//! `keysmith providers`: identity providers, at which OAuth clients are registered.

use std::io::Read as _;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value};

use super::{
    client::Ask,
    console::Console,
    desk::{Common, Desk, Wait},
    failure::Failure,
    names::segment,
    output::{Format, Table, ago, enabled, moment, or, print_fields, print_json, text},
};

mod reconcile;

const COLLECTION: &str = "/v1/identity-providers";
/// Bytes of a file at most.
const MAX_FILE: u64 = 64 * 1024;

/// Identity providers
#[derive(Debug, Args)]
pub struct Providers {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the providers
    List,
    /// Show a provider
    Get {
        /// Its name or id
        provider: String,
    },
    /// Make a provider known
    Create {
        /// Its name: 1 to 64 of letters, digits, `_` and `-`
        name: String,
        /// How it is talked to
        #[arg(long)]
        kind: Kind,
        /// What its tokens say in `iss`, byte for byte
        #[arg(long, value_name = "URL")]
        issuer: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Change a provider
    Update {
        /// Its name or id
        provider: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Forget a provider at which nothing is registered
    Delete {
        /// Its name or id
        provider: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Try discovery, clock, credentials, key set and introspection; exits with 1 if something fails
    Verify {
        /// Its name or id
        provider: String,
    },
    /// Compare the clients at providers with what the registry knows of them; exits with 1 if something does not agree
    ///
    /// Without --repair, --orphans and --forget nothing is changed.
    #[command(after_help = reconcile::EXIT_CODES)]
    Reconcile(reconcile::Reconcile),
}

/// How a provider is talked to.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// By discovery and dynamic client registration
    Oidc,
    /// By an HTTP bridge
    #[value(name = "http_bridge", alias = "http-bridge")]
    HttpBridge,
}

/// What can be said of a provider.
#[derive(Debug, Args)]
struct Settings {
    /// For people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Whether clients are registered there, and its tokens accepted
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
    /// A file with the configuration, whole, in JSON; - for standard input
    #[arg(long, value_name = "FILE")]
    configuration: Option<String>,
    /// A file with what proves the registry to it, whole, in JSON; - for standard input
    #[arg(long, value_name = "FILE")]
    secrets: Option<String>,
}

impl Providers {
    /// Returns the exit code.
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<u8, Failure> {
        let mut desk = self.common.open(console)?;
        match self.action {
            Action::List => {
                let items = desk.client.list(COLLECTION, &[], None)?;
                desk.print_list(items, table)?;
            }
            Action::Get { provider } => {
                let path = path(&mut desk, &provider)?;
                let found = desk.client.get(path)?;
                desk.print_one(&found, show)?;
            }
            Action::Create {
                name,
                kind,
                issuer,
                settings,
            } => {
                let kind = match kind {
                    Kind::Oidc => "oidc",
                    Kind::HttpBridge => "http_bridge",
                };
                let mut body = settings.body()?;
                for (field, value) in [("name", name.as_str()), ("kind", kind), ("issuer", &issuer)]
                {
                    body.insert(field.to_owned(), value.into());
                }
                send(&mut desk, Ask::post(COLLECTION).repeatable(), body)?;
            }
            Action::Update { provider, settings } => {
                let body = settings.body()?;
                if body.is_empty() {
                    return Err(Failure::Usage("say what is to change".to_owned()));
                }
                let path = path(&mut desk, &provider)?;
                send(&mut desk, Ask::patch(path), body)?;
            }
            Action::Delete { provider, yes } => {
                let path = path(&mut desk, &provider)?;
                let what = format!("This makes the registry forget the provider {provider}");
                desk.console.confirm(yes, &what, &provider)?;
                desk.delete(&path, Wait::default(), &format!("deleted {provider}"))?;
            }
            Action::Verify { provider } => return verify(&mut desk, &provider),
            Action::Reconcile(reconcile) => return reconcile.run(&mut desk),
        }
        Ok(0)
    }
}

impl Settings {
    fn body(self) -> Result<Map<String, Value>, Failure> {
        let mut body = Map::new();
        if let Some(description) = self.description {
            body.insert("description".to_owned(), description.into());
        }
        if let Some(enabled) = self.enabled {
            body.insert("enabled".to_owned(), enabled.into());
        }
        for (field, file) in [
            ("configuration", self.configuration),
            ("secrets", self.secrets),
        ] {
            if let Some(file) = file {
                body.insert(field.to_owned(), read(&file)?);
            }
        }
        Ok(body)
    }
}

/// Reads JSON from a file. An error never repeats what is in it.
pub(super) fn read(file: &str) -> Result<Value, Failure> {
    let unusable = |what: &str| Failure::Usage(format!("{file}: {what}"));
    let source: Box<dyn std::io::Read> = if file == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let opened = std::fs::File::open(file);
        Box::new(opened.map_err(|error| unusable(&error.to_string()))?)
    };
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    let reading = source.take(MAX_FILE).read_to_end(&mut bytes);
    reading.map_err(|error| unusable(&error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|_| unusable("is not JSON"))
}

/// The path of the provider with this name or id.
fn path(desk: &mut Desk<'_, '_>, provider: &str) -> Result<String, Failure> {
    let all = desk.client.list(COLLECTION, &[], None)?;
    let found = all.iter().find(|item| text(item, "name") == provider);
    let id = found.map_or_else(|| provider.to_owned(), |item| text(item, "id"));
    Ok(format!("{COLLECTION}/{}", segment(&id)))
}

fn send(desk: &mut Desk<'_, '_>, ask: Ask, body: Map<String, Value>) -> Result<(), Failure> {
    let ask = ask.json(&Value::Object(body));
    let answered = desk.client.send(&ask)?.json()?;
    desk.print_one(&answered, show)
}

fn verify(desk: &mut Desk<'_, '_>, provider: &str) -> Result<u8, Failure> {
    let path = path(desk, provider)?;
    let ask = Ask::post(format!("{path}/verify"));
    let answered = desk.client.send(&ask)?.json()?;
    if desk.format == Format::Json {
        print_json(desk.console, &answered)?;
    } else {
        let mut table = Table::new(["STEP", "OUTCOME", "DETAIL"]);
        let steps = answered.get("steps").and_then(Value::as_array);
        for step in steps.into_iter().flatten() {
            table.row([
                text(step, "step"),
                text(step, "outcome"),
                text(step, "detail"),
            ]);
        }
        table.print(desk.console)?;
    }
    Ok(u8::from(answered.get("ok") != Some(&Value::Bool(true))))
}

fn table(console: &mut Console<'_>, items: &[Value]) -> Result<(), Failure> {
    let mut table = Table::new(["NAME", "KIND", "ISSUER", "ENABLED", "CREATED"]);
    for item in items {
        table.row([
            text(item, "name"),
            text(item, "kind"),
            or(text(item, "issuer"), "-"),
            enabled(item),
            ago(item, "created_at", console),
        ]);
    }
    table.print(console)
}

fn show(console: &mut Console<'_>, item: &Value) -> Result<(), Failure> {
    let configuration = item
        .get("configuration")
        .map_or_else(String::new, ToString::to_string);
    let fields = [
        ("name", text(item, "name")),
        ("id", text(item, "id")),
        ("kind", text(item, "kind")),
        ("issuer", or(text(item, "issuer"), "-")),
        ("description", text(item, "description")),
        ("enabled", enabled(item)),
        ("configuration", configuration),
        ("created", moment(item, "created_at", console)),
        ("updated", moment(item, "updated_at", console)),
    ];
    print_fields(console, &fields)
}
