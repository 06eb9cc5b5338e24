//! What the authorization server answers instead of doing what was asked (RFC 6749 section 5.2).

use std::time::Duration;

use crate::error::Error;

/// Why a request of OAuth was not done.
#[derive(Debug, thiserror::Error)]
pub enum OauthError {
    /// The client is told what is wrong, in the words of OAuth.
    #[error("{}: {description}", .code.word())]
    Refused {
        /// What is wrong, for programs.
        code: Code,
        /// What is wrong, for people, in visible ASCII without quotes and backslashes.
        description: &'static str,
    },
    /// There were too many of them.
    #[error("too many requests")]
    Limited {
        /// After what time the next may come.
        wait: Duration,
    },
    /// Something else, which is nobody's fault.
    #[error(transparent)]
    Domain(Error),
}

/// What is wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A parameter is missing, repeated or malformed.
    InvalidRequest,
    /// The client is not known, or has not proven itself, or is not honoured.
    InvalidClient,
    /// The client may not use the grant type.
    UnauthorizedClient,
    /// There is no such grant type here.
    UnsupportedGrantType,
    /// The client may not have the scope.
    InvalidScope,
    /// The client may not use tokens there (RFC 8707 section 2).
    InvalidTarget,
}

impl Code {
    /// The registered word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
        }
    }

    /// The refusal that says so.
    #[must_use]
    pub const fn because(self, description: &'static str) -> OauthError {
        OauthError::Refused {
            code: self,
            description,
        }
    }
}

impl<E: Into<Error>> From<E> for OauthError {
    fn from(error: E) -> Self {
        Self::Domain(error.into())
    }
}
