//! The keys of groups, under which gateways hold digests.

use std::collections::BTreeMap;

use filter_core::digest::{Digest, DigestKey, Digester, SecretHash};

use crate::{
    entropy::Entropy,
    error::Error,
    ids::GroupId,
    sealing::{self, SealError},
    secrets::Keys,
    store::{ReadTransaction, SealedDigestKey},
};

const COLUMN: &str = "digest_keys.sealed";

impl SealedDigestKey {
    /// Seals a group's digest key.
    pub fn seal(
        group: GroupId,
        version: u32,
        key: &DigestKey,
        keys: &Keys,
        entropy: &dyn Entropy,
    ) -> Result<Self, SealError> {
        let row = row(group, version);
        let place = sealing::Place {
            column: COLUMN,
            row: &row,
        };
        Ok(Self {
            group,
            version,
            sealed: keys.sealer().seal(place, key.expose(), entropy)?,
        })
    }

    /// Opens it.
    pub fn open(&self, keys: &Keys) -> Result<DigestKey, SealError> {
        let row = row(self.group, self.version);
        let place = sealing::Place {
            column: COLUMN,
            row: &row,
        };
        let plain = keys.sealer().open(place, &self.sealed)?;
        let bytes = plain
            .as_slice()
            .try_into()
            .map_err(|_| SealError::Open(COLUMN))?;
        Ok(DigestKey::from_bytes(bytes))
    }
}

fn row(group: GroupId, version: u32) -> String {
    format!("{group}/{version}")
}

/// The groups' digest keys, ready for use.
pub(crate) struct Digesters(BTreeMap<GroupId, Digester>);

impl Digesters {
    pub(crate) async fn load(read: &mut dyn ReadTransaction, keys: &Keys) -> Result<Self, Error> {
        let mut digesters = BTreeMap::new();
        for sealed in read.digest_keys().await? {
            digesters.insert(sealed.group, Digester::new(&sealed.open(keys)?));
        }
        Ok(Self(digesters))
    }

    /// By what the gateways of each group find a secret.
    pub(super) fn digests(&self, hash: &SecretHash) -> Vec<(GroupId, Digest)> {
        self.0
            .iter()
            .map(|(group, digester)| (*group, digester.digest(hash)))
            .collect()
    }

    /// By what the group's gateways find a secret; `None` for a group that does not exist.
    pub(super) fn digest(&self, group: GroupId, hash: &SecretHash) -> Option<Digest> {
        self.0.get(&group).map(|digester| digester.digest(hash))
    }
}
