//! Every error of this surface: problem details (RFC 9457).

use std::{error::Error, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of every error.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What stands before [`Kind::slug`] in `type`.
const TYPE_PREFIX: &str = "urn:keysmith:problem:";

/// What went wrong, as programs tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Malformed,
    Invalid,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    ApplicationLimit,
    CredentialLimit,
    TokenLimit,
    GatewayGroupMismatch,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    TooManyAttempts,
    Internal,
    Overloaded,
    Unavailable,
    NotJournaled,
    ProviderRefused,
    ProviderUnsupported,
    ProviderFailed,
    ProviderUnavailable,
}

impl Kind {
    /// The last part of `type`. Part of the contract: never changed, never used again.
    const fn slug(self) -> &'static str {
        match self {
            Self::Malformed => "malformed-request",
            Self::Invalid => "invalid-value",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::Conflict => "conflict",
            Self::ApplicationLimit => "application-limit",
            Self::CredentialLimit => "credential-limit",
            Self::TokenLimit => "token-limit",
            Self::GatewayGroupMismatch => "gateway-group-mismatch",
            Self::IdempotencyInProgress => "idempotency-in-progress",
            Self::IdempotencyKeyReused => "idempotency-key-reused",
            Self::PreconditionFailed => "precondition-failed",
            Self::TooLarge => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::TooManyAttempts => "too-many-attempts",
            Self::Internal => "internal",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::NotJournaled => "not-journaled",
            Self::ProviderRefused => "provider-refused",
            Self::ProviderUnsupported => "provider-unsupported",
            Self::ProviderFailed => "provider-failed",
            Self::ProviderUnavailable => "provider-unavailable",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The request is malformed",
            Self::Invalid => "A value is not acceptable",
            Self::Unauthorized => "A valid token is required",
            Self::Forbidden => "The token's role does not allow this",
            Self::NotFound => "There is no such thing",
            Self::MethodNotAllowed => "The method is not allowed here",
            Self::Conflict => "The request conflicts with what exists",
            Self::ApplicationLimit => "The organization has as many applications as it may have",
            Self::CredentialLimit => "The organization has as many credentials as it may have",
            Self::TokenLimit => "The organization has as many tokens as it may have",
            Self::GatewayGroupMismatch => "The token belongs to another gateway group",
            Self::IdempotencyInProgress => {
                "The first request with this Idempotency-Key is still running"
            }
            Self::IdempotencyKeyReused => "The Idempotency-Key was used for another request",
            Self::PreconditionFailed => "It has changed meanwhile",
            Self::TooLarge => "The request is too large",
            Self::UnsupportedMediaType => "The body is of a type that is not read here",
            Self::TooManyAttempts => "Too many attempts",
            Self::Internal => "Something went wrong here",
            Self::Overloaded => "Too busy at the moment",
            Self::Unavailable => "The database is not available at the moment",
            Self::NotJournaled => {
                "It is done, but cannot be written to the journal of revocations yet"
            }
            Self::ProviderRefused => "The identity provider refuses this",
            Self::ProviderUnsupported => "The identity provider is not able to do this",
            Self::ProviderFailed => "The identity provider fails to answer properly",
            Self::ProviderUnavailable => "The identity provider is not available at the moment",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Malformed | Self::Invalid => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict
            | Self::ApplicationLimit
            | Self::CredentialLimit
            | Self::TokenLimit
            | Self::GatewayGroupMismatch
            | Self::IdempotencyInProgress => StatusCode::CONFLICT,
            Self::IdempotencyKeyReused | Self::ProviderRefused | Self::ProviderUnsupported => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::ProviderFailed => StatusCode::BAD_GATEWAY,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Overloaded
            | Self::Unavailable
            | Self::NotJournaled
            | Self::ProviderUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether more is said than the title: not of what is wrong with this server, which is nobody's business.
    fn is_told(self) -> bool {
        let of_a_provider = matches!(self, Self::ProviderFailed | Self::ProviderUnavailable);
        of_a_provider || !self.status().is_server_error()
    }
}

/// An error on its way out. The outermost layer writes its body, because only that knows the request's id.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: Option<String>,
    field: Option<String>,
    retry_after: Option<Duration>,
    provider_error: Option<String>,
    provider_status: Option<u16>,
}

/// Marks an answer that says itself what went wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Explained;

