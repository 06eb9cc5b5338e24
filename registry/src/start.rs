//! What the first start makes, and every further one finds: the data directory, the master key, the first tokens.

mod files;
mod tokens;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::{
    config::Secrets,
    entropy::{Entropy, EntropyError},
    error::Error,
    keys::KeySource,
    secrets::{InvalidMasterKey, Keys, MasterKey},
};

use files::{file_error, lock, read_if_exists, sync_directory, write_secret};

/// Why the registry cannot start with its data.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or directory cannot be made or read.
    #[error("data_dir: cannot {doing} {path}: {source}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another process serves the directory.
    #[error("data_dir: {path} is in use by another registry: it serves one at a time")]
    InUse {
        /// The directory.
        path: String,
    },
    /// The database is there, and its key is not.
    #[error(
        "data_dir: {database} exists and {key} does not: restore the key, or set master_key (a new key could not read it)"
    )]
    KeyIsGone {
        /// The database.
        database: String,
        /// Where the key should be.
        key: String,
    },
    /// The master key is malformed.
    #[error("{origin}: {source}")]
    MasterKey {
        /// The setting or file it came from.
        origin: String,
        /// Why.
        source: InvalidMasterKey,
    },
    /// A token from the configuration cannot be used.
    #[error("{origin}: {source}")]
    Token {
        /// The setting or file it came from.
        origin: String,
        /// Why.
        source: Error,
    },
    /// The store failed.
    #[error(transparent)]
    Domain(#[from] Error),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

const MASTER_KEY: &str = "master.key";
const NEXT_MASTER_KEY: &str = "master.key.next";

/// The directory that holds everything. While this lives, no other process serves it: gateways that wait at one would
/// not hear of what is changed at the other.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Locked until it is closed, also by the end of the process. `None` for who only looks.
    _lock: Option<File>,
}

impl DataDir {
    /// Makes the directory, readable for nobody else, unless it exists, and takes it for this process.
    pub(crate) fn open(path: &Path) -> Result<Self, StartError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|source| file_error("create", path, source))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: Some(lock(path)?),
        })
    }

    /// The directory of a registry that may be running, to look into.
    pub(crate) fn beside(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            _lock: None,
        }
    }

    /// The configured master key, or the one in the directory; an error where there is none. `of` is what is of no use
    /// without it.
    fn known_master_key(&self, secrets: &Secrets, of: &str) -> Result<MasterKey, StartError> {
        if let Some(secret) = &secrets.master_key {
            return parse_master_key(secret.expose(), secret.origin());
        }
        let path = self.path.join(MASTER_KEY);
        match read_if_exists(&path)? {
            Some(text) => parse_master_key(&text, &path.display().to_string()),
            None => Err(StartError::KeyIsGone {
                database: of.to_owned(),
                key: path.display().to_string(),
            }),
        }
    }

    /// The path of the database's file, which is there from now on and readable for nobody else. What SQLite puts
    /// beside it gets the same mode.
    pub(crate) fn database(&self) -> Result<PathBuf, StartError> {
        let path = self.database_path();
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| file_error("create", &path, source))?;
        Ok(path)
    }

    /// Where the database's file is, or will be.
    pub(crate) fn database_path(&self) -> PathBuf {
        self.path.join("keysmith.db")
    }

    /// The configured master key, or the one in the directory, or a new one where there is no database yet, here or on a
    /// server.
    pub(crate) fn master_key(
        &self,
        secrets: &Secrets,
        kept_by_a_server: Option<&'static str>,
        entropy: &dyn Entropy,
    ) -> Result<MasterKey, StartError> {
        if let Some(secret) = &secrets.master_key {
            return parse_master_key(secret.expose(), secret.origin());
        }
        let path = self.path.join(MASTER_KEY);
        if let Some(text) = read_if_exists(&path)? {
            return parse_master_key(&text, &path.display().to_string());
        }
        let database = self.database_path();
        let exists = database.exists().then(|| database.display().to_string());
        if let Some(database) = kept_by_a_server.map(str::to_owned).or(exists) {
            return Err(StartError::KeyIsGone {
                database,
                key: path.display().to_string(),
            });
        }
        let key = MasterKey::generate(entropy)?;
        write_secret(&path, key.to_text().expose())?;
        tracing::info!(file = %path.display(), "made a master key: back it up, the database is of no use without it");
        Ok(key)
    }

    /// All master keys that were given, and where the next one comes from.
    pub(crate) fn keys(
        &self,
        secrets: &Secrets,
        kept_by_a_server: Option<&'static str>,
        entropy: &dyn Entropy,
    ) -> Result<(Keys, KeySource), StartError> {
        let master = self.master_key(secrets, kept_by_a_server, entropy)?;
        self.with_next(&master, secrets)
    }

    /// All master keys that were given for a database that exists. `of` is what is of no use without them.
    pub(crate) fn known_keys(&self, secrets: &Secrets, of: &str) -> Result<Keys, StartError> {
        let (keys, _) = self.with_next(&self.known_master_key(secrets, of)?, secrets)?;
        Ok(keys)
    }

    fn with_next(
        &self,
        master: &MasterKey,
        secrets: &Secrets,
    ) -> Result<(Keys, KeySource), StartError> {
        let keys = Keys::derive(master);
        if let Some(next) = &secrets.next_master_key {
            let next = keys.learn(&parse_master_key(next.expose(), next.origin())?);
            return Ok((keys, KeySource::Configured(Some(next))));
        }
        if secrets.master_key.is_some() {
            return Ok((keys, KeySource::Configured(None)));
        }
        if let Some(next) = read_next_master_key(&self.path)? {
            keys.learn(&next);
        }
        Ok((keys, KeySource::Directory(self.path.clone())))
    }
}

