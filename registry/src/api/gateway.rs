//! `/v1/gateway/report` and `/v1/gateway/verify`: what gateways ask besides the feed.

mod access_tokens;

use std::time::Duration;

use axum::{
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
};
use filter_core::usage::{MAX_BATCHES, UsageBatch};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::Gateway,
    answer::Answer,
    extract::Json,
    failure::BUSY_RETRY,
    feed::check_hex,
    object,
    problem::{Kind, Problem, ProblemBody},
};
use crate::{
    credential::Verdict,
    gateway::{MaxStaleness, Report},
    secrets::SecretText,
    usage,
    verification::{Outcome, Question},
};

/// Bytes of a user name, a password or an address that are looked at; longer ones are nobody's.
const MAX_LENGTH: usize = 4096;

/// The longest that a gateway can be configured to go on without the registry: a year.
const MAX_STALENESS_SECONDS: u64 = 31_536_000;

/// Bytes in a report: 8,000 uses of the longest numbers take less.
const MAX_REPORT_BYTES: usize = 1024 * 1024;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(report))
        .layer(DefaultBodyLimit::max(MAX_REPORT_BYTES))
        .routes(routes!(verify))
        .merge(access_tokens::router())
}

/// What a gateway says about itself.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = GatewayReport)]
#[serde(deny_unknown_fields)]
struct ReportRequest {
    /// Its configured name or node id; may be empty.
    #[serde(default)]
    gateway: String,
    /// The start of its process: 32 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    instance: String,
    /// Rises with each report of the instance; one that does not has no effect.
    sequence: u64,
    /// The epoch of the pages it applied: 32 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    epoch: String,
    /// The revision that all its workers have.
    revision: u64,
    /// Whether all its workers have a complete snapshot.
    complete: bool,
    /// How many workers it counted.
    #[schema(value_type = u64, maximum = 4_294_967_295_u64)]
    workers: u32,
    /// For how long its workers go on without the registry, in seconds; null for ever. Missing where it is not known.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    max_staleness_seconds: Staleness,
    /// What its credentials were used for: at most 8 batches of at most 1,000 uses.
    #[serde(default, deserialize_with = "object::several")]
    #[schema(value_type = Vec<GatewayUsage>)]
    usage: Vec<UsageBatch>,
}

/// Uses that a gateway counted in one of its lanes. A batch that was applied already, by its lane and sequence, has no
/// further effect.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what filter-core reads")]
struct GatewayUsage {
    /// Less than 16.
    lane: u8,
    /// Rises from batch to batch of the instance's lane.
    sequence: u64,
    /// How many uses could not be told apart by credential.
    lost: u64,
    /// Each `[credential, version, outcome, count, first_ms, last_ms]`; outcome 0 for allowed, 1 for forbidden, 2 for
    /// refused; times in Unix milliseconds.
    #[schema(example = json!([["cred_01m816gdzg0avspcrqttkt8449", 1, 0, 17, 1_795_336_714_000_u64, 1_795_336_719_000_u64]]))]
    uses: Vec<Vec<serde_json::Value>>,
}

/// For how long a gateway goes on without the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Staleness {
    /// It does not say.
    #[default]
    Unknown,
    /// For ever.
    Unbounded,
    /// For so many seconds.
    Seconds(u64),
}

impl Staleness {
    const fn known(self) -> Option<MaxStaleness> {
        match self {
            Self::Unknown => None,
            Self::Unbounded => Some(MaxStaleness::Unbounded),
            Self::Seconds(seconds) => Some(MaxStaleness::Bounded(Duration::from_secs(seconds))),
        }
    }
}

impl<'de> Deserialize<'de> for Staleness {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = Option::deserialize(deserializer)?;
        Ok(seconds.map_or(Self::Unbounded, Self::Seconds))
    }
}

