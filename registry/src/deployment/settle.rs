//! Making true what the rule says.

use std::collections::BTreeMap;

use filter_core::digest::SecretHash;

use super::{Digesters, lookup::lookups, rule};
use crate::{
    application::Application,
    clock::Timestamp,
    credential::{Credential, CredentialType},
    error::{Conflict, Error},
    gateway::{GatewayGroup, Mode},
    ids::{CredentialId, GroupId, SecretId},
    secret::Secret,
    secrets::Keys,
    store::{CredentialRange, Deployed, Override, WriteTransaction},
};

/// Where a group finds a secret.
type Place = (GroupId, [u8; 16]);

/// What it finds there, and the version of the key that it is found under.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Found {
    secret: SecretId,
    /// The shared secret that goes with it.
    paired: Option<SecretId>,
    key_version: u32,
}

/// What decides where secrets are honoured, besides what is kept of them.
pub(crate) struct Settling<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) digesters: &'a Digesters,
    pub(crate) now: Timestamp,
}

/// What is kept of one credential's secrets and of where they are.
struct Kept<'a> {
    secrets: &'a [Secret],
    deployed: &'a [Deployed],
}

/// Makes true where the credential's secrets are honoured: its living secrets, in every group where it is to be, unless it has
/// expired.
pub(crate) async fn settle(
    write: &mut dyn WriteTransaction,
    keys: &Keys,
    digesters: &Digesters,
    credential: &Credential,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(application) = write.application(credential.application).await? else {
        return Ok(());
    };
    let groups = write.groups().await?;
    let overrides = write.overrides(credential.id).await?;
    let wanted = rule::effective(&application, credential, &groups, &overrides);
    admit(write, &application, &wanted).await?;
    let secrets = write.unrevoked_secrets(credential.id).await?;
    let deployed = write.deployed(credential.id).await?;
    let settling = Settling {
        keys,
        digesters,
        now,
    };
    let kept = Kept {
        secrets: &secrets,
        deployed: &deployed,
    };
    settling.one(write, credential, &wanted, kept).await
}

/// An on-demand group knows only applications that have something there.
async fn admit(
    write: &mut dyn WriteTransaction,
    application: &Application,
    wanted: &[&GatewayGroup],
) -> Result<(), Error> {
    if wanted.iter().all(|group| group.mode != Mode::OnDemand) {
        return Ok(());
    }
    let admitting = write.groups_admitting(application.id).await?;
    for group in wanted.iter().filter(|group| !admitting.contains(&group.id)) {
        write.admit(group.id, application).await?;
    }
    Ok(())
}

/// Lets those of the on-demand groups forget the application in which none of its credentials is to be any more.
pub(crate) async fn dismiss(
    write: &mut dyn WriteTransaction,
    application: &Application,
    groups: &[&GatewayGroup],
) -> Result<(), Error> {
    let admitting = write.groups_admitting(application.id).await?;
    for group in groups {
        let is_admitted = group.mode == Mode::OnDemand && admitting.contains(&group.id);
        if is_admitted && !write.is_wanted(application.id, group.id).await? {
            write.dismiss(group.id, application).await?;
        }
    }
    Ok(())
}

/// Refuses a hash by which gateways of any group find another credential. By its hash alone anything can be imported, also
/// what a user name is found by.
pub(crate) async fn check_is_free(
    write: &mut dyn WriteTransaction,
    digesters: &Digesters,
    kind: CredentialType,
    hash: &SecretHash,
) -> Result<(), Error> {
    for (group, digest) in digesters.digests(hash) {
        if !is_free(write, group, &digest.0, None).await? {
            return Err(taken(kind).into());
        }
    }
    Ok(())
}

/// Whether no credential but this one has the place.
async fn is_free(
    write: &mut dyn WriteTransaction,
    group: GroupId,
    digest: &[u8; 16],
    credential: Option<CredentialId>,
) -> Result<bool, Error> {
    let owner = write.digest_owner(group, digest).await?;
    Ok(owner.is_none() || owner == credential)
}

const fn taken(kind: CredentialType) -> Conflict {
    match kind {
        CredentialType::Basic => Conflict::Username,
        CredentialType::ApiKey | CredentialType::BearerToken => Conflict::Value,
        CredentialType::OauthClient => Conflict::Client,
    }
}

impl Settling<'_> {
    /// The same for a stretch of an application's credentials, with as many reads as for one. The application is as it is going
    /// to be, and known wherever it has to be.
    pub(crate) async fn many(
        &self,
        write: &mut dyn WriteTransaction,
        application: &Application,
        credentials: &[Credential],
        range: CredentialRange,
    ) -> Result<(), Error> {
        let groups = write.groups().await?;
        let mut overrides: BTreeMap<CredentialId, Vec<Override>> = BTreeMap::new();
        for (credential, one) in write.overrides_of(application.id, range).await? {
            overrides.entry(credential).or_default().push(one);
        }
        let mut secrets: BTreeMap<CredentialId, Vec<Secret>> = BTreeMap::new();
        for secret in write.unrevoked_secrets_of(application.id, range).await? {
            secrets.entry(secret.credential).or_default().push(secret);
        }
        let mut deployed: BTreeMap<CredentialId, Vec<Deployed>> = BTreeMap::new();
        for (credential, place) in write.deployed_of(application.id, range).await? {
            deployed.entry(credential).or_default().push(place);
        }
        for credential in credentials {
            let overrides = overrides.remove(&credential.id).unwrap_or_default();
            let wanted = rule::effective(application, credential, &groups, &overrides);
            let kept = Kept {
                secrets: &secrets.remove(&credential.id).unwrap_or_default(),
                deployed: &deployed.remove(&credential.id).unwrap_or_default(),
            };
            self.one(write, credential, &wanted, kept).await?;
        }
        Ok(())
    }

    async fn one(
        &self,
        write: &mut dyn WriteTransaction,
        credential: &Credential,
        groups: &[&GatewayGroup],
        kept: Kept<'_>,
    ) -> Result<(), Error> {
        let wanted = self.wanted(credential, groups, kept.secrets)?;
        let current: BTreeMap<Place, Found> = kept
            .deployed
            .iter()
            .map(|one| {
                let found = Found {
                    secret: one.secret,
                    paired: one.paired,
                    key_version: one.key_version,
                };
                ((one.group, one.digest), found)
            })
            .collect();
        for (group, digest) in current.keys().filter(|place| !wanted.contains_key(*place)) {
            write.withdraw(*group, digest).await?;
        }
        for ((group, digest), found) in wanted {
            if current.get(&(group, digest)) != Some(&found) {
                if !is_free(write, group, &digest, Some(credential.id)).await? {
                    return Err(taken(credential.kind).into());
                }
                let deployed = Deployed {
                    group,
                    digest,
                    secret: found.secret,
                    paired: found.paired,
                    key_version: found.key_version,
                };
                write.deploy(&deployed, credential.id).await?;
            }
        }
        Ok(())
    }

    fn wanted(
        &self,
        credential: &Credential,
        groups: &[&GatewayGroup],
        secrets: &[Secret],
    ) -> Result<BTreeMap<Place, Found>, Error> {
        let mut wanted = BTreeMap::new();
        for lookup in lookups(self.keys, credential, secrets, self.now)? {
            for group in groups {
                for (key_version, digest) in self.digesters.of_group(group.id, &lookup.hash) {
                    let found = Found {
                        secret: lookup.secret,
                        paired: lookup.paired,
                        key_version,
                    };
                    wanted.insert((group.id, digest.0), found);
                }
            }
        }
        Ok(wanted)
    }
}
