//! Which secrets which gateway groups honour. One function decides it, after whatever changed.

use std::collections::BTreeMap;

use filter_core::digest::{DigestKey, Digester};

use crate::{
    clock::Timestamp,
    credential::Credential,
    entropy::Entropy,
    error::Error,
    ids::{GroupId, SecretId},
    sealing::{Place, SealError},
    secrets::Keys,
    store::{Deployed, ReadTransaction, SealedDigestKey, WriteTransaction},
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
        let place = Place {
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
        let place = Place {
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
}

/// Makes true where the credential's secrets are honoured: its living secrets, in every group that admits its
/// application, unless it has expired.
pub(crate) async fn settle(
    write: &mut dyn WriteTransaction,
    keys: &Keys,
    digesters: &Digesters,
    credential: &Credential,
    now: Timestamp,
) -> Result<(), Error> {
    let wanted = wanted(write, keys, digesters, credential, now).await?;
    let current: BTreeMap<(GroupId, [u8; 16]), SecretId> = write
        .deployed(credential.id)
        .await?
        .into_iter()
        .map(|deployed| ((deployed.group, deployed.digest), deployed.secret))
        .collect();
    for (group, digest) in current.keys().filter(|place| !wanted.contains_key(*place)) {
        write.withdraw(*group, digest).await?;
    }
    for ((group, digest), secret) in wanted {
        if current.get(&(group, digest)) != Some(&secret) {
            let deployed = Deployed {
                group,
                digest,
                secret,
            };
            write.deploy(&deployed, credential.id).await?;
        }
    }
    Ok(())
}

async fn wanted(
    write: &mut dyn WriteTransaction,
    keys: &Keys,
    digesters: &Digesters,
    credential: &Credential,
    now: Timestamp,
) -> Result<BTreeMap<(GroupId, [u8; 16]), SecretId>, Error> {
    let mut wanted = BTreeMap::new();
    if credential.is_expired(now) {
        return Ok(wanted);
    }
    let groups = write.groups_admitting(credential.application).await?;
    // In order of version: of two chosen passwords under one user name, the digest belongs to the newer.
    for secret in write.unrevoked_secrets(credential.id).await? {
        if !secret.is_living(now) {
            continue;
        }
        let hash = secret.lookup_hash(keys)?;
        for group in &groups {
            if let Some(digester) = digesters.0.get(group) {
                wanted.insert((*group, digester.digest(&hash).0), secret.id);
            }
        }
    }
    Ok(wanted)
}
