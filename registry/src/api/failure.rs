//! From the use cases' errors to problems.

use std::time::Duration;

use super::problem::{Kind, Problem};
use crate::{
    entropy::EntropyError,
    error::{Conflict, Error, InvalidField},
    organization::Resource,
    provider::registrar::{ProviderError, ProviderErrorKind},
    store::StoreError,
};

/// After which a client that met a full queue may come back.
pub(crate) const BUSY_RETRY: Duration = Duration::from_secs(1);

/// After which a client may come back that found the database away.
const AWAY_RETRY: Duration = Duration::from_secs(2);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(invalid) => invalid.into(),
            Error::NotAllowed(what) => Self::new(Kind::Forbidden)
                .field(what.field)
                .detail(what.message),
            Error::NotFound(kind) => Self::new(Kind::NotFound).detail(format!("no such {kind}")),
            Error::Conflict(limit @ Conflict::LimitReached { resource, .. }) => {
                Self::new(match resource {
                    Resource::Applications => Kind::ApplicationLimit,
                    Resource::Credentials => Kind::CredentialLimit,
                    Resource::Tokens => Kind::TokenLimit,
                })
                .detail(limit.to_string())
            }
            Error::Conflict(conflict) => Self::new(Kind::Conflict)
                .field(conflict.field().unwrap_or_default())
                .detail(conflict.to_string()),
            Error::VersionMismatch(kind) => Self::new(Kind::PreconditionFailed)
                .field("If-Match")
                .detail(format!("the {kind} is at another version")),
            Error::TooManyAttempts(wait) => Self::new(Kind::TooManyAttempts).retry_after(wait),
            Error::Busy | Error::ReadFailed | Error::UsageNotKept => {
                Self::new(Kind::Overloaded).retry_after(BUSY_RETRY)
            }
            Error::Store(StoreError::NotJournaled) => {
                tracing::error!(error = %StoreError::NotJournaled, "the request was answered 503");
                Self::new(Kind::NotJournaled).retry_after(BUSY_RETRY)
            }
            Error::Store(StoreError::Unavailable(_)) => {
                Self::unavailable(&error).retry_after(AWAY_RETRY)
            }
            // Wherever it is: most fields say so themselves.
            Error::Store(StoreError::Nul) => {
                Self::new(Kind::Malformed).detail("a text in the request has a NUL in it")
            }
            Error::Provider(error) => provider_problem(&error),
            Error::Superseded => Self::new(Kind::IdempotencyInProgress).retry_after(BUSY_RETRY),
            Error::Answer(_)
            | Error::Store(_)
            | Error::Entropy(_)
            | Error::Seal(_)
            | Error::MasterKeyFile(_)
            | Error::Password(_) => Self::internal(&error),
        }
    }
}

/// A provider's failure is answered as that of a gateway on the way to it. What the provider says of the client is about
/// what the caller has sent.
fn provider_problem(error: &ProviderError) -> Problem {
    let kind = match error.kind {
        ProviderErrorKind::Refused => Kind::ProviderRefused,
        ProviderErrorKind::Unavailable => Kind::ProviderUnavailable,
        ProviderErrorKind::Unsupported => Kind::ProviderUnsupported,
        ProviderErrorKind::Forbidden
        | ProviderErrorKind::Missing
        | ProviderErrorKind::Unmanaged
        | ProviderErrorKind::Garbage => Kind::ProviderFailed,
    };
    let problem = Problem::new(kind)
        .detail(error.description.clone())
        .provider(error.code.clone(), error.status);
    match error.kind {
        ProviderErrorKind::Unavailable => problem.retry_after(AWAY_RETRY),
        _ => problem,
    }
}

impl From<InvalidField> for Problem {
    fn from(invalid: InvalidField) -> Self {
        Self::invalid(invalid.field, invalid.message)
    }
}

impl From<EntropyError> for Problem {
    fn from(error: EntropyError) -> Self {
        Self::internal(&error)
    }
}

impl From<serde_json::Error> for Problem {
    /// An answer could not be written, or one that was kept not read. What clients send never comes this way.
    fn from(error: serde_json::Error) -> Self {
        Self::internal(&error)
    }
}
