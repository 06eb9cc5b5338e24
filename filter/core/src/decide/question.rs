//! What only the registry can answer.

use alloc::{
    boxed::Box,
    string::{String, ToString as _},
    vec::Vec,
};

use zeroize::Zeroizing;

use crate::{
    denial::Reason,
    digest::SecretHash,
    gateway::access_tokens::{IntrospectionQuestion, IssuerKeysQuestion},
    ids::ObjectId,
    introspections::IntrospectionId,
};

/// A question to the registry, for which the request waits.
#[derive(Debug)]
pub enum Question {
    /// Is this the password?
    Password(Box<PasswordQuestion>),
    /// Has the issuer this key?
    IssuerKeys(Box<IssuerKeysQuestion>),
    /// Whose token is it?
    Introspection(Box<TokenQuestion>),
}

impl Question {
    /// Whether the answer to one of them is the answer to the other, so that a request may wait for a question that is
    /// asked already. The keys of an issuer come all at once.
    #[must_use]
    pub fn is_answered_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::IssuerKeys(one), Self::IssuerKeys(other)) => one.issuer == other.issuer,
            (Self::Introspection(one), Self::Introspection(other)) => one.id == other.id,
            _ => false,
        }
    }

    /// What is said when there is no answer.
    #[must_use]
    pub const fn unanswered(&self) -> Reason {
        match self {
            Self::Password(_) => Reason::VerificationUnavailable,
            Self::IssuerKeys(_) | Self::Introspection(_) => Reason::ProviderUnavailable,
        }
    }

    /// What is said when too many wait for answers already, or the registry has too much to do.
    #[must_use]
    pub const fn overloaded(&self) -> Reason {
        match self {
            Self::Password(_) => Reason::VerificationOverloaded,
            Self::IssuerKeys(_) | Self::Introspection(_) => Reason::ProviderOverloaded,
        }
    }
}

/// A chosen password to be verified.
pub struct PasswordQuestion {
    /// The user name as presented.
    pub username: Zeroizing<String>,
    /// The password as presented.
    pub password: Zeroizing<String>,
    /// What the answer is remembered under.
    pub hash: SecretHash,
    /// Whose password it would be.
    pub credential: ObjectId,
    /// The version of its secret that is known here.
    pub version: u32,
}

impl core::fmt::Debug for PasswordQuestion {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PasswordQuestion")
            .field("credential", &self.credential)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A token that only an issuer can judge.
#[derive(Debug)]
pub struct TokenQuestion {
    /// What the answer is remembered under.
    pub id: IntrospectionId,
    /// What the registry is asked.
    pub question: IntrospectionQuestion,
}

impl TokenQuestion {
    pub(super) fn new(id: IntrospectionId, token: &str, issuers: Vec<String>) -> Self {
        Self {
            id,
            question: IntrospectionQuestion {
                token: Zeroizing::new(token.to_string()),
                issuers,
            },
        }
    }
}
