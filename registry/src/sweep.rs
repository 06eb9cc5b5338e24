//! Tidying up after time: nothing depends on when it runs.
//!
//! Gateways stop honouring what has ended by themselves, because its record says when. Sweeping takes the records away,
//! and forgets what nobody asks for any more.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    audit, clock::Timestamp, credential, deployment::Digesters, environment::Environment,
    error::Error, idempotency, ids::CredentialId, store::Prune, usage,
};

/// For how long the log is kept unless configured otherwise. A gateway that was away longer takes a snapshot.
pub const LOG_KEPT: Duration = Duration::from_hours(24);

/// Credentials at most in one transaction, so that others can write in between.
const BATCH: usize = 100;
/// Days of usage at most that are forgotten in one transaction.
const DAYS_BATCH: u32 = if cfg!(test) { 2 } else { 2_000 };

/// Ends what is past its end, and prunes. Returns how many credentials had something to end.
pub async fn sweep(env: &Environment) -> Result<usize, Error> {
    let ended = end_due(env).await;
    // In any case: what cannot be ended is no reason to keep the rest for ever.
    prune(env).await?;
    ended
}

async fn end_due(env: &Environment) -> Result<usize, Error> {
    let mut ended: usize = 0;
    let mut failed: usize = 0;
    // Each is tried once: what is still due then will not be ended now.
    let mut tried = BTreeSet::new();
    loop {
        let limit = BATCH.saturating_add(failed);
        let mut due = env.store.read().await?.due(env.now(), limit).await?;
        due.retain(|id| tried.insert(*id));
        if due.is_empty() {
            return Ok(ended);
        }
        if end(env, &due).await.is_ok() {
            ended = ended.saturating_add(due.len());
            continue;
        }
        // One of them is in the way of the others: each by itself.
        for id in due {
            match end(env, &[id]).await {
                Ok(()) => ended = ended.saturating_add(1),
                Err(error) => {
                    tracing::warn!(%error, credential = %id, "what has ended could not be cleared away");
                    failed = failed.saturating_add(1);
                }
            }
        }
    }
}

async fn end(env: &Environment, due: &[CredentialId]) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let digesters = Digesters::load(write.as_mut(), &env.keys).await?;
    for id in due {
        credential::end_retired(env, write.as_mut(), &digesters, *id).await?;
    }
    env.commit(write).await?;
    Ok(())
}

async fn prune(env: &Environment) -> Result<(), Error> {
    let now = env.now();
    let mut write = env.store.write().await?;
    write
        .prune(Prune {
            changes_before: now.before(env.log_kept),
            requests_before: now.before(idempotency::KEPT),
            batches_before: now.before(usage::BATCHES_KEPT),
            lost_before: now.before(usage::LOST_KEPT),
        })
        .await?;
    env.commit(write).await?;
    prune_usage(env, now.before(env.usage_kept)).await?;
    audit::prune(env).await
}

async fn prune_usage(env: &Environment, before: Timestamp) -> Result<(), Error> {
    loop {
        let mut write = env.store.write().await?;
        let pruned = write.prune_usage_days(before, DAYS_BATCH).await?;
        env.commit(write).await?;
        if pruned < u64::from(DAYS_BATCH) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        credential::{NewSecret, RotatedSecret},
        testing::{HOUR, World},
    };

    #[tokio::test]
    async fn what_cannot_be_ended_does_not_keep_the_rest() {
        let world = World::new().await;
        let mut ids = Vec::new();
        for name in ["a", "b", "c"] {
            let issued = world.credential(name, NewSecret::GeneratedApiKey).await;
            let id = issued.detail.credential.id;
            let next = RotatedSecret::Generated { username: None };
            world.rotate(id, HOUR, next).await.unwrap();
            ids.push(id);
        }
        let mut write = world.env.store.write().await.unwrap();
        let secrets = write.unrevoked_secrets(ids[0]).await.unwrap();
        for secret in secrets {
            write.reseal_secret(secret.id, b"broken").await.unwrap();
        }
        world.env.commit(write).await.unwrap();
        let before = world.env.store.revision();
        world.clock.advance(super::LOG_KEPT + HOUR);
        assert_eq!(world.sweep().await, 2);
        assert_eq!(world.sweep().await, 0, "the broken one stays");
        let mut read = world.env.store.read().await.unwrap();
        assert_eq!(read.due(world.env.now(), 10).await.unwrap(), [ids[0]]);
        assert_eq!(read.change_id(before - 1).await.unwrap(), None, "pruned");
    }
}
