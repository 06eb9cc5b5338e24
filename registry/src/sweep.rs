//! Tidying up after time: nothing depends on when it runs.
//!
//! Gateways stop honouring what has ended by themselves, because its record says when. Sweeping takes the records away,
//! and forgets what nobody asks for any more.

use std::time::Duration;

use crate::{
    credential, deployment::Digesters, environment::Environment, error::Error, idempotency,
    store::Prune,
};

/// For how long the log is kept unless configured otherwise. A gateway that was away longer takes a snapshot.
pub const LOG_KEPT: Duration = Duration::from_hours(24);

/// Credentials at most in one transaction, so that others can write in between.
const BATCH: usize = 100;

/// Ends what is past its end, and prunes. Returns how many credentials had something to end.
pub async fn sweep(env: &Environment) -> Result<usize, Error> {
    let mut ended: usize = 0;
    loop {
        let mut write = env.store.write().await?;
        let due = write.due(env.now(), BATCH).await?;
        let digesters = Digesters::load(write.as_mut(), &env.keys).await?;
        for id in &due {
            credential::end_retired(env, write.as_mut(), &digesters, *id).await?;
        }
        env.commit(write).await?;
        ended = ended.saturating_add(due.len());
        if due.len() < BATCH {
            break;
        }
    }
    let now = env.now();
    let mut write = env.store.write().await?;
    write
        .prune(Prune {
            changes_before: now.before(env.log_kept),
            requests_before: now.before(idempotency::KEPT),
        })
        .await?;
    env.commit(write).await?;
    Ok(ended)
}
