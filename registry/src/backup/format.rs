//! The lines that are not rows.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::BackupError;
use crate::{
    clock::Timestamp,
    entropy::Entropy,
    sealing::Place,
    secrets::Keys,
    store::{
        KEY_CHECK, OpenError,
        sql::{Dump, Table},
    },
};

/// The layout of a backup.
pub(super) const FORMAT: u32 = 1;
/// Bytes at most in a line.
pub(super) const MAX_LINE: u64 = 64 * 1024 * 1024;
/// Bytes at most in the first line, which is read before the tag can be.
pub(super) const MAX_HEADER: u64 = 256 * 1024;

/// Where the backup's own key lies sealed.
const KEY: Place<'_> = Place {
    column: "backup.key",
    row: "1",
};

/// The first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) keysmith_backup: u32,
    /// Unix milliseconds.
    pub(super) created_at: u64,
    /// The version of the tables.
    pub(super) schema: i64,
    /// The log's identity and last revision.
    epoch: String,
    pub(super) revision: u64,
    /// The key of the tag at the end, sealed under the master key.
    key: String,
    pub(super) tables: Vec<Table>,
}

/// Begins a table.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    pub(super) table: String,
}

/// The last line but one.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    pub(super) rows: BTreeMap<String, u64>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) tag: String,
}

/// The tag over everything before the last line.
#[derive(Clone)]
pub(super) struct Tagger(Hmac<Sha256>);

impl Header {
    /// The header with a key of its own, which is sealed under the master key that the database is sealed under.
    pub(super) fn new(
        dump: &Dump,
        now: Timestamp,
        keys: &Keys,
        entropy: &dyn Entropy,
    ) -> Result<(Self, Tagger), BackupError> {
        let key = Zeroizing::new(entropy.bytes::<32>()?);
        let in_use = keys.open_with(KEY_CHECK, &dump.key_check).ok();
        let sealer = in_use.and_then(|(id, _)| keys.sealer(id));
        let sealer = sealer.ok_or(OpenError::WrongMasterKey)?;
        let sealed = sealer.seal(KEY, key.as_slice(), entropy)?;
        let header = Self {
            keysmith_backup: FORMAT,
            created_at: now.as_millis(),
            schema: dump.schema,
            epoch: format!("{:032x}", u128::from_be_bytes(dump.head.epoch)),
            revision: dump.head.revision,
            key: STANDARD.encode(sealed),
            tables: dump.tables.clone(),
        };
        Ok((header, Tagger::new(&key)))
    }

    /// What checks the tag; an error if the backup was made under another master key.
    pub(super) fn tagger(&self, keys: &Keys) -> Result<Tagger, BackupError> {
        let sealed = STANDARD.decode(&self.key);
        let sealed = sealed.map_err(|_| BackupError::WrongMasterKey)?;
        let key = keys.open(KEY, &sealed);
        let key = key.map_err(|_| BackupError::WrongMasterKey)?;
        let key = key.as_slice().try_into();
        Ok(Tagger::new(&key.map_err(|_| BackupError::WrongMasterKey)?))
    }

    pub(super) const fn created_at(&self) -> Timestamp {
        Timestamp::from_millis(self.created_at)
    }
}

impl Tagger {
    fn new(key: &[u8; 32]) -> Self {
        let mut block = Zeroizing::new([0_u8; 64]);
        for (place, byte) in block.iter_mut().zip(key) {
            *place = *byte;
        }
        // A key padded with zeros to the block is the same HMAC key (RFC 2104 section 2), and cannot fail.
        Self(Hmac::new((&*block).into()))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn end(self) -> End {
        End {
            tag: STANDARD.encode(self.0.finalize().into_bytes()),
        }
    }
}
