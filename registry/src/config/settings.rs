//! Every setting by its name, with what holds when it is not set, its bounds, and what must hold between several.

use std::{path::PathBuf, str::FromStr as _, time::Duration};

use super::{
    Audit, Config, Database, Leaks, Limits, Listeners, Log, LogFormat, Outgoing, Passwords, Policy,
    Secrets, TlsFiles, reader::Reader,
};
use ipnet::IpNet;

use crate::{
    credential::RotationPolicy,
    journal, leak,
    lifetime::Lifetimes,
    oauth::upkeep::{AccessTokens, LONGEST_LIFE},
    organization::Quotas,
    outgoing::Address,
};

impl Config {
    /// Takes every setting.
    pub(super) fn read(reader: &mut Reader) -> Self {
        let listeners = Listeners {
            api: reader.address("listen", ([127, 0, 0, 1], 8080).into()),
            operations: reader.address("operations_listen", ([127, 0, 0, 1], 8081).into()),
            tls: read_tls(reader),
        };
        let plaintext_allowed = reader.flag("allow_plaintext", false);
        if listeners.plaintext_beyond_loopback() && !plaintext_allowed {
            reader.mistake(
                "listen",
                "is not a loopback address and there is no TLS: set tls_certificate_file and tls_key_file, \
                 or allow_plaintext = true when something else encrypts the traffic",
            );
        }
        let data_dir = reader
            .text("data_dir")
            .map_or_else(|| PathBuf::from("./keysmith-data"), PathBuf::from);
        Self {
            revocation_journal: reader
                .text("revocation_journal")
                .map_or_else(|| journal::default_path(&data_dir), PathBuf::from),
            data_dir,
            database: read_database(reader),
            secrets: Secrets {
                master_key: reader.secret("master_key", "master_key_file"),
                next_master_key: reader.secret("next_master_key", "next_master_key_file"),
                admin_token: reader.secret("admin_token", "admin_token_file"),
                gateway_token: reader.secret("gateway_token", "gateway_token_file"),
            },
            policy: Policy {
                brand: reader.text("brand").unwrap_or_else(|| "ks".to_owned()),
                minimum_own_key_length: reader.number("minimum_own_key_length", 20, 1, 256),
                minimum_password_length: reader.number("minimum_password_length", 12, 1, 128),
                retrievable_allowed: reader.flag("allow_retrievable_secrets", false),
            },
            rotation: read_rotation(reader),
            lifetimes: read_lifetimes(reader),
            limits: read_limits(reader),
            leaks: read_leaks(reader),
            passwords: read_passwords(reader),
            change_retention: Duration::from_secs(
                3600 * reader.number::<u64>("change_retention_hours", 24, 1, 24 * 365),
            ),
            quotas: read_quotas(reader),
            usage_kept: Duration::from_secs(
                24 * 3600 * reader.number::<u64>("usage_kept_days", 35, 1, 3650),
            ),
            audit: read_audit(reader),
            public_url: read_public_url(reader, &listeners),
            outgoing: read_outgoing(reader),
            access_tokens: AccessTokens {
                life: reader.seconds("access_token_seconds", 300, 60, LONGEST_LIFE.as_secs()),
                key_life: Duration::from_secs(
                    DAY * reader.number::<u64>("signing_key_days", 90, 1, 3650),
                ),
            },
            access_tokens_per_minute: reader.number("access_tokens_per_minute", 60, 1, 1_000_000),
            listeners,
            log: Log {
                format: reader.choice(
                    "log_format",
                    &[("text", LogFormat::Text), ("json", LogFormat::Json)],
                    LogFormat::Text,
                ),
                level: reader
                    .text("log_level")
                    .unwrap_or_else(|| "info".to_owned()),
            },
        }
    }

