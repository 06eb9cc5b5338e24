//! What a deployment may decide: read once from a TOML file and the environment, then never looked up again.

mod reader;
mod reference;
mod settings;

use std::{
    collections::BTreeMap, ffi::OsString, fmt, net::SocketAddr, path::Path, path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use zeroize::Zeroizing;

use crate::{leak, lifetime::Lifetimes, oauth::upkeep::AccessTokens, organization::Quotas};

pub use reader::{ConfigError, Mistake};
pub use reference::{OPTIONS, Setting, help};

use reader::Reader;

use crate::credential::RotationPolicy;

/// Everything a deployment decides, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where and how the registry listens.
    pub listeners: Listeners,
    /// The directory with the database, the master key and the first admin token.
    pub data_dir: PathBuf,
    /// The file to which revocations are written a second time.
    pub revocation_journal: PathBuf,
    /// Where the database is, unless it is a file in the directory.
    pub database: Database,
    /// Secrets given by configuration rather than generated.
    pub secrets: Secrets,
    /// What new credentials must look like.
    pub policy: Policy,
    /// When secrets are to be replaced, and how long the ones before may still work.
    pub rotation: RotationPolicy,
    /// For how long credentials and tokens may work at most.
    pub lifetimes: Lifetimes,
    /// Bounds on what one client may take.
    pub limits: Limits,
    /// What becomes of secrets that are reported as leaked.
    pub leaks: Leaks,
    /// Bounds on the verification of chosen passwords.
    pub passwords: Passwords,
    /// For how long changes are kept for gateways that were away.
    pub change_retention: Duration,
    /// For how long usage by day is kept.
    pub usage_kept: Duration,
    /// The audit log.
    pub audit: Audit,
    /// How much an organization may have that says nothing else.
    pub quotas: Quotas,
    /// Where people, clients and gateways reach the registry; `None` where nobody has said it and it cannot be told.
    pub public_url: Option<String>,
    /// How the built-in authorization server gives access tokens.
    pub access_tokens: AccessTokens,
    /// Access tokens a minute that a client gets at most.
    pub access_tokens_per_minute: u32,
    /// The requests that the registry makes itself.
    pub outgoing: Outgoing,
    /// What is logged, and how.
    pub log: Log,
}

/// The requests that the registry makes itself, to identity providers.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// Networks that it may talk to although they are not public.
    pub allowed: Vec<IpNet>,
    /// Authorities that it trusts besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
}

/// Where the database is.
#[derive(Clone, Debug)]
pub struct Database {
    /// How the PostgreSQL server is reached, with its password; the embedded database without.
    pub url: Option<ConfiguredSecret>,
    /// Connections for reading, to a PostgreSQL server.
    pub readers: u32,
}

/// Where and how the registry listens.
#[derive(Clone, Debug)]
pub struct Listeners {
    /// The address of the API and the feed.
    pub api: SocketAddr,
    /// The address of health, readiness and metrics.
    pub operations: SocketAddr,
    /// Certificate and key for the API listener; plaintext without.
    pub tls: Option<TlsFiles>,
}

/// The files that make the API listener speak TLS.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, PEM, leaf first.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// Secrets given by configuration; each is generated or absent otherwise.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// Under which everything at rest is sealed: 32 bytes, base64.
    pub master_key: Option<ConfiguredSecret>,
    /// To which `keysmith keys rotate-master` moves: 32 bytes, base64.
    pub next_master_key: Option<ConfiguredSecret>,
    /// A token with role `portal_admin`.
    pub admin_token: Option<ConfiguredSecret>,
    /// A token with role `gateway` for the group `default`.
    pub gateway_token: Option<ConfiguredSecret>,
}

/// What new credentials must look like.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What generated secrets begin with.
    pub brand: String,
    /// Characters at least in an API key that the caller chose.
    pub minimum_own_key_length: usize,
    /// Characters at least in a chosen password.
    pub minimum_password_length: usize,
    /// Whether secrets may be kept so that they can be shown again.
    pub retrievable_allowed: bool,
}

/// Bounds on what one client may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at a time on the API listener.
    pub connections: usize,
    /// Bytes in a request body.
    pub body_bytes: usize,
    /// Bytes in an import.
    pub import_bytes: usize,
    /// Time for a TLS handshake, and for the head of a connection's first request.
    pub header_timeout: Duration,
    /// Time between two requests of a connection.
    pub idle_timeout: Duration,
    /// Time for a request; the feed's wait comes on top.
    pub request_timeout: Duration,
    /// Time for accepted requests to finish after a signal.
    pub drain: Duration,
}

/// What becomes of secrets that are reported as leaked.
#[derive(Clone, Copy, Debug)]
pub struct Leaks {
    /// What is done.
    pub policy: leak::Policy,
    /// Values a minute that one token may report.
    pub reports_per_minute: u32,
}

/// Bounds on the hashing and verification of chosen passwords.
#[derive(Clone, Copy, Debug)]
pub struct Passwords {
    /// Argon2id: memory in KiB.
    pub memory_kib: u32,
    /// Argon2id: passes over the memory.
    pub iterations: u32,
    /// Hashes computed at a time.
    pub workers: usize,
    /// Hashes that may wait for a worker.
    pub queue: usize,
    /// Attempts a minute from one client address.
    pub per_source: u32,
    /// Attempts a minute for one user name.
    pub per_username: u32,
    /// For how long a verdict is remembered.
    pub remember: Duration,
}

/// The audit log.
#[derive(Clone, Copy, Debug)]
pub struct Audit {
    /// How often its head is logged, when anything was added.
    pub head_every: Duration,
    /// For how long entries are kept; `None`: for ever.
    pub kept: Option<Duration>,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// Lines for people or for machines.
    pub format: LogFormat,
    /// A filter as `tracing-subscriber` reads it, for example `info` or `info,registry=debug`.
    pub level: String,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A secret that came from the configuration. Wiped when dropped, never shown.
#[derive(Clone)]
pub struct ConfiguredSecret {
    text: Zeroizing<String>,
    origin: String,
}

impl ConfiguredSecret {
    /// The one way to the text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The key it came from, for error messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl fmt::Debug for ConfiguredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfiguredSecret")
    }
}

impl Config {
    /// Reads `file` and `environment` (which wins) and checks the result as a whole.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let table = match file {
            Some(path) => reader::read_file(path)?,
            None => BTreeMap::new(),
        };
        let mut reader = Reader::new(table, environment);
        let config = Self::read(&mut reader);
        config.validate(&mut reader);
        reader.finish()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