/// The body of every error: problem details (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// What went wrong, for programs: `urn:keysmith:problem:` and a word that does not change.
    #[serde(rename = "type")]
    #[schema(example = "urn:keysmith:problem:invalid-value")]
    kind: String,
    /// What went wrong, for people.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong this time. Absent from errors of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// Where in the request it is: a path into the body such as `labels.team`, or the name of a parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
    /// What the identity provider calls the error, such as `invalid_redirect_uri` (RFC 7591 section 3.2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    provider_error: Option<String>,
    /// The status with which the identity provider answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    provider_status: Option<u16>,
    /// The request's id, as in the `X-Request-Id` header and in the registry's log.
    request_id: String,
}

/// Why a line of a longer request failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineProblem {
    /// What went wrong, for programs: `urn:keysmith:problem:` and a word that does not change.
    #[serde(rename = "type")]
    #[schema(example = "urn:keysmith:problem:invalid-value")]
    kind: String,
    /// What went wrong, for people.
    title: &'static str,
    /// The HTTP status that a request for this alone would have.
    status: u16,
    /// What went wrong this time. Absent from errors of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
}

impl Problem {
    /// As part of an answer whose other parts may have succeeded.
    pub(crate) fn of_line(self) -> LineProblem {
        let body = self.body("");
        LineProblem {
            kind: body.kind,
            title: body.title,
            status: body.status,
            detail: body.detail,
            field: body.field,
        }
    }

    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            detail: None,
            field: None,
            retry_after: None,
            provider_error: None,
            provider_status: None,
        }
    }

    /// What went wrong, as programs tell it apart.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// What went wrong, for people; of errors of the server nothing more.
    pub(crate) fn told(&self) -> (&'static str, Option<&str>) {
        let shown = self.kind.is_told();
        (self.kind.title(), self.detail.as_deref().filter(|_| shown))
    }

    /// Where in the request it is.
    pub(crate) fn place(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Something unexpected. Its cause is logged here, and nowhere else; the client learns nothing of it.
    pub(crate) fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = with_causes(error), "the request failed");
        Self::new(Kind::Internal)
    }

    /// The database is away. Logged like what is unexpected, and no fault of the request.
    pub(crate) fn unavailable(error: &(dyn Error + 'static)) -> Self {
        tracing::warn!(error = with_causes(error), "the request found no database");
        Self::new(Kind::Unavailable)
    }

    pub(crate) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Kind::Invalid).field(field).detail(detail)
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        let field = field.into();
        // What serde calls the body as a whole, and a place it does not know.
        self.field = (!["", ".", "?"].contains(&field.as_str())).then_some(field);
        self
    }

    /// What an identity provider answered.
    pub(crate) fn provider(mut self, error: Option<String>, status: Option<u16>) -> Self {
        self.provider_error = error;
        self.provider_status = status;
        self
    }

    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Writes the body for the request with this id.
    pub(crate) fn render(self, request_id: &str) -> Body {
        serde_json::to_vec(&self.body(request_id)).map_or_else(|_| Body::empty(), Body::from)
    }

    fn body(self, request_id: &str) -> ProblemBody {
        let status = self.kind.status();
        let shown = self.kind.is_told();
        ProblemBody {
            kind: format!("{TYPE_PREFIX}{}", self.kind.slug()),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: self.detail.filter(|_| shown),
            field: self.field.filter(|_| shown),
            provider_error: self.provider_error,
            provider_status: self.provider_status,
            request_id: request_id.to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.kind == Kind::Unauthorized {
            let challenge = HeaderValue::from_static("Bearer realm=\"keysmith\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = self.retry_after {
            // Whole seconds, rounded up: a client that comes back earlier only fails again.
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            if let Ok(value) = HeaderValue::try_from(seconds.to_string()) {
                headers.insert(header::RETRY_AFTER, value);
            }
        }
        response.extensions_mut().insert(self);
        response
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut causes = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push_str(": ");
        causes.push_str(&cause.to_string());
        source = cause.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_server_say_nothing_but_their_id() {
        let problem = Problem::new(Kind::Internal).field("f").detail("the cause");
        let body = serde_json::to_value(problem.body("req_1")).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:keysmith:problem:internal", "title": "Something went wrong here", "status": 500,
                "request_id": "req_1",
            })
        );
    }
}
