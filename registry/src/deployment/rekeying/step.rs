//! Going on with the replacing of digest keys.

use std::collections::{BTreeMap, BTreeSet};

use filter_core::digest::SecretHash;

use super::progress;
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    deployment::Digesters,
    environment::Environment,
    error::Error,
    gateway::{self, Gateways},
    ids::{AccessTokenId, GroupId, SecretId},
    secret::Secret,
    store::{
        Deployed, DeployedRecord, Phase, ReadTransaction, Rekeying, StoreError, WriteTransaction,
    },
};

/// Records at most in one transaction: others write in between, and a worker of a gateway can take up the parts that change
/// one by one.
const BATCH: usize = if cfg!(test) { 3 } else { 200 };

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do.
    Done,
    /// A gateway has not gone over to the new key yet.
    Waits,
    /// The group's key is not being replaced, or not any more.
    Ended,
}

/// Does what can be done for every group whose digest key is being replaced, until `is_over`. Calls `pause` between two steps.
pub async fn advance<P: Future<Output = ()> + Send>(
    env: &Environment,
    gateways: &Gateways,
    pause: impl Fn() -> P + Send + Sync,
    is_over: impl Fn() -> bool + Send + Sync,
) -> Result<(), Error> {
    let under_way = env.store.read().await?.rekeyings().await?;
    let mut first_error = None;
    for rekeying in under_way {
        // One group that cannot go on is no reason for the others to wait.
        if let Err(error) = advance_one(env, gateways, rekeying.group, &pause, &is_over).await {
            first_error.get_or_insert(error);
        }
    }
    first_error.map_or(Ok(()), Err)
}

async fn advance_one<P: Future<Output = ()> + Send>(
    env: &Environment,
    gateways: &Gateways,
    group: GroupId,
    pause: &(impl Fn() -> P + Send + Sync),
    is_over: &(impl Fn() -> bool + Send + Sync),
) -> Result<(), Error> {
    while !is_over() && step(env, gateways, group).await? == Step::Done {
        pause().await;
    }
    Ok(())
}

/// Does the next step for the group.
pub async fn step(env: &Environment, gateways: &Gateways, group: GroupId) -> Result<Step, Error> {
    let mut read = env.store.read().await?;
    let Some(seen) = read.rekeying(group).await? else {
        return Ok(Step::Ended);
    };
    if !may_go_on(env, gateways, read.as_mut(), &seen).await? {
        return Ok(Step::Waits);
    }
    drop(read);
    let mut write = env.store.write().await?;
    // Another registry may have done it meanwhile.
    let Some(rekeying) = write.rekeying(group).await?.filter(|now| *now == seen) else {
        return Ok(Step::Done);
    };
    // Again, now that no registry hears anything that this one does not know.
    if !may_go_on(env, gateways, write.as_mut(), &rekeying).await? {
        return Ok(Step::Waits);
    }
    let step = match rekeying.phase {
        Phase::Adding => add(env, write.as_mut(), rekeying).await?,
        Phase::Switched { .. } => begin_removing(write.as_mut(), rekeying).await?,
        Phase::Removing => remove(env, write.as_mut(), rekeying).await?,
    };
    env.commit(write).await?;
    Ok(step)
}

/// Whether no gateway has to go over to the new key before.
async fn may_go_on(
    env: &Environment,
    gateways: &Gateways,
    read: &mut dyn ReadTransaction,
    rekeying: &Rekeying,
) -> Result<bool, Error> {
    let Phase::Switched { revision } = rekeying.phase else {
        return Ok(true);
    };
    progress::is_everywhere(env, gateways, read, rekeying.group, revision).await
}

/// Adds the next records under the new key; after the last, tells gateways of it.
async fn add(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    mut rekeying: Rekeying,
) -> Result<Step, Error> {
    let records = next(write, &rekeying).await?;
    let Some(last) = records.last() else {
        write.tell_key(rekeying.group, rekeying.to).await?;
        let revision = write.pending_revision().await?;
        let revision = revision.ok_or(StoreError::Unreadable("installation.revision"))?;
        rekeying.phase = Phase::Switched { revision };
        rekeying.done_to = None;
        write.set_rekeying(&rekeying).await?;
        return Ok(Step::Done);
    };
    rekeying.done_to = Some(last.deployed.digest);
    let added = u64::try_from(records.len()).unwrap_or(u64::MAX);
    rekeying.added = rekeying.added.saturating_add(added);
    copy(env, write, &rekeying, &records).await?;
    write.set_rekeying(&rekeying).await?;
    Ok(Step::Done)
}

