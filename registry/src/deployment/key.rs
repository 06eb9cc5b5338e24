//! The keys of groups, under which gateways hold digests.

use std::collections::BTreeMap;

use filter_core::digest::{Digest, DigestKey, Digester, SecretHash};

use crate::{
    entropy::Entropy,
    error::Error,
    ids::GroupId,
    sealing::{self, SealError, Sealer},
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
        sealer: &Sealer,
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
            sealed: sealer.seal(place, key.expose(), entropy)?,
        })
    }

    /// Opens it.
    pub fn open(&self, keys: &Keys) -> Result<DigestKey, SealError> {
        let row = row(self.group, self.version);
        let place = sealing::Place {
            column: COLUMN,
            row: &row,
        };
        let plain = keys.open(place, &self.sealed)?;
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

/// The keys under which groups' gateways find what is deployed now, ready for use: one for each group, and two while one
/// replaces the other.
pub(crate) struct Digesters(BTreeMap<GroupId, Vec<Keyed>>);

/// By what gateways find a secret, under one of their group's keys.
struct Keyed {
    version: u32,
    digester: Digester,
}

impl Digesters {
    pub(crate) async fn load(read: &mut dyn ReadTransaction, keys: &Keys) -> Result<Self, Error> {
        let mut digesters: BTreeMap<GroupId, Vec<Keyed>> = BTreeMap::new();
        for sealed in read.deploying_keys().await? {
            digesters.entry(sealed.group).or_default().push(Keyed {
                version: sealed.version,
                digester: Digester::new(&sealed.open(keys)?),
            });
        }
        Ok(Self(digesters))
    }

    /// By what the gateways of each group find a secret.
    pub(super) fn digests(&self, hash: &SecretHash) -> Vec<(GroupId, Digest)> {
        let groups = self.0.keys();
        groups
            .flat_map(|group| {
                let found = self.of_group(*group, hash);
                found.map(|(_, digest)| (*group, digest))
            })
            .collect()
    }

    /// By what the group's gateways find a secret, with the version of the key; nothing for a group that does not exist.
    pub(super) fn of_group(
        &self,
        group: GroupId,
        hash: &SecretHash,
    ) -> impl Iterator<Item = (u32, Digest)> {
        let keys = self.0.get(&group).into_iter().flatten();
        keys.map(move |key| (key.version, key.digester.digest(hash)))
    }

    /// By what they find it under one version of the key; `None` where nothing is deployed under that.
    pub(super) fn under(&self, group: GroupId, version: u32, hash: &SecretHash) -> Option<Digest> {
        let mut keys = self.0.get(&group).into_iter().flatten();
        let key = keys.find(|key| key.version == version)?;
        Some(key.digester.digest(hash))
    }
}
