//! The settings as `keysmith serve --help` explains them.

use std::fmt::Write as _;

/// One setting, for people.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The key in the file. In the environment it is upper case with `KEYSMITH_` before it.
    pub key: &'static str,
    /// What holds when it is not set.
    pub default: &'static str,
    /// What it means, with its unit and what follows from it.
    pub meaning: &'static str,
}

const fn setting(key: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting {
        key,
        default,
        meaning,
    }
}

/// Every setting, in the order in which a newcomer needs them.
pub const OPTIONS: &[Setting] = &[
    setting(
        "listen",
        "127.0.0.1:8080",
        "Address and port of the REST API and the gateways' feed. Port 0 takes a free one and logs it.",
    ),
    setting(
        "public_url",
        "from listen",
        "Where clients reach the registry, without a slash at the end: the issuer of the built-in authorization server. On \
         loopback it is made from listen; elsewhere there is no built-in authorization server without it.",
    ),
    setting(
        "operations_listen",
        "127.0.0.1:8081",
        "Address and port of /healthz, /readyz and /metrics. Plaintext and without access control: keep it private.",
    ),
    setting(
        "data_dir",
        "./keysmith-data",
        "Directory for keysmith.db, master.key and admin-token; created with mode 0700. One registry at a time \
         serves it. The database is of no use without the master key.",
    ),
    setting(
        "revocation_journal",
        "data_dir/revocations.journal",
        "File to which everything revoked is written a second time, before the caller is told. It must survive what the \
         database does not: put it on another disk. After a restore, or when an older copy of the database was put back, \
         what it says is revoked again. The registry does not start without it.",
    ),
    setting(
        "database_url",
        "none",
        "PostgreSQL (13 or later) instead of data_dir/keysmith.db: postgres://user:password@host:port/database, with \
         sslmode, sslrootcert, sslcert and sslkey as libpq knows them. Any number of registries share one database; \
         they must have the same master key.",
    ),
    setting("database_url_file", "none", "File that holds database_url."),
    setting(
        "database_connections",
        "8",
        "Connections (4 to 1000) to PostgreSQL for reading; three more are for writing, for what other registries change \
         and for the start.",
    ),
    setting(
        "master_key",
        "generated",
        "32 bytes in base64, under which everything at rest is sealed. Generated into data_dir/master.key (mode 0600) \
         when not set. The registry refuses a database that was written under another key.",
    ),
    setting("master_key_file", "none", "File that holds master_key."),
    setting(
        "next_master_key",
        "none",
        "32 bytes in base64: the key to which `keysmith keys rotate-master` moves everything, where the present one is \
         configured or several registries share a database. All of them need it before the move begins, and master_key \
         until it is done; then it becomes master_key. Where nothing is configured, the registry makes \
         data_dir/master.key.next by itself.",
    ),
    setting(
        "next_master_key_file",
        "none",
        "File that holds next_master_key.",
    ),
    setting(
        "admin_token",
        "generated",
        "A token with role portal_admin: of the form <brand>_at_..., or 32 to 512 visible ASCII characters of your own. \
         When none is valid at the start, one is generated into data_dir/admin-token (mode 0600), and shown when standard error is a terminal. One that was \
         revoked stays revoked.",
    ),
    setting("admin_token_file", "none", "File that holds admin_token."),
    setting(
        "gateway_token",
        "none",
        "A gateway token, in the form <brand>_gt_..., that is made valid for the gateway group `default` at start. \
         Further tokens are made by POST /v1/gateway-groups/{name}/tokens.",
    ),
    setting(
        "gateway_token_file",
        "none",
        "File that holds gateway_token.",
    ),
    setting(
        "tls_certificate_file",
        "none",
        "Certificate chain in PEM, leaf first. Together with tls_key_file it makes `listen` speak TLS 1.2 and 1.3, \
         HTTP/1.1 and HTTP/2.",
    ),
    setting(
        "tls_key_file",
        "none",
        "Private key of the certificate in PEM (PKCS#8, PKCS#1 or SEC 1).",
    ),
    setting(
        "allow_plaintext",
        "false",
        "Allows `listen` beyond loopback without TLS. Secrets and tokens then cross that network readable, unless \
         something else encrypts it.",
    ),
    setting(
        "brand",
        "ks",
        "What generated secrets begin with: 1 to 16 of a-z and 0-9. Secrets made under another brand stay valid.",
    ),
    setting(
        "minimum_own_key_length",
        "20",
        "Characters at least (1 to 256) in an API key that the caller chose.",
    ),
    setting(
        "minimum_password_length",
        "12",
        "Characters at least (1 to 128) in a chosen password.",
    ),
    setting(
        "allow_retrievable_secrets",
        "false",
        "Allows credentials of secret_type retrievable: their secrets are kept sealed under the master key, and \
         POST /v1/credentials/{id}/reveal shows them again.",
    ),
    setting(
        "max_grace_seconds",
        "7776000",
        "Seconds at most (0 to 315360000) for which a rotated secret may still work: the bound of grace_period.",
    ),
    setting(
        "max_retiring_secrets",
        "1",
        "Secrets at most (1 to 5) that a credential may have besides its current one, each in its grace period. \
         With one more rotation the oldest ends.",
    ),
    setting(
        "rotate_every_seconds",
        "0",
        "Seconds (3600 to 315360000) after which a new secret is due, for credentials without a rotate_every of their \
         own; 0 for never. It is announced and nothing more: whoever owns the credential rotates it.",
    ),
    setting(
        "rotation_warning_seconds",
        "1209600",
        "Seconds (0 to 315360000) before a new secret is due from which on it is due_soon, but never more than half of \
         the time between two.",
    ),
    setting(
        "max_lifetime_api_key_seconds",
        "0",
        "Seconds (60 to 315360000) for which an API key may work at most after its secret is made; 0 for any time. One \
         without expires_at gets the latest allowed, a later one is answered 400. What existed before keeps its end until \
         that is changed, or the secret rotated.",
    ),
    setting(
        "max_lifetime_basic_seconds",
        "0",
        "The same for credentials of type basic.",
    ),
    setting(
        "max_lifetime_bearer_token_seconds",
        "0",
        "The same for bearer tokens, which then need no expires_at.",
    ),
    setting(
        "max_lifetime_oauth_client_seconds",
        "0",
        "The same for OAuth clients.",
    ),
    setting(
        "access_token_seconds",
        "300",
        "Seconds (60 to 86400) for which an access token of the built-in authorization server is good.",
    ),
    setting(
        "access_tokens_per_minute",
        "60",
        "Access tokens a minute (1 to 1000000) that one client gets at most. Further requests are answered 429.",
    ),
    setting(
        "signing_key_days",
        "90",
        "Days (1 to 3650) for which access tokens are signed with one key. The next one is published an hour before it is used.",
    ),
    setting(
        "outgoing_allowed_networks",
        "none",
        "Networks such as 10.0.0.0/8, separated by commas, to which the registry makes requests although their addresses are \
         not public: where identity providers are. Plaintext goes to this machine alone, and only where 127.0.0.0/8 or \
         ::1/128 is named.",
    ),
    setting(
        "outgoing_ca_file",
        "none",
        "Certificates in PEM that the registry trusts besides the system's, when it makes requests.",
    ),
    setting(
        "max_lifetime_token_seconds",
        "0",
        "The same for tokens of the registry that its API makes, gateways' too: make the next one before. Those that \
         configuration brings, and the first administrator's, are as they are.",
    ),
    setting(
        "max_applications",
        "0",
        "Applications at most in an organization, where it has no limit of its own; 0 for any number.",
    ),
    setting(
        "max_credentials",
        "0",
        "Credentials at most in an organization, where it has no limit of its own; 0 for any number.",
    ),
    setting(
        "max_tokens",
        "0",
        "Valid tokens at most in an organization, where it has no limit of its own; 0 for any number. Gateways' tokens and \
         all others of the installation are the organization default's.",
    ),
    setting(
        "change_retention_hours",
        "24",
        "Hours (1 to 8760) for which changes are kept. A gateway that was away for longer takes a full snapshot.",
    ),
    setting(
        "usage_kept_days",
        "35",
        "Days (1 to 3650) for which usage is kept by day and gateway group. The totals, and when a credential was last \
         used, are kept as long as the credential.",
    ),
    setting(
        "max_connections",
        "4096",
        "Connections at a time on `listen`. Every gateway holds one for the feed; further ones wait to be accepted.",
    ),
    setting(
        "max_body_bytes",
        "65536",
        "Bytes at most (1024 to 1048576) in a request body. Larger ones are answered 413.",
    ),
    setting(
        "max_import_bytes",
        "67108864",
        "Bytes at most (65536 to 1073741824) in one import (POST /v1/import), each line of which has at most 65536.",
    ),
    setting(
        "header_timeout_seconds",
        "10",
        "Seconds (1 to 300) for a TLS handshake, and for the head of a connection's first request.",
    ),
    setting(
        "idle_timeout_seconds",
        "120",
        "Seconds (1 to 3600) after which a connection without a request is closed.",
    ),
    setting(
        "request_timeout_seconds",
        "30",
        "Seconds (1 to 300) for a request, body included; the wait of a feed poll comes on top. Slower ones are \
         answered 503.",
    ),
    setting(
        "drain_seconds",
        "20",
        "Seconds (0 to 3600) that accepted requests get to finish after SIGINT or SIGTERM.",
    ),
    setting(
        "leak_policy",
        "record",
        "What becomes of a secret that is reported as leaked (POST /v1/leaks): record marks it, grace lets it work for \
         leak_grace_seconds, disable disables its credential; of an application's default credential, and of one that was \
         rotated since, the leaked secret alone is revoked. A credential whose current secret ends by grace, or is \
         revoked alone, is left without one until it is rotated.",
    ),
    setting(
        "leak_grace_seconds",
        "86400",
        "Seconds (1 to 7776000) for which a leaked secret works where leak_policy is grace.",
    ),
    setting(
        "leak_reports_per_minute",
        "600",
        "Values a minute (100 to 1000000) that one token may report as leaked. Further ones are answered 429.",
    ),
    setting(
        "argon2_memory_kib",
        "19456",
        "KiB of memory (8 to 1048576) per hash of a chosen password. Weaker hashes are made \
         anew when their password is next proven. By a second hash, at a fixed 19456 KiB and 2 passes, a password that \
         was used before is recognised.",
    ),
    setting(
        "argon2_iterations",
        "2",
        "Passes (1 to 100) over that memory.",
    ),
    setting(
        "password_workers",
        "number of cores",
        "Hashes of chosen passwords computed at a time (1 to 1024); each takes argon2_memory_kib.",
    ),
    setting(
        "password_queue",
        "64",
        "Hashes that may wait for a worker (1 to 65536). Beyond that the answer is 503 with Retry-After.",
    ),
    setting(
        "verify_per_source_per_minute",
        "600",
        "Attempts a minute to prove a chosen password from one client address, per gateway group. \
         Beyond that the answer is 429.",
    ),
    setting(
        "verify_per_username_per_minute",
        "60",
        "Attempts a minute to prove a chosen password of one user name, per gateway group. Beyond that the \
         answer is 429. A user name with a password that was proven within 24 hours has this \
         limit for itself, and no other.",
    ),
    setting(
        "verdict_seconds",
        "300",
        "Seconds (0 to 86400) for which a proven password is remembered in memory, keyed and bound to the \
         credential's version. 0 remembers nothing.",
    ),
    setting(
        "audit_head_seconds",
        "3600",
        "How often a signed head of the audit log goes to the log, when anything was added; at the start, at the end and \
         after 1000 entries one goes there in any case. Kept where nobody can change it, it proves later that the audit log \
         was not rewritten.",
    ),
    setting(
        "audit_kept_days",
        "0",
        "For how long entries of the audit log are kept. Older ones are removed within an hour or so, which is an entry of \
         its own, and a signed head of them goes to the log. 0 keeps them for ever.",
    ),
    setting(
        "log_format",
        "text",
        "text for people, json for machines. Logs go to standard error.",
    ),
    setting(
        "log_level",
        "info",
        "error, warn, info, debug or trace; also per module, as in info,registry=debug. No level logs secrets.",
    ),
];

/// The section of `--help` about the settings.
#[must_use]
pub fn help() -> String {
    let mut text = String::from(
        "Settings come from the TOML file (--config) and from the environment, which wins.\n\
         The name in the environment is the key in upper case after KEYSMITH_: listen is KEYSMITH_LISTEN.\n\
         An unknown key or a bad value is an error that names it.\n\nSettings:\n",
    );
    for option in OPTIONS {
        let _ = writeln!(
            text,
            "\n  {}  [default: {}]\n      {}",
            option.key, option.default, option.meaning
        );
    }
    text
}
