//! Logs and metrics.
//!
//! Never logged: bodies, header values, query strings, the part of a path that no route knows, tokens, passwords,
//! keys, and user names from failed attempts (people type passwords there).

use std::{fmt, io, sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use tracing_subscriber::{
    EnvFilter, filter::ParseError, fmt::MakeWriter, util::SubscriberInitExt as _,
};

use crate::{
    config::{Log, LogFormat},
    credential::RotationCounts,
};

/// The media type of [`Metrics::render`].
pub const METRICS_MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds, from an answer out of memory to a request that is about to time out. A feed poll lies beyond.
const DURATION_BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 30.0];

/// Sends logs to standard error for the rest of the process.
pub fn init(log: &Log) -> Result<(), InitError> {
    let subscriber = subscriber(log, io::stderr)?;
    subscriber.try_init().map_err(InitError::Twice)
}

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The level is not a filter.
    #[error("log_level: {0}")]
    Level(#[from] ParseError),
    /// Another subscriber is in place.
    #[error("logging was set up twice: {0}")]
    Twice(tracing_subscriber::util::TryInitError),
}

/// What turns events into lines for `writer`.
pub fn subscriber<W>(
    log: &Log,
    writer: W,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter: EnvFilter = log.level.parse()?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    Ok(match log.format {
        LogFormat::Text => Box::new(builder.with_ansi(false).finish()),
        LogFormat::Json => Box::new(
            builder
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .finish(),
        ),
    })
}

/// What `/metrics` shows. A value, not a global: every registry in a process has its own.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    verifications: Family<OutcomeLabels, Counter>,
    usage: Family<OutcomeLabels, Counter>,
    key_sets: Family<OutcomeLabels, Counter>,
    key_set_ages: Family<IssuerLabels, Gauge<u64, AtomicU64>>,
    key_questions: Family<OutcomeLabels, Counter>,
    introspections: Family<OutcomeLabels, Counter>,
    /// Uses that gateways could not tell apart by credential.
    pub usage_lost: Counter,
    /// Feed polls that wait for a change.
    pub feed_waiters: Gauge,
    /// From the commit of a change until every gateway of a group that is heard of had it.
    propagation: Histogram,
    /// Gateways that may admit requests and were not heard of for a while.
    pub gateways_silent: Gauge,
    /// The last revision of the change log.
    pub head_revision: Gauge<u64, AtomicU64>,
    rotations_due: Gauge<u64, AtomicU64>,
    rotations_due_soon: Gauge<u64, AtomicU64>,
    /// Password hashes being computed.
    pub password_running: Gauge,
    /// Password hashes that wait for a worker.
    pub password_waiting: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct IssuerLabels {
    issuer: String,
}

