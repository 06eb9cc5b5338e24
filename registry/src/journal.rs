//! What was revoked or disabled, written down a second time: in a file outside the database.
//!
//! A database that was restored, copied back or promoted behind its primary has forgotten what was revoked since. The
//! journal has not: whoever opens the database has everything revoked again that the journal says. It only ever grows, by
//! lines that are on the disk before a caller is told that something is revoked. Each line is authenticated together with
//! all lines before it, so a last line that a crash cut off is told from one that somebody changed. It holds ids and times,
//! and no secret.

mod agree;
mod file;
mod line;
mod writer;

#[cfg(test)]
mod tests;

use std::{io, path::PathBuf, str::FromStr};

use crate::{
    clock::Timestamp,
    entropy::EntropyError,
    error::Error,
    ids::{ApplicationId, CredentialId, InvalidId, SecretId, TokenId},
};

pub(crate) use agree::{agree_again, open, revoke_again};
pub(crate) use file::Reader;
pub use writer::Journal;

/// What was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// One secret of a credential.
    Secret(SecretId),
    /// A credential, which was deleted.
    Credential(CredentialId),
    /// An application, which was deleted with its credentials.
    Application(ApplicationId),
    /// A token for the registry's API.
    Token(TokenId),
    /// What was disabled, or enabled again.
    Switched(Switch),
    /// A secret that retires, or is the current one again.
    Turned(Turn),
    /// The tokens that an OAuth client had got.
    CutOff(CutOff),
}

/// That a credential's access tokens count only from a moment on. Of several, the latest moment counts, in whichever order
/// they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CutOff {
    /// Whose tokens.
    pub credential: CredentialId,
    /// The first moment of issue that counts.
    pub from: Timestamp,
}

/// That a secret began to retire, or became the current one again. The highest count came last, as of [`Switch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Turn {
    /// Which.
    pub secret: SecretId,
    /// When it ends; `None` for the current one.
    pub until: Option<Timestamp>,
    /// How often it turned until then, this time included.
    pub count: u64,
}

/// That something was disabled or enabled. Of several of the same thing, the one with the highest count came last, in
/// whichever order and from whichever journals they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Switch {
    /// What.
    pub what: Switched,
    /// Which of the two it is from then on.
    pub enabled: bool,
    /// How often it was switched until then, this time included.
    pub count: u64,
}

/// What can be switched off and on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Switched {
    /// A credential.
    Credential(CredentialId),
    /// An application, and with it all its credentials.
    Application(ApplicationId),
}

/// One revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Of what.
    pub what: Revoked,
    /// When.
    pub at: Timestamp,
    /// The log's revision once it was committed.
    pub revision: u64,
}

/// Why a journal cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refuses.
    #[error("cannot {doing} {path}: {source}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another registry writes it.
    #[error("{path} is in use by another registry: each keeps its own")]
    InUse {
        /// The file.
        path: String,
    },
    /// A line is not as it was written.
    #[error(
        "line {line} of {path} was altered, or written under other keys. To go on without it, \
         move it away: what the database knows as revoked is then written into a new one"
    )]
    Altered {
        /// The file.
        path: String,
        /// Which line, counting from 1.
        line: u64,
    },
    /// A revocation cannot be carried out again.
    #[error("{what} cannot be revoked again: {source}")]
    Again {
        /// Its id.
        what: String,
        /// Why.
        source: Box<Error>,
    },
    /// The store failed.
    #[error(transparent)]
    Domain(#[from] Error),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl JournalError {
    fn file(doing: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        Self::File {
            doing,
            path: path.display().to_string(),
            source,
        }
    }
}

impl std::fmt::Display for Revoked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(id) => id.fmt(f),
            Self::Credential(id) => id.fmt(f),
            Self::Application(id) => id.fmt(f),
            Self::Token(id) => id.fmt(f),
            Self::Switched(switch) => switch.what.fmt(f),
            Self::Turned(turn) => turn.secret.fmt(f),
            Self::CutOff(cut_off) => cut_off.credential.fmt(f),
        }
    }
}

impl std::fmt::Display for Switched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Credential(id) => id.fmt(f),
            Self::Application(id) => id.fmt(f),
        }
    }
}

impl FromStr for Switched {
    type Err = InvalidId;

    /// By the prefix of the id.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse()
            .map(Self::Credential)
            .or_else(|_| text.parse().map(Self::Application))
    }
}

impl FromStr for Revoked {
    type Err = InvalidId;

    /// By the prefix of the id.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse()
            .map(Self::Secret)
            .or_else(|_| text.parse().map(Self::Credential))
            .or_else(|_| text.parse().map(Self::Application))
            .or_else(|_| text.parse().map(Self::Token))
    }
}

/// The journal of the registry with this data directory, unless another path is configured.
#[must_use]
pub(crate) fn default_path(data_dir: &std::path::Path) -> PathBuf {
    data_dir.join("revocations.journal")
}
