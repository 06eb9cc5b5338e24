//! What a client is told that is not registered (RFC 7591 section 3.2.2).

use crate::error::{Error, InvalidField};

/// Why a client was not registered, or its registration not changed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The token is missing, unknown, used up or over; or it manages another client.
    #[error("a valid registration token is required")]
    Unauthorized,
    /// The request is wrong.
    #[error("{}: {description}", .code.word())]
    Refused {
        /// What is wrong, for programs.
        code: Code,
        /// What is wrong, for people; may name what was sent, but no secret.
        description: String,
    },
    /// Something else.
    #[error(transparent)]
    Domain(Error),
}

/// What is wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The request is malformed.
    InvalidRequest,
    /// A redirect URI is not acceptable.
    InvalidRedirectUri,
    /// Other metadata are not acceptable.
    InvalidClientMetadata,
    /// Nobody's statements about software are accepted.
    UnapprovedSoftwareStatement,
}

impl Code {
    /// The registered word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
        }
    }

    /// What is wrong where this member is.
    pub(super) fn of_member(name: &str) -> Self {
        match name {
            "redirect_uris" => Self::InvalidRedirectUri,
            _ => Self::InvalidClientMetadata,
        }
    }

    /// The refusal that says so.
    pub fn because(self, description: impl Into<String>) -> Refusal {
        let description = description.into();
        Refusal::Refused {
            code: self,
            description,
        }
    }
}

/// What is wrong with a value, where a client knows it.
fn invalid(invalid: &InvalidField) -> Refusal {
    let member = invalid.field.strip_prefix("client.");
    // The credential's own name for what a client calls otherwise.
    let member = member.unwrap_or(match invalid.field {
        "scopes" => "scope",
        field => field,
    });
    Code::of_member(member).because(format!("{member}: {}", invalid.message))
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        match error.into() {
            Error::Invalid(wrong) => invalid(&wrong),
            other => Self::Domain(other),
        }
    }
}
