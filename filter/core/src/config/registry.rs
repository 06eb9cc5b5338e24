use alloc::string::String;
use core::{fmt, time::Duration};

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{
    error::ConfigError,
    input::{RegistryInput, StalenessInput, TokenInput},
    text,
};
use crate::key::{SecretType, Shape, shape};

const MAX_STALENESS_SECONDS: u64 = 31_536_000;

/// How to reach the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Envoy's cluster for the feed and for reports.
    pub cluster: String,
    /// Envoy's cluster for the verification of chosen passwords.
    pub verify_cluster: String,
    /// The `:authority` of calls to the registry.
    pub authority: String,
    /// The gateway group that the token must be for; `None` accepts the token's.
    pub group: Option<String>,
    /// This gateway's name; `None` leaves it to Envoy's node id.
    pub gateway: Option<String>,
    /// Where the gateway token is.
    pub token: TokenSource,
    /// How long the registry may hold a poll without a change. In whole seconds.
    pub poll_wait: Duration,
    /// For how long the registry may be silent before requests are refused; `None` for ever.
    pub max_staleness: Option<Duration>,
    /// How long a request waits for the verification of a chosen password.
    pub verify_timeout: Duration,
    /// How often the registry hears what credentials were used for. In whole seconds.
    pub usage_interval: Duration,
}

/// Where the gateway token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// In this environment variable of the VM.
    Environment(String),
    /// Here, where Envoy's configuration dump shows it.
    Inline(GatewayToken),
    /// Envoy adds it to the calls.
    Injected,
}

/// A gateway token from the configuration.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct GatewayToken(String);

impl GatewayToken {
    /// A token in the generated format; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (shape(text.as_bytes()) == Shape::Generated(SecretType::GatewayToken))
            .then(|| Self(String::from(text)))
    }

    /// For the calls to the registry.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GatewayToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatewayToken")
    }
}

pub(super) fn check(input: RegistryInput) -> Result<Registry, ConfigError> {
    text::name(&input.cluster).map_err(|error| error.within("cluster"))?;
    let optional = |value: Option<String>, field: &str| match value {
        Some(value) => text::name(&value)
            .map(|()| Some(value))
            .map_err(|error| error.within(field)),
        None => Ok(None),
    };
    let poll_wait = bounded(input.poll_wait_seconds, 25, 1, 55)
        .map_err(|error| error.within("poll_wait_seconds"))?;
    let verify_timeout = bounded(input.verify_timeout_ms, 5_000, 100, 60_000)
        .map_err(|error| error.within("verify_timeout_ms"))?;
    let usage_interval = bounded(input.usage_seconds, 10, 1, 3_600)
        .map_err(|error| error.within("usage_seconds"))?;
    Ok(Registry {
        verify_cluster: optional(input.verify_cluster, "verify_cluster")?
            .unwrap_or_else(|| input.cluster.clone()),
        authority: optional(input.authority, "authority")?.unwrap_or_else(|| input.cluster.clone()),
        group: optional(input.group, "group")?,
        gateway: optional(input.gateway, "gateway")?,
        cluster: input.cluster,
        token: token(input.token).map_err(|error| error.within("token"))?,
        poll_wait: Duration::from_secs(poll_wait),
        max_staleness: staleness(input.max_staleness_seconds, poll_wait)
            .map_err(|error| error.within("max_staleness_seconds"))?,
        verify_timeout: Duration::from_millis(verify_timeout),
        usage_interval: Duration::from_secs(usage_interval),
    })
}

fn token(input: TokenInput) -> Result<TokenSource, ConfigError> {
    match input {
        TokenInput::Injected => Ok(TokenSource::Injected),
        TokenInput::Environment(name) => {
            text::name(&name).map_err(|error| error.within("environment"))?;
            Ok(TokenSource::Environment(name))
        }
        TokenInput::Inline(token) => GatewayToken::parse(&token)
            .map(TokenSource::Inline)
            .ok_or_else(|| {
                ConfigError::new("is not a gateway token: mistyped or cut").within("inline")
            }),
    }
}

fn staleness(
    input: Option<StalenessInput>,
    poll_wait: u64,
) -> Result<Option<Duration>, ConfigError> {
    let seconds = match input {
        Some(StalenessInput::Off) => return Ok(None),
        Some(StalenessInput::Seconds(seconds)) => Some(seconds),
        None => None,
    };
    let seconds = bounded(seconds, 86_400, 1, MAX_STALENESS_SECONDS)?;
    if seconds <= poll_wait {
        // A registry with nothing to tell answers once in that time.
        return Err(ConfigError::new(
            "must be more than poll_wait_seconds, or a quiet registry looks unreachable",
        ));
    }
    Ok(Some(Duration::from_secs(seconds)))
}

fn bounded(value: Option<u64>, default: u64, least: u64, most: u64) -> Result<u64, ConfigError> {
    let value = value.unwrap_or(default);
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(ConfigError::new(alloc::format!(
            "must be {least} to {most}, is {value}"
        )))
    }
}