fn parse_master_key(text: &str, origin: &str) -> Result<MasterKey, StartError> {
    MasterKey::parse(text).map_err(|source| StartError::MasterKey {
        origin: origin.to_owned(),
        source,
    })
}

/// The next master key, if its file is there.
pub(crate) fn read_next_master_key(directory: &Path) -> Result<Option<MasterKey>, StartError> {
    let path = directory.join(NEXT_MASTER_KEY);
    let text = read_if_exists(&path)?;
    text.map(|text| parse_master_key(&text, &path.display().to_string()))
        .transpose()
}

/// The next master key, made unless the file is there.
pub(crate) fn next_master_key(
    directory: &Path,
    entropy: &dyn Entropy,
) -> Result<MasterKey, StartError> {
    if let Some(key) = read_next_master_key(directory)? {
        return Ok(key);
    }
    let path = directory.join(NEXT_MASTER_KEY);
    let key = MasterKey::generate(entropy)?;
    write_secret(&path, key.to_text().expose())?;
    tracing::info!(file = %path.display(), "made the next master key: back it up");
    Ok(key)
}

/// Puts the next key's file into the place of the one before, if it is the one in use. The one before stays under its id.
/// Whoever is interrupted finds the next file where it was, or all done.
pub(crate) fn settle_master_key(
    directory: &Path,
    is_in_use: impl Fn(&MasterKey) -> bool,
) -> Result<(), StartError> {
    let (path, next) = (directory.join(MASTER_KEY), directory.join(NEXT_MASTER_KEY));
    if !read_next_master_key(directory)?.is_some_and(|key| is_in_use(&key)) {
        return Ok(());
    }
    if let Some(text) = read_if_exists(&path)? {
        let id = parse_master_key(&text, &path.display().to_string())?
            .sealer()
            .id();
        let kept = directory.join(format!("{MASTER_KEY}.{id}"));
        match fs::hard_link(&path, &kept) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(file_error("write", &kept, error));
            }
            _ => {}
        }
        tracing::warn!(
            file = %kept.display(),
            "the master key before is kept for backups that were made under it: move it to where they are"
        );
    }
    let renamed = fs::rename(&next, &path).and_then(|()| sync_directory(&path));
    renamed.map_err(|source| file_error("write", &path, source))
}
