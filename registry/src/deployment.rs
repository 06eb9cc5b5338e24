//! Which secrets which gateway groups honour. One function decides it, after whatever changed.

use std::collections::BTreeMap;

use filter_core::digest::{DigestKey, Digester};

use crate::{
    clock::Timestamp,
    credential::Credential,
    entropy::Entropy,
    error::Error,
    ids::{ApplicationId, CredentialId, GroupId, SecretId},
    sealing::{self, SealError},
    secret::Secret,
    secrets::Keys,
    store::{CredentialRange, Deployed, ReadTransaction, SealedDigestKey, WriteTransaction},
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
}

/// Where a group finds a secret.
type Place = (GroupId, [u8; 16]);

/// What decides where secrets are honoured, besides what is kept of them.
pub(crate) struct Settling<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) digesters: &'a Digesters,
    pub(crate) now: Timestamp,
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
    let settling = Settling {
        keys,
        digesters,
        now,
    };
    let groups = write.groups_admitting(credential.application).await?;
    let secrets = write.unrevoked_secrets(credential.id).await?;
    let deployed = write.deployed(credential.id).await?;
    settling
        .one(write, credential, &groups, &secrets, &deployed)
        .await
}

impl Settling<'_> {
    /// The same for a stretch of an application's credentials, with as many reads as for one.
    pub(crate) async fn many(
        &self,
        write: &mut dyn WriteTransaction,
        application: ApplicationId,
        credentials: &[Credential],
        range: CredentialRange,
    ) -> Result<(), Error> {
        let groups = write.groups_admitting(application).await?;
        let mut secrets: BTreeMap<CredentialId, Vec<Secret>> = BTreeMap::new();
        for secret in write.unrevoked_secrets_of(application, range).await? {
            secrets.entry(secret.credential).or_default().push(secret);
        }
        let mut deployed: BTreeMap<CredentialId, Vec<Deployed>> = BTreeMap::new();
        for (credential, place) in write.deployed_of(application, range).await? {
            deployed.entry(credential).or_default().push(place);
        }
        for credential in credentials {
            let secrets = secrets.remove(&credential.id).unwrap_or_default();
            let deployed = deployed.remove(&credential.id).unwrap_or_default();
            self.one(write, credential, &groups, &secrets, &deployed)
                .await?;
        }
        Ok(())
    }

    async fn one(
        &self,
        write: &mut dyn WriteTransaction,
        credential: &Credential,
        groups: &[GroupId],
        secrets: &[Secret],
        deployed: &[Deployed],
    ) -> Result<(), Error> {
        let wanted = self.wanted(credential, groups, secrets)?;
        let current: BTreeMap<Place, SecretId> = deployed
            .iter()
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

    fn wanted(
        &self,
        credential: &Credential,
        groups: &[GroupId],
        secrets: &[Secret],
    ) -> Result<BTreeMap<Place, SecretId>, Error> {
        let mut wanted = BTreeMap::new();
        if credential.is_expired(self.now) {
            return Ok(wanted);
        }
        // In order of version: of two chosen passwords under one user name, the digest belongs to the newer.
        for secret in secrets.iter().filter(|secret| secret.is_living(self.now)) {
            let hash = secret.lookup_hash(self.keys)?;
            for group in groups {
                if let Some(digester) = self.digesters.0.get(group) {
                    wanted.insert((*group, digester.digest(&hash).0), secret.id);
                }
            }
        }
        Ok(wanted)
    }
}
