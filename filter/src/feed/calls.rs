//! The HTTP calls to the registry.

use std::{fmt::Write as _, time::Duration};

use filter_core::{
    config::{GatewayToken, Registry, TokenSource},
    feed::MEDIA_TYPE,
    gateway::{self, Report},
    usage::UsageBatch,
};

use zeroize::Zeroizing;

use super::acknowledge::Progress;
use crate::{
    abi::{self, Failure},
    pairs,
};

/// Beyond the wait of a long poll, the time for the answer itself.
const POLL_MARGIN: Duration = Duration::from_secs(5);
/// For how long an acknowledgement may take.
const REPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// A call under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// The host's number for it.
    pub(crate) id: u32,
    /// When it is given up, on the monotonic clock: replacing a listener cancels its calls without a word.
    pub(crate) deadline_ms: u64,
}

/// The registry as it is reached from here.
#[derive(Debug)]
pub(crate) struct Client {
    registry: Registry,
    token: Option<GatewayToken>,
    gateway: String,
    instance: String,
    /// For how long requests are decided without the registry, in seconds: `None` for ever.
    pub(crate) max_staleness_seconds: Option<u64>,
}

impl Client {
    /// `gateway` and `instance` are what the registry knows this process by.
    pub(crate) fn new(
        registry: Registry,
        token: Option<GatewayToken>,
        gateway: String,
        instance: String,
    ) -> Self {
        Self {
            max_staleness_seconds: registry.max_staleness.map(|longest| longest.as_secs()),
            registry,
            token,
            gateway,
            instance,
        }
    }

    /// Asks for what comes after `cursor`; without `waits` the answer comes at once.
    pub(crate) fn poll(&self, cursor: &str, waits: bool, now_ms: u64) -> Result<Call, Failure> {
        let wait = if waits {
            self.registry.poll_wait
        } else {
            Duration::ZERO
        };
        let mut path = format!("/v1/feed?wait={}", wait.as_secs());
        for (name, value) in [
            ("after", cursor),
            ("group", self.registry.group.as_deref().unwrap_or_default()),
            ("gateway", self.gateway.as_str()),
            ("instance", self.instance.as_str()),
        ] {
            if !value.is_empty() {
                path.push('&');
                path.push_str(name);
                path.push('=');
                push_encoded(&mut path, value);
            }
        }
        let timeout = wait.saturating_add(POLL_MARGIN);
        let head = [("GET", path.as_str(), "accept", MEDIA_TYPE)];
        self.send(&self.registry.cluster, head, b"", timeout, now_ms)
    }

    /// Tells how far the workers are, and what credentials were used for.
    pub(crate) fn report(
        &self,
        sequence: u64,
        progress: &Progress,
        usage: &[UsageBatch],
        now_ms: u64,
    ) -> Result<Call, Failure> {
        let body = gateway::encode(&Report {
            gateway: &self.gateway,
            instance: &self.instance,
            sequence,
            epoch: &gateway::hex(&progress.epoch),
            revision: progress.revision,
            complete: progress.complete,
            workers: progress.workers,
            max_staleness_seconds: self.max_staleness_seconds,
            usage,
        });
        let head = [(
            "POST",
            "/v1/gateway/report",
            "content-type",
            "application/json",
        )];
        self.send(&self.registry.cluster, head, &body, REPORT_TIMEOUT, now_ms)
    }

    /// How often the registry hears what credentials were used for, in milliseconds.
    pub(crate) fn usage_interval_ms(&self) -> u64 {
        u64::try_from(self.registry.usage_interval.as_millis()).unwrap_or(u64::MAX)
    }

    /// Asks something that a request waits for, as JSON.
    pub(crate) fn ask(&self, path: &str, question: &[u8], now_ms: u64) -> Result<Call, Failure> {
        let head = [("POST", path, "content-type", "application/json")];
        let timeout = self.registry.verify_timeout;
        self.send(
            &self.registry.verify_cluster,
            head,
            question,
            timeout,
            now_ms,
        )
    }

    fn send(
        &self,
        cluster: &str,
        [(method, path, name, value)]: [(&str, &str, &str, &str); 1],
        body: &[u8],
        timeout: Duration,
        now_ms: u64,
    ) -> Result<Call, Failure> {
        let mut headers = vec![
            (":method", method),
            (":path", path),
            (":authority", self.registry.authority.as_str()),
            (name, value),
        ];
        let authorization = self
            .token
            .as_ref()
            .map(|token| Zeroizing::new(format!("Bearer {}", token.expose())));
        if let Some(authorization) = &authorization {
            headers.push(("authorization", authorization));
        }
        let timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        let id = abi::http_call(cluster, &pairs::serialize(&headers), body, timeout_ms)?;
        Ok(Call {
            id,
            // The host answers at the timeout; what comes no later than a second after it is lost.
            deadline_ms: now_ms
                .saturating_add(u64::from(timeout_ms))
                .saturating_add(1000),
        })
    }
}

/// The token as configured; `None` where Envoy adds it to the calls by itself.
pub(crate) fn resolve_token(source: &TokenSource) -> Result<Option<GatewayToken>, String> {
    let name = match source {
        TokenSource::Inline(token) => return Ok(Some(token.clone())),
        TokenSource::Injected => return Ok(None),
        TokenSource::Environment(name) => name,
    };
    let environment = Zeroizing::new(abi::environment());
    let prefix = format!("{name}=");
    let value = environment
        .split(|byte| *byte == 0)
        .filter_map(|entry| std::str::from_utf8(entry).ok())
        .find_map(|entry| entry.strip_prefix(&prefix))
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| {
            format!(
                "registry.token.environment: the variable {name} is not set in this VM; set it for Envoy and name it \
                 in vm_config.environment_variables.host_env_keys"
            )
        })?;
    let token = GatewayToken::parse(value).ok_or_else(|| {
        format!("registry.token.environment: the variable {name} does not hold a gateway token: mistyped or cut")
    })?;
    Ok(Some(token))
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn push_encoded(out: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
