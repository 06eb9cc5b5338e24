//! How a store fails.

use crate::{audit::UnknownKey, ids::GroupId};

/// The store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is out of reach, or out of means for the moment: later it may be there again. Of a commit nobody knows
    /// then whether it happened.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// A text has a NUL in it.
    #[error("a text has a NUL in it, which the database cannot hold")]
    Nul,
    /// A row does not mean anything.
    #[error("the database holds something unreadable in {0}")]
    Unreadable(&'static str),
    /// What gateways are told of a deployed secret cannot be worked out.
    #[error(
        "deployed_secrets: the record in gateway group {group} under the digest {digest:032x} cannot be rendered: {source}"
    )]
    Record {
        /// Where it is deployed.
        group: GroupId,
        /// Under which digest: its 16 bytes, the first one the highest.
        digest: u128,
        /// Why.
        source: Box<StoreError>,
    },
    /// It is done, and not yet in the journal outside the database.
    #[error(
        "it is done, but the journal of revocations cannot be written: until it is, a restored database may bring back what \
         was revoked"
    )]
    NotJournaled,
    /// Work in a task of its own did not come to its end.
    #[error("the work was interrupted")]
    Interrupted,
    /// The audit log cannot be written or read.
    #[error("the audit log: {0}")]
    AuditKey(#[from] UnknownKey),
    /// A number exceeds what the database or the feed can hold.
    #[error("a number is out of range in {0}")]
    Range(&'static str),
}

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The master key is not the one with which the database was made.
    #[error(
        "the master key does not belong to this database: it was made with another one (nothing was changed)"
    )]
    WrongMasterKey,
    /// There is nothing to read.
    #[error("no registry has used it yet")]
    Empty,
    /// Only an empty database is restored into.
    #[error(
        "it is not empty, and a backup is restored into an empty one only: move data_dir/keysmith.db away with what lies \
         beside it under the same name, or make a new database on the server. Nothing was changed"
    )]
    NotEmpty,
    /// Tables go forward only.
    #[error(
        "it has tables of version {at}, and the backup is of version {wanted}: restore into a database without tables"
    )]
    NewerTables {
        /// The version that there is.
        at: i64,
        /// The backup's.
        wanted: i64,
    },
    /// A later version made the backup.
    #[error(
        "the backup has tables of version {0}, which this version does not know: restore it with the version of keysmith \
         that made it"
    )]
    UnknownTables(i64),
    /// What must be revoked again is not yet.
    #[error(
        "it was filled from a backup by a `keysmith restore` that did not come to its end, so what was revoked may work in it: \
         restore again, into an empty database"
    )]
    RestoreInProgress,
    /// Everything is on its way to another master key, and that was not given.
    #[error(
        "the master key is being changed from {from} to {to}, and {to} was not given: set next_master_key or \
         next_master_key_file, or put it into data_dir/master.key.next (nothing was changed)"
    )]
    NextMasterKeyMissing {
        /// The key that is being left.
        from: String,
        /// The key under which everything will be.
        to: String,
    },
    /// Everything is on its way to the master key that was given, and the one before it was not.
    #[error(
        "the master key is being changed from {from} to {to}, and not everything is under {to} yet: {from} is needed as \
         well, as master_key or next_master_key, until keysmith keys show says that the change is done (nothing was changed)"
    )]
    OldMasterKeyMissing {
        /// The key that is being left.
        from: String,
        /// The key under which everything will be.
        to: String,
    },
    /// The tables cannot be brought up to date.
    #[error("the database's tables cannot be brought up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The server cannot be used: why, and what to do. Never with the password.
    #[error("{0}")]
    Server(String),
    /// The database cannot be opened or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The installation's own secrets cannot be sealed.
    #[error(transparent)]
    Seal(#[from] crate::sealing::SealError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] crate::entropy::EntropyError),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if passes(&error) {
            Self::Unavailable(error)
        } else if is_of_nul(&error) {
            Self::Nul
        } else {
            Self::Database(error)
        }
    }
}

/// By which PostgreSQL says what passes: a shutdown or a crash of the server, a lock or a turn that did not come, a statement
/// or a transaction that took too long, a standby that took over and only reads, a transaction that was in the way of another one.
const PASSING_CODES: [&str; 11] = [
    "57P01", "57P02", "57P03", "57P05", "55P03", "57014", "25006", "25P03", "25P04", "40001",
    "40P01",
];
/// Whole classes: connections, and means such as memory, disk and the number of connections.
const PASSING_CLASSES: [&str; 2] = ["08", "53"];
/// SQLite's: another process writes.
const BUSY: &str = "5";

fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(said) => said.code().is_some_and(|code| {
            let code = code.as_ref();
            let class = code.get(..2).filter(|_| code.len() == 5);
            code == BUSY
                || PASSING_CODES.contains(&code)
                || class.is_some_and(|class| PASSING_CLASSES.contains(&class))
        }),
        _ => false,
    }
}

/// By which PostgreSQL refuses a NUL in text, and in JSON.
const OF_NUL: [&str; 2] = ["22021", "22P05"];

fn is_of_nul(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(said) = error else {
        return false;
    };
    said.code()
        .is_some_and(|code| OF_NUL.contains(&code.as_ref()))
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
