//! Why a command did not do what was asked, and the exit code that says so.

use std::{io, process::ExitCode};

use axum::http::StatusCode;
use serde_json::{Value, json};

/// What `keysmith --help` and the README say about exit codes.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed, for any other reason
  2  the command line is wrong
  3  there is no such thing
  4  it conflicts with what exists, or has changed meanwhile
  5  no token, or one that may not do this
  6  the registry cannot be reached, or is overloaded";

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The arguments do not fit together, or need something that is missing.
    #[error("{0}")]
    Usage(String),
    /// The registry refused: problem details.
    #[error("{}", describe(.body))]
    Refused {
        /// The answer's status.
        status: StatusCode,
        /// Problem details, or an empty object where the answer was something else.
        body: Value,
    },
    /// Nothing has the name.
    #[error("{0}")]
    NotFound(String),
    /// There is no token to show.
    #[error(
        "there is no token: set KEYSMITH_TOKEN, or KEYSMITH_TOKEN_FILE or --token-file to a file that holds it"
    )]
    NoToken,
    /// No answer.
    #[error("{0}")]
    Unreachable(String),
    /// A file, or what was written to.
    #[error("{what}: {source}")]
    Io {
        /// With what, and doing what.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// A failure with a file or stream.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// Whether the registry takes less in one request.
    pub(super) fn is_too_large(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::PAYLOAD_TOO_LARGE)
    }

    /// The number that a script sees.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Refused { status, .. } => match *status {
                StatusCode::NOT_FOUND => 3,
                StatusCode::CONFLICT
                | StatusCode::PRECONDITION_FAILED
                | StatusCode::UNPROCESSABLE_ENTITY => 4,
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => 5,
                StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT => 6,
                _ => 1,
            },
            Self::NotFound(_) => 3,
            Self::NoToken => 5,
            Self::Unreachable(_) => 6,
            Self::Io { .. } | Self::Other(_) => 1,
        }
    }

    /// [`Self::code`] for the system.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    /// As a program reads it: the registry's problem details, or what resembles them.
    pub(super) fn to_json(&self) -> Value {
        let word = match self {
            Self::Refused { body, .. } if body.get("type").is_some() => return body.clone(),
            Self::Refused { .. } => "unexpected-answer",
            Self::Usage(_) => "usage",
            Self::NotFound(_) => "not-found",
            Self::NoToken => "no-token",
            Self::Unreachable(_) => "unreachable",
            Self::Io { .. } => "input-output",
            Self::Other(_) => "failed",
        };
        json!({"type": format!("urn:keysmith:cli:{word}"), "title": self.to_string()})
    }
}

/// Problem details in one line: what was wrong, where, and the request's id for whoever reads the registry's log.
fn describe(body: &Value) -> String {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let mut line = text("title")
        .unwrap_or("the answer cannot be understood")
        .to_owned();
    for part in [text("field"), text("detail")].into_iter().flatten() {
        line.push_str(": ");
        line.push_str(part);
    }
    if let Some(id) = text("request_id") {
        line.push_str(" (");
        line.push_str(id);
        line.push(')');
    }
    line
}
