//! `/v1/gateway/issuer-keys` and `/v1/gateway/introspect`: what gateways ask about access tokens.

use axum::extract::State;
use filter_core::{
    gateway::access_tokens::{IntrospectionQuestion, IssuerKeysQuestion},
    jwt::MAX_TOKEN_LENGTH,
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::{
        AppState,
        access::Gateway,
        answer::Answer,
        extract::Json,
        problem::{Kind, Problem, ProblemBody},
    },
    error::Error,
    issuers::{Introspected, Question},
    secrets::SecretText,
};

/// Bytes of an issuer's name and of a key's.
const MAX_NAME: usize = 2048;
/// Issuers that one question may name.
const MAX_ISSUERS: usize = 64;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(issuer_keys))
        .routes(routes!(introspect))
}

/// A token names a key that the feed has not told of.
#[derive(Deserialize, ToSchema)]
#[schema(as = IssuerKeysQuestion)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what filter-core reads")]
struct KeysRequest {
    /// The issuer, as tokens name it in `iss`.
    #[schema(
        min_length = 1,
        max_length = 2048,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$",
        example = "https://id.example.com"
    )]
    issuer: String,
    /// The key's name (`kid`).
    #[schema(
        min_length = 1,
        max_length = 2048,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$"
    )]
    key_id: String,
}

/// An issuer as the registry knows it now.
#[derive(ToSchema)]
#[schema(as = IssuerKeysAnswer)]
#[expect(dead_code, reason = "it describes what filter-core writes")]
struct KeysBody {
    /// The issuer with its keys, as the feed tells of it.
    #[schema(value_type = Object)]
    issuer: (),
    /// The position in the log up to which it reflects it.
    revision: u64,
}

/// Whose is this token?
#[derive(Deserialize, ToSchema)]
#[schema(as = IntrospectionQuestion)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what filter-core reads")]
struct TokenRequest {
    /// The token as it was presented.
    #[schema(min_length = 1, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$", write_only)]
    token: String,
    /// The issuers that may be asked: at least one.
    #[schema(min_items = 1, max_items = 64)]
    issuers: Vec<IssuerName>,
}

/// The name of an issuer, as tokens say it in `iss`.
#[derive(Deserialize, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 2048,
    pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$",
    example = "https://id.example.com"
)]
#[expect(dead_code, reason = "it describes what filter-core reads")]
struct IssuerName(String);

/// What is known of a token.
#[derive(ToSchema)]
#[schema(as = IntrospectionAnswer)]
#[expect(dead_code, reason = "it describes what filter-core writes")]
struct TokenBody {
    /// Whether one of the issuers vouches for it. Everything else is there only then.
    active: bool,
    /// The issuer that does.
    #[schema(nullable = false)]
    issuer: Option<String>,
    /// The client it was issued to.
    #[schema(nullable = false)]
    client_id: Option<String>,
    /// Its scopes, with a space between.
    #[schema(nullable = false)]
    scope: Option<String>,
    /// Whom it is for.
    #[schema(nullable = false)]
    audiences: Option<Vec<String>>,
    /// Unix seconds from which it is no longer good.
    #[schema(nullable = false)]
    expires_at: Option<u64>,
    /// Unix seconds before which it is not good yet.
    #[schema(nullable = false)]
    not_before: Option<u64>,
    /// Unix seconds at which it was issued.
    #[schema(nullable = false)]
    issued_at: Option<u64>,
}

/// Ask for an issuer's keys
///
/// For a token that names a key of which the feed has not told. The registry looks at what the provider publishes now,
/// unless somebody has made it do so in the last 30 seconds.
#[utoipa::path(post, path = "/v1/gateway/issuer-keys", tag = "gateway protocol", operation_id = "issuer_keys", security(("Gateway" = [])), request_body = KeysRequest, responses(
    (status = 200, description = "The issuer as it is known now; without a key of that name there is none", body = KeysBody),
    (status = 404, description = "There is no such issuer", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "The key is not known, and the provider cannot be asked", body = ProblemBody,
        content_type = "application/problem+json", headers(("Retry-After", description = "Seconds"))),
))]
async fn issuer_keys(
    _caller: Gateway,
    State(app): State<AppState>,
    Json(question): Json<IssuerKeysQuestion>,
) -> Result<Answer, Problem> {
    bounded("issuer", &question.issuer, MAX_NAME)?;
    bounded("key_id", &question.key_id, MAX_NAME)?;
    let known = app
        .issuers()
        .keys_for(&question.issuer, &question.key_id)
        .await?;
    let answer = known.ok_or_else(|| Problem::new(Kind::NotFound))?;
    Ok(Answer::ok(&answer)?)
}

/// Ask whose an access token is
///
/// For a token that is neither a JWT nor one that Keysmith made: the registry asks the issuers that may be asked (RFC 7662),
/// with its own credentials. Nothing of the token is logged.
#[utoipa::path(post, path = "/v1/gateway/introspect", tag = "gateway protocol", operation_id = "introspect_access_token", security(("Gateway" = [])), request_body = TokenRequest, responses(
    (status = 200, description = "What is known of it", body = TokenBody),
    (status = 429, description = "Too many questions about this issuer", body = ProblemBody,
        content_type = "application/problem+json", headers(("Retry-After", description = "Seconds"))),
    (status = 503, description = "A provider cannot be asked, and no other vouches for it", body = ProblemBody,
        content_type = "application/problem+json", headers(("Retry-After", description = "Seconds"))),
))]
async fn introspect(
    caller: Gateway,
    State(app): State<AppState>,
    Json(question): Json<IntrospectionQuestion>,
) -> Result<Answer, Problem> {
    bounded("token", &question.token, MAX_TOKEN_LENGTH)?;
    if question.issuers.is_empty() || question.issuers.len() > MAX_ISSUERS {
        let bounds = format!("must be 1 to {MAX_ISSUERS} names");
        return Err(Problem::invalid("issuers", bounds));
    }
    for issuer in &question.issuers {
        bounded("issuers", issuer, MAX_NAME)?;
    }
    let question = Question {
        gateway: caller.token,
        token: SecretText::new(question.token.to_string()),
        issuers: question.issuers,
    };
    match app.issuers().introspect(question).await? {
        Introspected::Answered(answer) => Ok(Answer::ok(&answer)?),
        Introspected::Limited(wait) => Err(Problem::new(Kind::TooManyAttempts).retry_after(wait)),
        Introspected::Unavailable(error) => Err(Error::Provider(error).into()),
    }
}

fn bounded(field: &'static str, text: &str, most: usize) -> Result<(), Problem> {
    if text.is_empty() || text.len() > most || text.contains(char::is_control) {
        let bounds = format!("must be 1 to {most} bytes without control characters");
        return Err(Problem::invalid(field, bounds));
    }
    Ok(())
}
