//! The whole database in one file, and back: of either kind, into either kind.
//!
//! A backup is made while the registry runs and is true of one moment. It holds what the database holds, so whatever is
//! sealed there is sealed here, under the same master key, which it does not hold. It is lines of JSON: what it is; each
//! table with its rows; how many they were; and a tag over all of it, so that nothing is restored from a file that was cut
//! off or altered.

mod cells;
mod command;
mod file;
mod format;
mod journals;
mod restore;
mod write;

#[cfg(test)]
mod tests;

use std::io;

use crate::{
    clock::Timestamp,
    entropy::EntropyError,
    error::Error,
    journal::JournalError,
    sealing::SealError,
    store::{OpenError, StoreError},
};

pub use command::{CommandError, backup as run_backup, restore as run_restore};
pub use restore::{Loaded, Replayed, Restore, conclude, load};
pub use write::{BackedUp, Backup, backup};

/// Why a backup cannot be made or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
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
    /// The file exists.
    #[error("{path} exists: choose another name, or say --overwrite")]
    Exists {
        /// The file.
        path: String,
    },
    /// The file is not a backup, or not of a known layout.
    #[error("{path} is not a backup that this version reads: {what}")]
    NotABackup {
        /// The file.
        path: String,
        /// What is wrong.
        what: &'static str,
    },
    /// Made under another master key.
    #[error(
        "the backup was made under another master key: restore with that key (after keys rotate-master, a backup from \
         before needs the key from before). Nothing was changed"
    )]
    WrongMasterKey,
    /// The file is not as it was written.
    #[error(
        "{path} was altered, or its end is missing: {what}. Take another backup. Nothing was changed"
    )]
    Altered {
        /// The file.
        path: String,
        /// What is wrong.
        what: &'static str,
    },
    /// Its tables are not those that its version should have.
    #[error(
        "the backup's table {0} is not one of this version: restore it with the version of keysmith that made it"
    )]
    OtherTables(String),
    /// Nothing says what was revoked since.
    #[error(
        "the backup is of {created_at}, and nothing says what was revoked since: give the journals of all registries of the \
         installation with --journal FILE, or accept that what was revoked since then works again with \
         --accept-revoked-since {created_at} (or an earlier moment). Nothing was changed"
    )]
    RevocationsUnknown {
        /// When the backup was made.
        created_at: String,
    },
    /// Some of what was revoked since is said by nobody.
    #[error(
        "the backup knows journals of revocations that were not given, or not whole; their first lines say \"journal\": \
         {missing}. What was revoked since the backup is in them: give them with --journal FILE, or accept that it works again \
         with --accept-revoked-since {created_at} (or an earlier moment). Nothing was changed"
    )]
    JournalsMissing {
        /// Their ids.
        missing: String,
        /// When the backup was made.
        created_at: String,
    },
    /// A journal that holds nothing is no evidence.
    #[error(
        "{path} is not there or empty: a journal of revocations has at least its first line. Nothing was changed"
    )]
    NoJournal {
        /// The file.
        path: String,
    },
    /// The database cannot be used.
    #[error("the database: {0}")]
    Open(#[from] OpenError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A use case failed.
    #[error(transparent)]
    Domain(#[from] Error),
    /// A journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The backup's own key cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl BackupError {
    fn file(doing: &'static str, path: &str, source: io::Error) -> Self {
        Self::File {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

/// A moment as people write it.
fn shown(moment: Timestamp) -> String {
    i64::try_from(moment.as_millis())
        .ok()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .map_or_else(
            || moment.as_millis().to_string(),
            |moment| moment.to_string(),
        )
}
