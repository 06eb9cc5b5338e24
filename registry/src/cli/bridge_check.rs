//! `keysmith bridge-check`: says what is wrong with an HTTP bridge.

use std::{path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use serde_json::{Value, json};

use super::{
    console::Console,
    failure::Failure,
    output::{Format, OutputArguments, Table, print_json},
    providers,
};
use crate::{
    entropy::EntropyError,
    ids::{OperationId, ProviderId},
    oauth_client::metadata::ClientMetadata,
    outgoing::{Outgoing, Policy, SystemResolver, trust},
    provider::{
        bridge::check::{Check, CheckOutcome, CheckStep},
        configuration::{Dialect, HttpBridge, Secrets, Tokens},
        registrar::Marker,
    },
};

/// What `keysmith bridge-check --help` says about exit codes.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  nothing is wrong
  1  something is wrong
  2  it could not be tried";

/// Tries a bridge out.
#[derive(Debug, Args)]
pub struct BridgeCheck {
    #[command(flatten)]
    output: OutputArguments,
    /// Where the bridge is, as `base_url` in a provider's configuration
    url: String,
    /// Which protocol it speaks
    #[arg(long, value_enum, default_value_t = Protocol::Api7)]
    dialect: Protocol,
    /// A file with what proves the registry to the bridge, as a provider's secrets: {"headers": {"X-API-KEY": "..."}}; -
    /// for standard input
    #[arg(long, value_name = "FILE")]
    secrets: Option<String>,
    /// Where the bridge lists its clients, as `list_endpoint` in a provider's configuration
    #[arg(long, value_name = "URL")]
    list: Option<String>,
    /// A scope to register clients with; repeat it for several
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A network that may be talked to although it is not public, such as 127.0.0.0/8; repeat it for several
    #[arg(long = "allow-network", value_name = "NETWORK")]
    networks: Vec<IpNet>,
    /// Certificates to trust beside the system's, in PEM
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// A protocol of bridges.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Protocol {
    /// API7's: `/clients`
    Api7,
    /// Kong Konnect's: `/`
    Konnect,
}

impl BridgeCheck {
    pub(super) const fn format(&self) -> Format {
        self.output.output
    }

    /// Tries, prints, and answers the exit code.
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<u8, Failure> {
        let format = self.format();
        let metadata = self.metadata();
        let marks = marks(console)?;
        let check = self.check()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::io("the runtime"))?;
        let steps = runtime.block_on(check.run(&metadata, marks));
        let is_wrong = steps.iter().any(|it| it.outcome == CheckOutcome::Wrong);
        match format {
            Format::Json => print_json(console, &as_json(&steps, !is_wrong))?,
            Format::Table => print(console, &steps)?,
        }
        Ok(u8::from(is_wrong))
    }

    fn check(self) -> Result<Check, Failure> {
        let trusted = trust(self.ca_file.as_deref());
        let trusted = trusted.map_err(|error| Failure::Usage(error.to_string()))?;
        let policy = Policy {
            allowed: self.networks,
        };
        let outgoing = Outgoing::new(policy, Arc::new(SystemResolver), trusted);
        let configuration = HttpBridge {
            base_url: self.url,
            dialect: match self.dialect {
                Protocol::Api7 => Dialect::Api7,
                Protocol::Konnect => Dialect::Konnect,
            },
            list_endpoint: self.list,
            tokens: Tokens::default(),
        };
        let secrets = match &self.secrets {
            None => Secrets::default(),
            Some(file) => read(file)?,
        };
        let made = Check::new(outgoing, &configuration, &secrets);
        made.map_err(|invalid| Failure::Usage(option(&invalid.to_string())))
    }

    fn metadata(&self) -> ClientMetadata {
        ClientMetadata {
            client_name: Some("keysmith bridge-check".to_owned()),
            grant_types: vec!["client_credentials".to_owned()],
            token_endpoint_auth_method: Some("client_secret_basic".to_owned()),
            scope: (!self.scopes.is_empty()).then(|| self.scopes.join(" ")),
            ..ClientMetadata::default()
        }
    }
}

/// Names the option that stands for a field of a configuration.
fn option(text: &str) -> String {
    text.replace("configuration.base_url", "URL")
        .replace("configuration.list_endpoint", "--list")
        .replace("secrets.headers", "--secrets: headers")
}

/// Reads the secrets. An error never repeats what is in them.
fn read(file: &str) -> Result<Secrets, Failure> {
    let json = providers::read(file)?;
    let read = serde_json::from_value(json);
    read.map_err(|_| {
        let what = "is not an object such as {\"headers\": {\"X-API-KEY\": \"...\"}}";
        Failure::Usage(format!("{file}: {what}"))
    })
}

/// Marks as of a provider that no registry knows.
fn marks(console: &Console<'_>) -> Result<[Marker; 2], Failure> {
    let no_randomness = |error: EntropyError| Failure::Other(error.to_string());
    let (now, entropy) = (console.clock.now(), console.entropy);
    let provider = ProviderId::generate(now, entropy).map_err(no_randomness)?;
    let mark = || -> Result<Marker, Failure> {
        let operation = OperationId::generate(now, entropy).map_err(no_randomness)?;
        Ok(Marker {
            provider,
            operation,
        })
    };
    Ok([mark()?, mark()?])
}

fn as_json(steps: &[CheckStep], ok: bool) -> Value {
    let steps = steps
        .iter()
        .map(|it| json!({"step": it.step, "outcome": it.outcome.word(), "detail": it.detail}));
    json!({"ok": ok, "steps": steps.collect::<Vec<_>>()})
}

fn print(console: &mut Console<'_>, steps: &[CheckStep]) -> Result<(), Failure> {
    let mut table = Table::new(["STEP", "OUTCOME", "DETAIL"]);
    for it in steps {
        table.row([
            it.step.to_owned(),
            it.outcome.word().to_owned(),
            it.detail.clone(),
        ]);
    }
    table.print(console)
}
