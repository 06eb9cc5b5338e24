//! Ending a grace period because nobody uses the old secret any more, where its owner wants that.

use std::{collections::BTreeSet, time::Duration};

use super::SecretUse;
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    clock::Timestamp,
    credential::{self, Credential},
    deployment::Digesters,
    environment::Environment,
    error::Error,
    gateway::Gateways,
    ids::{CredentialId, GroupId},
    secret::{Secret, SecretState},
    store::ReadTransaction,
};

/// The longest time after which a gateway reports what it counted (`usage_seconds`), and some for the way: younger silence
/// proves nothing.
const NOT_YET_REPORTED: Duration = Duration::from_mins(65);

/// Ends the retiring secrets that were silent for as long as their owners want, if gateways can be relied upon: every one
/// that any registry knows in the groups concerned has reported without a gap all that time, nothing of what they counted was
/// lost, and there is at least one. Returns how many credentials this ended a grace period of.
pub async fn end_silent(env: &Environment, gateways: &Gateways) -> Result<usize, Error> {
    let candidates = env.store.read().await?.ending_by_silence().await?;
    let mut ended: usize = 0;
    for id in candidates {
        match end(env, gateways, id).await {
            Ok(has_ended) => ended = ended.saturating_add(usize::from(has_ended)),
            // It is no reason to keep the others.
            Err(error) => {
                tracing::warn!(%error, credential = %id, "a grace period could not be ended by silence");
            }
        }
    }
    Ok(ended)
}

async fn end(env: &Environment, gateways: &Gateways, id: CredentialId) -> Result<bool, Error> {
    let now = env.now();
    let mut read = env.store.read().await?;
    let Some(credential) = read.credential(id).await? else {
        return Ok(false);
    };
    if silent(read.as_mut(), gateways, &credential, now)
        .await?
        .is_empty()
    {
        return Ok(false);
    }
    drop(read);
    // Again, now that nobody reports or rotates in between, here or elsewhere.
    let mut write = env.store.write().await?;
    if !gateways.knows_all(write.as_mut(), now).await? {
        return Ok(false);
    }
    let Some(mut credential) = write.credential(id).await? else {
        return Ok(false);
    };
    let silent = silent(write.as_mut(), gateways, &credential, now).await?;
    if silent.is_empty() {
        return Ok(false);
    }
    for secret in &silent {
        let ended = SecretState::Revoked { at: now };
        write.set_secret_state(secret.id, ended).await?;
        let event = Event::of_credential(Action::GraceEndedBySilence, &credential)
            .with("version", secret.version);
        let caller = Caller::registry(credential.organization);
        audit::note(env, write.as_mut(), caller, event).await?;
    }
    credential.version = credential.version.saturating_add(1);
    credential.updated_at = now;
    write.update_credential(&credential).await?;
    let digesters = Digesters::load(write.as_mut(), &env.keys).await?;
    credential::end_retired(env, write.as_mut(), &digesters, id).await?;
    env.commit(write).await?;
    tracing::info!(credential = %id, "a grace period ended, because nobody used the old secret");
    Ok(true)
}

/// The credential's secrets that may end now.
async fn silent(
    read: &mut dyn ReadTransaction,
    gateways: &Gateways,
    credential: &Credential,
    now: Timestamp,
) -> Result<Vec<Secret>, Error> {
    let secrets = read.unrevoked_secrets(credential.id).await?;
    let counts = read.usage(&[credential.id]).await?;
    let deployed = read.deployed(credential.id).await?;
    let groups: BTreeSet<GroupId> = deployed.iter().map(|one| one.group).collect();
    let Some(reliable_since) = reliable_since(gateways, &groups, now) else {
        return Ok(Vec::new());
    };
    let mut silent = Vec::new();
    for secret in secrets.iter().filter(|secret| secret.is_retiring(now)) {
        let Some(silence) = secret.end_after_silence else {
            continue;
        };
        let begin = now.before(silence.saturating_add(NOT_YET_REPORTED));
        let (paired, part) = (credential.is_paired, secret.part);
        // By the registry's clock: those of gateways may lag.
        let used = SecretUse::of_secret(&counts, paired, part, secret.version).received;
        let quiet_since = used.max(succeeded_at(secret, &secrets));
        if quiet_since.is_none_or(|since| since > begin) || reliable_since > begin {
            continue;
        }
        let lost = read.lost_usage(begin).await?;
        if !lost.iter().any(|lost| groups.contains(&lost.group)) {
            silent.push(secret.clone());
        }
    }
    Ok(silent)
}

/// When the secret's successor was made.
fn succeeded_at(secret: &Secret, all: &[Secret]) -> Option<Timestamp> {
    all.iter()
        .filter(|other| other.part == secret.part && other.version > secret.version)
        .map(|other| other.created_at)
        .max()
}

/// Since when every gateway that is known in these groups has reported without a gap; `None` if one does not, or if there
/// is none at all. A group that nobody uses is in nobody's way.
fn reliable_since(
    gateways: &Gateways,
    groups: &BTreeSet<GroupId>,
    now: Timestamp,
) -> Option<Timestamp> {
    let mut latest = None;
    for group in groups {
        if gateways.look(|known| known.of(*group).next().is_some()) {
            latest = latest.max(Some(gateways.reporting_since(*group, now)?));
        }
    }
    latest
}

#[cfg(test)]
mod tests;
