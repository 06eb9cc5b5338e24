//! Where the next master key comes from.

use std::path::PathBuf;

use crate::{
    entropy::Entropy,
    error::{Conflict, Error},
    sealing::KeyId,
    secrets::{Keys, MasterKey},
    start::{self, StartError},
};

/// Where the next master key comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// From the settings, if it is in them.
    Configured(Option<KeyId>),
    /// From a file beside `master.key` in this directory, made when it is needed.
    Directory(PathBuf),
}

impl KeySource {
    /// The next key, which `keys` holds from now on.
    pub(super) fn next(&self, keys: &Keys, entropy: &dyn Entropy) -> Result<KeyId, Error> {
        match self {
            Self::Configured(next) => Ok(next.ok_or(Conflict::NextMasterKey)?),
            Self::Directory(directory) => {
                let next = start::next_master_key(directory, entropy);
                let next = next.map_err(|error| Error::MasterKeyFile(error.to_string()))?;
                Ok(keys.learn(&next))
            }
        }
    }

    /// Has `keys` hold the next key if its file has come since the start: another registry made it, and somebody brought
    /// it here.
    pub(super) fn look(&self, keys: &Keys) -> Result<(), StartError> {
        if let Self::Directory(directory) = self
            && let Some(next) = start::read_next_master_key(directory)?
        {
            keys.learn(&next);
        }
        Ok(())
    }

    /// Says what is left to be done where the settings name the key `in_use` as the next one.
    pub(super) fn remind(&self, in_use: KeyId) {
        if matches!(self, Self::Configured(Some(next)) if *next == in_use) {
            tracing::warn!(
                "next_master_key is the one in use: make it master_key, and put the old one away"
            );
        }
    }

    /// Puts the next key's file into the place of the one that is used no more, which stays beside it: backups from
    /// before open with it alone. Nothing happens unless the next key is the one `in_use`.
    pub(super) fn settle(&self, in_use: KeyId) -> Result<(), StartError> {
        match self {
            Self::Configured(_) => Ok(()),
            Self::Directory(directory) => {
                start::settle_master_key(directory, |key: &MasterKey| key.sealer().id() == in_use)
            }
        }
    }
}
