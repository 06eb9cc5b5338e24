//! The command line over the REST API.
//!
//! Every command is a thin client of the same API that everybody else uses; it knows no store and no key. What it says
//! goes through the [`Console`] that is handed in.

use std::process::ExitCode;

use clap::Subcommand;

mod console;
mod failure;
mod moment;
mod output;
mod providers;
mod secret;

pub(crate) mod connection;

mod client;
mod transport;

mod desk;
mod edit;
mod names;

mod apps;
mod audit;
mod bridge_check;
mod changes;
mod credentials;
mod export;
mod gateways;
mod import;
mod keys;
mod leaks;
mod organizations;
mod scan;
mod tokens;

pub use console::{Console, is_interactive};

pub use failure::EXIT_CODES;

use failure::Failure;
use output::Format;

/// A command that talks to a registry.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Applications: the programs that call your APIs
    #[command(visible_alias = "applications", after_help = EXIT_CODES)]
    Apps(apps::Apps),
    /// Credentials: API keys, user names with passwords, and bearer tokens
    ///
    /// A credential is named by its id, or as APPLICATION/NAME.
    #[command(after_help = EXIT_CODES)]
    Credentials(Box<credentials::Credentials>),
    /// Gateways, their groups, and the tokens by which they follow
    #[command(after_help = EXIT_CODES)]
    Gateways(gateways::Gateways),
    /// Tenants, and how much each may have
    #[command(after_help = EXIT_CODES)]
    Organizations(organizations::Organizations),
    /// Identity providers, at which OAuth clients are registered
    #[command(after_help = EXIT_CODES)]
    Providers(providers::Providers),
    /// Try an HTTP bridge to an identity provider out, and say what is wrong with it
    ///
    /// Needs no registry. Clients are registered, changed and removed again as the registry would do it, and the bridge is
    /// asked what it must refuse. No secret is ever printed.
    #[command(after_help = bridge_check::EXIT_CODES)]
    BridgeCheck(bridge_check::BridgeCheck),
    /// Tokens for the registry's API
    #[command(after_help = EXIT_CODES)]
    Tokens(tokens::Tokens),
    /// What was done, by whom and from where
    #[command(after_help = EXIT_CODES)]
    Audit(audit::Audit),
    /// How far changes have come
    #[command(after_help = EXIT_CODES)]
    Changes(changes::Changes),
    /// The keys under which the registry keeps everything, and how they are replaced
    #[command(after_help = EXIT_CODES)]
    Keys(keys::Keys),
    /// Bring credentials that exist elsewhere, secrets or their hashes included
    ///
    /// NDJSON: one object a line, with `application`, `name`, `type` and one of `value`, `sha256`, `password`,
    /// `password_hash`, and optionally `username`, `identifier`, `description`, `labels`, `scopes`, `enabled`, `not_before`,
    /// `expires_at` and `create_application`. CSV: the same names in the first line; labels as `a=b;c=d`, scopes separated
    /// by spaces. It is safe to run it again: what is there already stays as it is.
    #[command(after_help = EXIT_CODES)]
    Import(import::Import),
    /// Write all credentials with their applications, without their secrets
    ///
    /// Applications without credentials are not written.
    #[command(after_help = EXIT_CODES)]
    Export(export::Export),
    /// Report secrets that were found where they do not belong
    #[command(after_help = EXIT_CODES)]
    Leaks(leaks::Leaks),
    /// Find secrets of Keysmith's form in files
    ///
    /// Folders are searched with everything below them, but for `.git`; symbolic links are not followed. Without --report
    /// nothing is sent anywhere, and no secret is ever printed whole.
    #[command(after_help = scan::EXIT_CODES)]
    Scan(scan::Scan),
}

/// Does what the command says; the exit code tells scripts how it went.
pub fn run(command: Command, console: &mut Console<'_>) -> ExitCode {
    let format = command.format();
    // As for grep, where 1 is no failure.
    let finds = match &command {
        Command::Scan(_) | Command::BridgeCheck(_) => true,
        Command::Audit(audit) => audit.verifies(),
        _ => false,
    };
    let trouble = finds.then(|| ExitCode::from(2));
    let done = |result: Result<(), Failure>| result.map(|()| 0);
    let result = match command {
        Command::Apps(apps) => done(apps.run(console)),
        Command::Credentials(credentials) => done(credentials.run(console)),
        Command::Gateways(gateways) => done(gateways.run(console)),
        Command::Organizations(organizations) => done(organizations.run(console)),
        Command::Providers(providers) => providers.run(console),
        Command::BridgeCheck(check) => check.run(console),
        Command::Tokens(tokens) => done(tokens.run(console)),
        Command::Audit(audit) => audit.run(console),
        Command::Changes(changes) => done(changes.run(console)),
        Command::Keys(keys) => done(keys.run(console)),
        Command::Import(import) => import.run(console),
        Command::Export(export) => done(export.run(console)),
        Command::Leaks(leaks) => done(leaks.run(console)),
        Command::Scan(scan) => scan.run(console),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            tell(console, format, &failure);
            trouble.unwrap_or_else(|| failure.exit_code())
        }
    }
}

impl Command {
    const fn format(&self) -> Format {
        match self {
            Self::Apps(command) => command.common.format(),
            Self::Credentials(command) => command.common.format(),
            Self::Gateways(command) => command.common.format(),
            Self::Organizations(command) => command.common.format(),
            Self::Providers(command) => command.common.format(),
            Self::BridgeCheck(command) => command.format(),
            Self::Tokens(command) => command.common.format(),
            Self::Audit(command) => command.common.format(),
            Self::Changes(command) => command.common.format(),
            Self::Keys(command) => command.common.format(),
            Self::Import(command) => command.common.format(),
            Self::Export(_) => Format::Table,
            Self::Leaks(command) => command.common.format(),
            Self::Scan(command) => command.common.format(),
        }
    }
}

fn tell(console: &mut Console<'_>, format: Format, failure: &Failure) {
    match format {
        Format::Json => console.note(format_args!("{:#}", failure.to_json())),
        Format::Table => console.note(format_args!("keysmith: {failure}")),
    }
}