async fn next(
    write: &mut dyn WriteTransaction,
    rekeying: &Rekeying,
) -> Result<Vec<DeployedRecord>, StoreError> {
    let after = rekeying.done_to.as_ref();
    write
        .records_under(rekeying.group, rekeying.from, after, BATCH)
        .await
}

async fn copy(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    rekeying: &Rekeying,
    records: &[DeployedRecord],
) -> Result<(), Error> {
    let digesters = Digesters::load(write, &env.keys).await?;
    let credentials: BTreeSet<_> = records.iter().map(|record| record.credential).collect();
    let credentials: Vec<_> = credentials.into_iter().collect();
    let secrets = write.unrevoked_secrets_of_many(&credentials).await?;
    let secrets: BTreeMap<SecretId, Secret> =
        secrets.into_iter().map(|one| (one.id, one)).collect();
    for record in records {
        let old = record.deployed;
        let found = match old.token {
            None => hash(env, &secrets, &old),
            Some(token) => hash_of_token(env, write, token).await,
        };
        let found = found.and_then(|hash| {
            let old_digest = digesters.under(old.group, rekeying.from, &hash);
            let is_its_own = old_digest.is_some_and(|digest| digest.0 == old.digest);
            let new = digesters.under(old.group, rekeying.to, &hash);
            new.filter(|_| is_its_own)
                .ok_or_else(|| StoreError::Unreadable("deployed_secrets.digest").into())
        });
        let digest = found.inspect_err(|error| {
            tracing::warn!(
                %error,
                credential = %record.credential,
                "the digest key cannot be replaced before this credential is rotated or deleted"
            );
        })?;
        let copy = Deployed {
            digest: digest.0,
            key_version: rekeying.to,
            ..old
        };
        write.copy_record(&old.digest, &copy).await?;
    }
    Ok(())
}

/// What the record is found by, whatever the key.
fn hash(
    env: &Environment,
    secrets: &BTreeMap<SecretId, Secret>,
    deployed: &Deployed,
) -> Result<SecretHash, Error> {
    let hash_of = |id: SecretId| -> Result<SecretHash, Error> {
        let secret = secrets.get(&id);
        let secret = secret.ok_or(StoreError::Unreadable("deployed_secrets.secret_id"))?;
        Ok(secret.lookup_hash(&env.keys)?)
    };
    let value = hash_of(deployed.secret)?;
    match deployed.paired {
        None => Ok(value),
        Some(shared) => Ok(SecretHash::of_pair(&value, &hash_of(shared)?)),
    }
}

async fn hash_of_token(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    token: AccessTokenId,
) -> Result<SecretHash, Error> {
    let token = write.access_token(token).await?;
    let token = token.ok_or(StoreError::Unreadable("deployed_secrets.access_token_id"))?;
    Ok(token.lookup_hash(&env.keys)?)
}

/// Every gateway has gone over: from now on nothing is deployed under the old key.
async fn begin_removing(
    write: &mut dyn WriteTransaction,
    mut rekeying: Rekeying,
) -> Result<Step, Error> {
    rekeying.phase = Phase::Removing;
    rekeying.done_to = None;
    write.set_rekeying(&rekeying).await?;
    Ok(Step::Done)
}

/// Removes the next records under the old key; after the last, the key itself.
async fn remove(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    mut rekeying: Rekeying,
) -> Result<Step, Error> {
    let records = next(write, &rekeying).await?;
    let Some(last) = records.last() else {
        write.end_rekeying(&rekeying).await?;
        let group = gateway::find(write, rekeying.group).await?;
        let event = Event::of(Action::DigestKeyReplaced, group.name).with("version", rekeying.to);
        let organization = write.default_organization().await?.id;
        audit::note(env, write, Caller::registry(organization), event).await?;
        return Ok(Step::Ended);
    };
    rekeying.done_to = Some(last.deployed.digest);
    let removed = u64::try_from(records.len()).unwrap_or(u64::MAX);
    rekeying.removed = rekeying.removed.saturating_add(removed);
    for record in &records {
        write
            .remove_copy(rekeying.group, &record.deployed.digest)
            .await?;
    }
    write.set_rekeying(&rekeying).await?;
    Ok(Step::Done)
}
