//! Refusals as OAuth words them (RFC 6749 section 5.2).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::json;
use crate::{
    api::problem::{Explained, Kind, Problem},
    oauth::error::{Code, OauthError},
};

/// Why a request of OAuth was refused.
#[derive(Serialize, ToSchema)]
#[schema(as = OauthError)]
pub(in crate::api) struct RefusalBody {
    /// What is wrong, for programs: a registered word, or `slow_down` where there were too many requests.
    #[schema(example = "invalid_client")]
    error: &'static str,
    /// What is wrong, for people.
    error_description: String,
}

/// A refusal on its way out.
#[derive(Debug)]
pub(in crate::api) struct Refusal {
    error: OauthError,
    /// Whether the client came by HTTP Basic, and so must be told that it may again.
    by_basic: bool,
    /// Whether it is the length of the body that is refused.
    is_too_large: bool,
}

impl Refusal {
    pub(super) const fn new(error: OauthError, by_basic: bool) -> Self {
        Self {
            error,
            by_basic,
            is_too_large: false,
        }
    }
}

impl From<OauthError> for Refusal {
    fn from(error: OauthError) -> Self {
        Self::new(error, false)
    }
}

impl From<Problem> for Refusal {
    /// The body could not be read.
    fn from(problem: Problem) -> Self {
        let is_too_large = matches!(problem.kind(), Kind::TooLarge);
        let message = if is_too_large {
            "the body is too large"
        } else {
            "the body cannot be read"
        };
        Self {
            is_too_large,
            ..Code::InvalidRequest.because(message).into()
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, description, wait) = match self.error {
            OauthError::Domain(error) => return Problem::from(error).into_response(),
            OauthError::Limited { wait } => (
                StatusCode::TOO_MANY_REQUESTS,
                "slow_down",
                "too many requests: come back after the seconds that Retry-After says",
                Some(wait),
            ),
            OauthError::Refused { code, description } => {
                let status = match code {
                    Code::InvalidClient => StatusCode::UNAUTHORIZED,
                    _ if self.is_too_large => StatusCode::PAYLOAD_TOO_LARGE,
                    _ => StatusCode::BAD_REQUEST,
                };
                (status, code.word(), description, None)
            }
        };
        let mut response = json(&RefusalBody {
            error,
            error_description: description.to_owned(),
        });
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED && self.by_basic {
            let challenge = HeaderValue::from_static("Basic realm=\"keysmith\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = wait {
            let seconds = wait.as_millis().div_ceil(1000).max(1).to_string();
            if let Ok(seconds) = HeaderValue::try_from(seconds) {
                headers.insert(header::RETRY_AFTER, seconds);
            }
        }
        response.extensions_mut().insert(Explained);
        response
    }
}