    /// Checks what one value alone does not show.
    pub(super) fn validate(&self, reader: &mut Reader) {
        if !filter_core::key::is_brand(self.policy.brand.as_bytes()) {
            reader.mistake("brand", "must be 1 to 16 of a-z and 0-9");
        }
        if self.data_dir.as_os_str().is_empty() {
            reader.mistake("data_dir", "must not be empty");
        }
        let api = self.listeners.api;
        if api.port() != 0 && api == self.listeners.operations {
            reader.mistake("operations_listen", "must differ from listen");
        }
        if let Err(error) = self.log.level.parse::<tracing_subscriber::EnvFilter>() {
            reader.mistake("log_level", &format!("is not a log filter: {error}"));
        }
    }
}

impl Listeners {
    /// Whether secrets would cross a network in the clear.
    fn plaintext_beyond_loopback(&self) -> bool {
        self.tls.is_none() && !self.api.ip().is_loopback()
    }
}

fn read_tls(reader: &mut Reader) -> Option<TlsFiles> {
    let certificate = reader.text("tls_certificate_file").map(PathBuf::from);
    let key = reader.text("tls_key_file").map(PathBuf::from);
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (Some(_), None) => {
            reader.mistake(
                "tls_key_file",
                "is missing while tls_certificate_file is set",
            );
            None
        }
        (None, Some(_)) => {
            reader.mistake(
                "tls_certificate_file",
                "is missing while tls_key_file is set",
            );
            None
        }
        (None, None) => None,
    }
}

fn read_database(reader: &mut Reader) -> Database {
    let url = reader.secret("database_url", "database_url_file");
    if let Some(wrong) = url.as_ref().filter(|url| !is_postgres_url(url.expose())) {
        // By the name under which it was given, and without what it is: it holds a password.
        let origin = wrong.origin().to_owned();
        reader.mistake(
            &origin,
            "must be of the form postgres://user:password@host:port/database (special characters percent-encoded)",
        );
    }
    Database {
        url,
        readers: reader.number("database_connections", 8, 4, 1000),
    }
}

/// Whether it can be connected to as far as its text says, with a database.
fn is_postgres_url(text: &str) -> bool {
    let scheme = text.starts_with("postgres://") || text.starts_with("postgresql://");
    let options = sqlx::postgres::PgConnectOptions::from_str(text);
    scheme && options.is_ok_and(|options| options.get_database().is_some())
}

/// Where the registry can be reached. On loopback without saying so, where it listens.
fn read_public_url(reader: &mut Reader, listeners: &Listeners) -> Option<String> {
    let Some(url) = reader.text("public_url") else {
        let scheme = listeners.tls.as_ref().map_or("http", |_| "https");
        let api = listeners.api;
        let is_known = api.ip().is_loopback() && api.port() != 0;
        return is_known.then(|| format!("{scheme}://{api}"));
    };
    let address = url.parse::<Address>();
    let is_plain =
        |address: &Address| !url.contains('?') && !url.ends_with('/') && address.may_be_plain();
    if !address.as_ref().is_ok_and(is_plain) {
        reader.mistake(
            "public_url",
            "must be a URL such as https://keys.example.com, without a query, a fragment and a slash at its end; http is \
             for this machine alone",
        );
    }
    Some(url)
}

fn read_outgoing(reader: &mut Reader) -> Outgoing {
    let mut allowed = Vec::new();
    let networks = reader.text("outgoing_allowed_networks").unwrap_or_default();
    for network in networks
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
    {
        match network.parse::<IpNet>() {
            Ok(network) => allowed.push(network.trunc()),
            Err(_) => reader.mistake(
                "outgoing_allowed_networks",
                "must be networks such as 10.0.0.0/8 or fd00::/8, separated by commas",
            ),
        }
    }
    Outgoing {
        allowed,
        ca_file: reader.text("outgoing_ca_file").map(PathBuf::from),
    }
}

const DAY: u64 = 24 * 3600;

fn read_quotas(reader: &mut Reader) -> Quotas {
    let mut most = |key| Some(reader.number(key, 0, 0, 1_000_000_000)).filter(|most| *most > 0);
    Quotas {
        applications: most("max_applications"),
        credentials: most("max_credentials"),
        tokens: most("max_tokens"),
    }
}

