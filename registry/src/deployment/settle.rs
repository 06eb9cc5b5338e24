//! Making true what the rule says.

use std::collections::BTreeMap;

use filter_core::digest::SecretHash;

use super::{
    Digesters,
    lookup::{Lookup, lookups},
    rule,
};
use crate::{
    application::Application,
    clock::Timestamp,
    credential::{Credential, CredentialType},
    error::{Conflict, Error},
    gateway::{GatewayGroup, Mode},
    ids::{AccessTokenId, CredentialId, GroupId, SecretId},
    oauth::OpaqueToken,
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
    /// The access token that is found there instead.
    token: Option<AccessTokenId>,
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
    tokens: &'a [OpaqueToken],
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
    let tokens = match credential.kind {
        CredentialType::OauthClient => write.access_tokens_of(credential.id).await?,
        _ => Vec::new(),
    };
    let deployed = write.deployed(credential.id).await?;
    let settling = Settling {
        keys,
        digesters,
        now,
    };
    let kept = Kept {
        secrets: &secrets,
        tokens: &tokens,
        deployed: &deployed,
    };
    settling.one(write, credential, &wanted, kept).await
}

/// Has gateways honour an access token of a client, wherever they honour the client. The same as [`settle`] would do, without
/// a look at the client's other tokens.
pub(crate) async fn add_token(
    write: &mut dyn WriteTransaction,
    keys: &Keys,
    digesters: &Digesters,
    credential: &Credential,
    (token, now): (&OpaqueToken, Timestamp),
) -> Result<(), Error> {
    let Some(application) = write.application(credential.application).await? else {
        return Ok(());
    };
    let groups = write.groups().await?;
    let overrides = write.overrides(credential.id).await?;
    let secrets = write.unrevoked_secrets(credential.id).await?;
    let kept = (secrets.as_slice(), std::slice::from_ref(token));
    let lookups = lookups(keys, credential, kept, now)?;
    for group in rule::effective(&application, credential, &groups, &overrides) {
        for lookup in lookups.iter().filter(|one| one.token.is_some()) {
            for (key_version, digest) in digesters.of_group(group.id, &lookup.hash) {
                let deployed = Found::of(lookup, key_version).at((group.id, digest.0));
                write.deploy(&deployed, credential.id).await?;
            }
        }
    }
    Ok(())
}

impl Found {
    const fn of(lookup: &Lookup, key_version: u32) -> Self {
        Self {
            secret: lookup.secret,
            paired: lookup.paired,
            token: lookup.token,
            key_version,
        }
    }

    const fn at(self, (group, digest): Place) -> Deployed {
        Deployed {
            group,
            digest,
            secret: self.secret,
            paired: self.paired,
            token: self.token,
            key_version: self.key_version,
        }
    }
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
        let mut tokens: BTreeMap<CredentialId, Vec<OpaqueToken>> = BTreeMap::new();
        for token in write.access_tokens_of_many(application.id, range).await? {
            tokens.entry(token.credential).or_default().push(token);
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
                tokens: &tokens.remove(&credential.id).unwrap_or_default(),
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
        let wanted = self.wanted(credential, groups, (kept.secrets, kept.tokens))?;
        let current: BTreeMap<Place, Found> = kept
            .deployed
            .iter()
            .map(|one| {
                let found = Found {
                    secret: one.secret,
                    paired: one.paired,
                    token: one.token,
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
                write
                    .deploy(&found.at((group, digest)), credential.id)
                    .await?;
            }
        }
        Ok(())
    }

    fn wanted(
        &self,
        credential: &Credential,
        groups: &[&GatewayGroup],
        kept: (&[Secret], &[OpaqueToken]),
    ) -> Result<BTreeMap<Place, Found>, Error> {
        let mut wanted = BTreeMap::new();
        for lookup in lookups(self.keys, credential, kept, self.now)? {
            for group in groups {
                for (key_version, digest) in self.digesters.of_group(group.id, &lookup.hash) {
                    wanted.insert((group.id, digest.0), Found::of(&lookup, key_version));
                }
            }
        }
        Ok(wanted)
    }
}
