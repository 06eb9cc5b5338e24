//! Which registry a command talks to, and as whom.

use std::{
    io::Read as _,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::http::{HeaderValue, Uri};
use clap::Args;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto},
};
use zeroize::Zeroizing;

use super::{client::Client, console::Console, failure::Failure, transport::Transport};

/// What the environment may say to the command line. `keysmith serve` leaves these alone.
pub(crate) const VARIABLES: [&str; 5] = [
    "KEYSMITH_URL",
    "KEYSMITH_TOKEN",
    "KEYSMITH_TOKEN_FILE",
    "KEYSMITH_CA_FILE",
    "KEYSMITH_ORGANIZATION",
];

const DEFAULT_URL: &str = "http://127.0.0.1:8080";
/// Where `keysmith serve` leaves the first admin token, when both run in one directory.
const DEFAULT_TOKEN_FILE: &str = "keysmith-data/admin-token";
const MAX_TOKEN_BYTES: u64 = 64 * 1024;

/// Which registry a command talks to, and as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(super) struct Connection {
    /// The registry's address [default: `KEYSMITH_URL`, or `http://127.0.0.1:8080`]
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// A file that holds the token [default: `KEYSMITH_TOKEN` or `KEYSMITH_TOKEN_FILE`, or keysmith-data/admin-token if it exists and the registry is on this machine]
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Trust the certificates in this PEM file, and no others [default: `KEYSMITH_CA_FILE`, or the system's]
    #[arg(long, global = true, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The organization in which to act, for tokens that act in more than one [default: `KEYSMITH_ORGANIZATION`, or the token's own]
    #[arg(long, global = true, value_name = "NAME")]
    organization: Option<String>,
    /// Send the token over plain HTTP to another machine
    #[arg(long, global = true)]
    allow_plaintext: bool,
}

/// Where the registry is.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// Whether it speaks TLS.
    pub(super) is_tls: bool,
    /// The host's name or address, without brackets.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
    /// Host and port as the URL has them.
    pub(super) authority: String,
    /// What stands before every path, without a slash at its end.
    pub(super) prefix: String,
}

impl Connection {
    /// Finds out where to connect and with which token. Nothing is sent yet.
    pub(super) fn open(&self, console: &Console<'_>) -> Result<Client, Failure> {
        let url = match &self.url {
            Some(url) => url.clone(),
            None => (console.variable("KEYSMITH_URL")?).unwrap_or_else(|| DEFAULT_URL.to_owned()),
        };
        let origin = Origin::parse(&url)?;
        if !origin.is_tls && !origin.is_loopback() && !self.allow_plaintext {
            return Err(Failure::Usage(format!(
                "{url} is another machine and not encrypted, and the token would cross the network readable: use \
                 https, or --allow-plaintext when something else encrypts it"
            )));
        }
        let authorization = authorization(&self.token(console, &origin)?)?;
        let tls = origin.is_tls.then(|| self.tls(console)).transpose()?;
        let transport = Transport::new(origin, tls)?;
        let organization = self.organization(console)?;
        Ok(Client::new(transport, authorization, organization))
    }

    fn token(&self, console: &Console<'_>, origin: &Origin) -> Result<Zeroizing<String>, Failure> {
        if let Some(path) = &self.token_file {
            return read_token(path);
        }
        let value = console.variable("KEYSMITH_TOKEN")?.map(Zeroizing::new);
        match (value, console.variable("KEYSMITH_TOKEN_FILE")?) {
            (Some(_), Some(_)) => Err(Failure::Usage(
                "KEYSMITH_TOKEN and KEYSMITH_TOKEN_FILE must not both be set".to_owned(),
            )),
            (Some(value), None) => Ok(value),
            (None, Some(path)) => read_token(Path::new(&path)),
            (None, None) => {
                let path = Path::new(DEFAULT_TOKEN_FILE);
                // Whoever answers at another address is not the registry that left it here.
                if !origin.is_loopback() || !path.exists() {
                    return Err(Failure::NoToken);
                }
                read_token(path)
            }
        }
    }

    fn organization(&self, console: &Console<'_>) -> Result<Option<HeaderValue>, Failure> {
        let named = match &self.organization {
            Some(name) => Some(name.clone()),
            None => console.variable("KEYSMITH_ORGANIZATION")?,
        };
        let named = named.filter(|name| !name.is_empty());
        named
            .map(|name| {
                HeaderValue::try_from(name).map_err(|_| {
                    Failure::Usage("--organization must be the name of an organization".to_owned())
                })
            })
            .transpose()
    }

    fn tls(&self, console: &Console<'_>) -> Result<TlsConnector, Failure> {
        let file = match &self.ca_file {
            Some(path) => Some(path.clone()),
            None => console.variable("KEYSMITH_CA_FILE")?.map(PathBuf::from),
        };
        let roots = match file {
            Some(path) => roots_in(&path)?,
            None => system_roots()?,
        };
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::Other(format!("TLS: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

impl Origin {
    fn parse(url: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::Usage(
                "the registry's address must be such as https://keysmith.example.com:8443, \
                 without user name, query and fragment"
                    .to_owned(),
            )
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') || uri.query().is_some() || url.contains('#') {
            return Err(wrong());
        }
        let host = authority.host();
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        Ok(Self {
            is_tls,
            host: bare.unwrap_or(host).to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if is_tls { 443 } else { 80 }),
            authority: authority.to_string(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }
}

fn read_token(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let what = || format!("the token file {}", path.display());
    let file = std::fs::File::open(path).map_err(Failure::io(what()))?;
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_TOKEN_BYTES)
        .read_to_string(&mut text)
        .map_err(Failure::io(what()))?;
    let token = Zeroizing::new(text.trim().to_owned());
    if token.is_empty() {
        return Err(Failure::Usage(format!("{} is empty", what())));
    }
    Ok(token)
}

fn authorization(token: &str) -> Result<HeaderValue, Failure> {
    let visible = token.bytes().all(|byte| byte.is_ascii_graphic());
    let value = Zeroizing::new(format!("Bearer {token}"));
    let mut value = HeaderValue::from_str(&value)
        .ok()
        .filter(|_| visible)
        .ok_or_else(|| Failure::Usage("the token must be visible ASCII characters".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn roots_in(path: &Path) -> Result<RootCertStore, Failure> {
    let unusable = || Failure::Usage(format!("{} holds no certificate in PEM", path.display()));
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|_| unusable())?;
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(unusable());
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(Failure::Usage(
            "the system has no certificates to trust: name some with --ca-file".to_owned(),
        ));
    }
    Ok(roots)
}