/// What a client presented.
#[derive(Deserialize, ToSchema)]
#[schema(as = PasswordQuestion)]
#[serde(deny_unknown_fields)]
struct VerifyRequest {
    /// The user name.
    username: String,
    /// The password.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, write_only)]
    password: SecretText,
    /// The client's address, by which attempts are limited; may be empty.
    #[serde(default)]
    #[schema(example = "203.0.113.9")]
    source: String,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretText, D::Error> {
    String::deserialize(deserializer).map(SecretText::new)
}

/// Whether the password is right. It is never said why not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasswordVerdict)]
struct VerifyBody {
    /// Whether it is.
    verified: bool,
    /// Whose password it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    credential: Option<String>,
    /// The version of the secret; the verdict holds for no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    version: Option<u32>,
    /// The version of the secret that the password is: during a grace period it may be the retiring one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret_version: Option<u32>,
    /// Unix milliseconds until which the verdict may be remembered, for a password that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    until: Option<u64>,
}

impl From<Verdict> for VerifyBody {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Refused => Self {
                verified: false,
                credential: None,
                version: None,
                secret_version: None,
                until: None,
            },
            Verdict::Verified {
                credential,
                version,
                secret_version,
                until,
            } => Self {
                verified: true,
                credential: Some(credential.to_string()),
                version: Some(version),
                secret_version: Some(secret_version),
                until: until.map(crate::clock::Timestamp::as_millis),
            },
        }
    }
}

/// Report what was applied
///
/// Kept in memory and written down every two seconds: a registry that crashes loses the last reports, and hears the next.
/// What a report says of usage is on the disk before it is answered: the gateway may forget it, and each batch counts once
/// however often it comes. Of one group, the 4,096 gateways that were seen last are known: for a day, and for as long as they may admit requests.
#[utoipa::path(post, path = "/v1/gateway/report", tag = "gateway protocol", operation_id = "report", security(("Gateway" = [])), request_body = ReportRequest,
    responses((status = 204, description = "Noted")))]
async fn report(
    caller: Gateway,
    State(app): State<AppState>,
    Json(request): Json<ReportRequest>,
) -> Result<StatusCode, Problem> {
    if request.usage.len() > MAX_BATCHES {
        return Err(Problem::invalid(
            "usage",
            format!("must be at most {MAX_BATCHES} batches"),
        ));
    }
    if matches!(request.max_staleness_seconds, Staleness::Seconds(seconds) if seconds > MAX_STALENESS_SECONDS)
    {
        return Err(Problem::invalid(
            "max_staleness_seconds",
            format!("must be at most {MAX_STALENESS_SECONDS}"),
        ));
    }
    let report = Report {
        instance: check_hex("instance", &request.instance)?,
        epoch: check_hex("epoch", &request.epoch)?,
        gateway: request.gateway,
        sequence: request.sequence,
        revision: request.revision,
        complete: request.complete,
        workers: request.workers,
        max_staleness: request.max_staleness_seconds.known(),
    };
    let (env, gateways) = (app.environment(), app.gateways());
    let from = (caller.group, caller.token);
    usage::receive(env, gateways, app.usage(), from, report, request.usage).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Verify a chosen password
///
/// Only for credentials that the gateway's group may see.
#[utoipa::path(post, path = "/v1/gateway/verify", tag = "gateway protocol", operation_id = "verify_password", security(("Gateway" = [])), request_body = VerifyRequest, responses(
    (status = 200, description = "The verdict", body = VerifyBody),
    (status = 429, description = "Too many attempts from this address or for this user name", body = ProblemBody,
        content_type = "application/problem+json", headers(("Retry-After", description = "Seconds"))),
    (status = 503, description = "Too many verifications at a time", body = ProblemBody,
        content_type = "application/problem+json", headers(("Retry-After", description = "Seconds"))),
))]
async fn verify(
    caller: Gateway,
    State(app): State<AppState>,
    Json(request): Json<VerifyRequest>,
) -> Result<Answer, Problem> {
    for (field, text) in [
        ("username", request.username.as_str()),
        ("password", request.password.expose()),
        ("source", request.source.as_str()),
    ] {
        if text.len() > MAX_LENGTH {
            return Err(Problem::invalid(
                field,
                format!("must be at most {MAX_LENGTH} bytes"),
            ));
        }
    }
    let question = Question {
        group: caller.group,
        username: request.username,
        password: request.password,
        source: request.source,
    };
    match app.verifier().verify(question).await? {
        Outcome::Decided(verdict) => Ok(Answer::ok(&VerifyBody::from(verdict))?),
        Outcome::Limited(wait) => Err(Problem::new(Kind::TooManyAttempts).retry_after(wait)),
        Outcome::Busy => Err(Problem::new(Kind::Overloaded).retry_after(BUSY_RETRY)),
        Outcome::Failed => Err(Problem::new(Kind::Internal)),
    }
}