impl Metrics {
    /// All of them, at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("keysmith"),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS)),
            verifications: Family::default(),
            usage: Family::default(),
            key_sets: Family::default(),
            key_set_ages: Family::default(),
            key_questions: Family::default(),
            introspections: Family::default(),
            usage_lost: Counter::default(),
            feed_waiters: Gauge::default(),
            propagation: Histogram::new(DURATION_BUCKETS),
            gateways_silent: Gauge::default(),
            head_revision: Gauge::default(),
            rotations_due: Gauge::default(),
            rotations_due_soon: Gauge::default(),
            password_running: Gauge::default(),
            password_waiting: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "http_requests",
            "Requests answered, by route and status",
            metrics.requests.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "Time from a request's head to its answer",
            metrics.durations.clone(),
        );
        registry.register(
            "password_verifications",
            "Verifications of chosen passwords, by outcome",
            metrics.verifications.clone(),
        );
        registry.register(
            "usage_reported",
            "Uses of credentials that gateways reported, by outcome",
            metrics.usage.clone(),
        );
        registry.register(
            "usage_lost",
            "Uses that gateways could not tell apart by credential, or reported too late",
            metrics.usage_lost.clone(),
        );
        registry.register(
            "feed_waiters",
            "Feed polls that wait for a change",
            metrics.feed_waiters.clone(),
        );
        registry.register(
            "propagation_seconds",
            "Time from a change's commit until all gateways of a group that are heard of had it",
            metrics.propagation.clone(),
        );
        registry.register(
            "gateways_silent",
            "Gateways not heard of for 40 seconds that may still admit requests",
            metrics.gateways_silent.clone(),
        );
        registry.register(
            "head_revision",
            "The last revision of the change log",
            metrics.head_revision.clone(),
        );
        registry.register(
            "credentials_rotation_due",
            "Credentials whose rotation is due",
            metrics.rotations_due.clone(),
        );
        registry.register(
            "credentials_rotation_due_soon",
            "Credentials whose rotation will soon be due",
            metrics.rotations_due_soon.clone(),
        );
        registry.register(
            "password_hashes_running",
            "Password hashes being computed",
            metrics.password_running.clone(),
        );
        registry.register(
            "password_hashes_waiting",
            "Password hashes that wait for a worker",
            metrics.password_waiting.clone(),
        );
        metrics.register_issuers();
        metrics
    }

    fn register_issuers(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "issuer_key_fetches",
            "Attempts to fetch an issuer's keys, by outcome",
            self.key_sets.clone(),
        );
        registry.register(
            "issuer_keys_age_seconds",
            "Time since an issuer's keys were last fetched and were good",
            self.key_set_ages.clone(),
        );
        registry.register(
            "issuer_key_questions",
            "Gateways' questions about keys that they do not know, by outcome",
            self.key_questions.clone(),
        );
        registry.register(
            "token_introspections",
            "Gateways' questions about tokens that only their issuer can judge, by outcome",
            self.introspections.clone(),
        );
    }

    /// Counts an answered request. `route` is the pattern, never the path.
    pub fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let (method, route) = (method.to_owned(), route.to_owned());
        self.durations
            .get_or_create(&RouteLabels {
                method: method.clone(),
                route: route.clone(),
            })
            .observe(took.as_secs_f64());
        self.requests
            .get_or_create(&RequestLabels {
                method,
                route,
                status,
            })
            .inc();
    }

    /// Counts a change that every gateway of a group had after so long.
    pub fn propagated(&self, after: Duration) {
        self.propagation.observe(after.as_secs_f64());
    }

    /// Counts a verification of a chosen password.
    pub fn verification(&self, outcome: &'static str) {
        self.verifications
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    /// Counts an attempt to fetch an issuer's keys.
    pub fn key_set_fetch(&self, outcome: &'static str) {
        self.key_sets
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    /// Shows how old an issuer's keys are.
    pub fn key_set_age(&self, issuer: &str, age: Duration) {
        let issuer = issuer.to_owned();
        let labels = IssuerLabels { issuer };
        self.key_set_ages.get_or_create(&labels).set(age.as_secs());
    }

    /// Does not show any more how old the keys of an issuer are that is gone.
    pub fn forget_issuer(&self, issuer: &str) {
        let issuer = issuer.to_owned();
        self.key_set_ages.remove(&IssuerLabels { issuer });
    }

    /// Counts a gateway's question about a key that it does not know.
    pub fn key_question(&self, outcome: &'static str) {
        self.key_questions
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    /// Counts a gateway's question about a token that only its issuer can judge.
    pub fn introspection(&self, outcome: &'static str) {
        self.introspections
            .get_or_create(&OutcomeLabels { outcome })
            .inc();
    }

    /// Counts uses of credentials that were reported.
    pub fn usage_reported(&self, outcome: &'static str, count: u64) {
        self.usage
            .get_or_create(&OutcomeLabels { outcome })
            .inc_by(count);
    }

    /// Shows how many credentials are to be rotated.
    pub fn rotations(&self, counts: RotationCounts) {
        self.rotations_due.set(counts.due);
        self.rotations_due_soon.set(counts.due_soon);
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