fn read_rotation(reader: &mut Reader) -> RotationPolicy {
    let every = reader.seconds("rotate_every_seconds", 0, 0, 3650 * DAY);
    if (1..3600).contains(&every.as_secs()) {
        reader.mistake("rotate_every_seconds", "must be 0, or at least 3600");
    }
    RotationPolicy {
        max_grace: reader.seconds("max_grace_seconds", 90 * DAY, 0, 3650 * DAY),
        max_retiring: reader.number("max_retiring_secrets", 1, 1, 5),
        every: Some(every).filter(|every| !every.is_zero()),
        warning: reader.seconds("rotation_warning_seconds", 14 * DAY, 0, 3650 * DAY),
    }
}

fn read_lifetimes(reader: &mut Reader) -> Lifetimes {
    let mut most = |key| {
        let most = reader.seconds(key, 0, 0, 3650 * DAY);
        if (1..60).contains(&most.as_secs()) {
            reader.mistake(key, "must be 0, or at least 60");
        }
        Some(most).filter(|most| !most.is_zero())
    };
    Lifetimes {
        api_key: most("max_lifetime_api_key_seconds"),
        basic: most("max_lifetime_basic_seconds"),
        bearer_token: most("max_lifetime_bearer_token_seconds"),
        oauth_client: most("max_lifetime_oauth_client_seconds"),
        token: most("max_lifetime_token_seconds"),
    }
}

fn read_limits(reader: &mut Reader) -> Limits {
    Limits {
        connections: reader.number("max_connections", 4096, 1, 1_000_000),
        body_bytes: reader.number("max_body_bytes", 64 * 1024, 1024, 1024 * 1024),
        import_bytes: reader.number(
            "max_import_bytes",
            64 * 1024 * 1024,
            64 * 1024,
            1024 * 1024 * 1024,
        ),
        header_timeout: reader.seconds("header_timeout_seconds", 10, 1, 300),
        idle_timeout: reader.seconds("idle_timeout_seconds", 120, 1, 3600),
        request_timeout: reader.seconds("request_timeout_seconds", 30, 1, 300),
        drain: reader.seconds("drain_seconds", 20, 0, 3600),
    }
}

fn read_audit(reader: &mut Reader) -> Audit {
    let days = reader.number::<u64>("audit_kept_days", 0, 0, 36_500);
    Audit {
        head_every: reader.seconds("audit_head_seconds", 3600, 1, DAY),
        kept: (days > 0).then(|| Duration::from_secs(days.saturating_mul(DAY))),
    }
}

fn read_leaks(reader: &mut Reader) -> Leaks {
    let grace = reader.seconds("leak_grace_seconds", 24 * 3600, 1, 90 * 24 * 3600);
    let policies = [
        ("record", leak::Policy::Record),
        ("grace", leak::Policy::Grace(grace)),
        ("disable", leak::Policy::Disable),
    ];
    Leaks {
        policy: reader.choice("leak_policy", &policies, leak::Policy::Record),
        // A full request must pass.
        reports_per_minute: reader.number("leak_reports_per_minute", 600, 100, 1_000_000),
    }
}

fn read_passwords(reader: &mut Reader) -> Passwords {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Passwords {
        memory_kib: reader.number("argon2_memory_kib", 19 * 1024, 8, 1024 * 1024),
        iterations: reader.number("argon2_iterations", 2, 1, 100),
        workers: reader.number("password_workers", cores, 1, 1024),
        queue: reader.number("password_queue", 64, 1, 65_536),
        per_source: reader.number("verify_per_source_per_minute", 600, 1, 1_000_000),
        per_username: reader.number("verify_per_username_per_minute", 60, 1, 1_000_000),
        remember: reader.seconds("verdict_seconds", 300, 0, 86_400),
    }
}
