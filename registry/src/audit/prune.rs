//! Removing the oldest records, where the configuration says so. What is left is a chain as before, that begins later; and
//! a head of what was removed goes to the log.

use std::time::Duration;

use super::{
    Action, Event, KeptRecord,
    append::{end, note},
    chain::{ChainState, Link},
    head::Head,
    verify::Walk,
};
use crate::{
    caller::Caller,
    clock::Timestamp,
    environment::Environment,
    error::Error,
    store::{StoreError, WriteTransaction},
};

/// Records at most in one transaction.
const BATCH: usize = if cfg!(test) { 2 } else { 1_000 };
/// What is a little older than it need be stays, so that pruning, which leaves an entry, is not done all the time.
const SLACK: Duration = Duration::from_hours(1);

/// Removes what is older than `audit_kept_days`. What is broken is kept: it is evidence.
pub(crate) async fn prune(env: &Environment) -> Result<(), Error> {
    let Some(kept) = env.audit_kept else {
        return Ok(());
    };
    let before = env.now().before(kept);
    let mut read = env.store.read().await?;
    let oldest = read.audit_records(0, 1).await?;
    drop(read);
    if !oldest
        .iter()
        .any(|kept| is_before(kept, before.before(SLACK)))
    {
        return Ok(());
    }
    let mut through = None;
    loop {
        let mut write = env.store.write().await?;
        let Some(pruned) = batch(env, write.as_mut(), before, through).await? else {
            break;
        };
        env.commit(write).await?;
        through = Some(pruned.through);
        if pruned.base.sequence >= pruned.through {
            let head = Head::sign(&env.keys, &pruned.base, env.now()).map_err(StoreError::from)?;
            tracing::info!(%head, "the audit log was pruned: this head is of the last record that was removed");
            break;
        }
    }
    Ok(())
}

fn is_before(kept: &KeptRecord, moment: Timestamp) -> bool {
    match kept {
        KeptRecord::Read(record) => {
            u64::try_from(record.at).is_ok_and(|at| at < moment.as_millis())
        }
        KeptRecord::Unreadable(_) => false,
    }
}

/// How far it has come, and how far it is to go.
struct Pruned {
    base: Link,
    through: u64,
}

/// Removes a few. The first time, it is noted how many there will be.
async fn batch(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    before: Timestamp,
    through: Option<u64>,
) -> Result<Option<Pruned>, Error> {
    let state = end(env, write).await?;
    let last = match through {
        Some(through) => through,
        None => write.last_audit_record_before(before).await?,
    };
    let mut records = write.audit_records(state.base.sequence, BATCH).await?;
    records.retain(|kept| kept.sequence() <= last);
    if records.is_empty() {
        return Ok(None);
    }
    let mut walk = Walk::new(&env.keys, state.base, &[]);
    if walk.take(&records) {
        tracing::error!(
            record = walk.last().sequence.saturating_add(1),
            "the audit log is broken and is not pruned: run keysmith audit verify"
        );
        return Ok(None);
    }
    let base = walk.last();
    write.delete_audit(base.sequence).await?;
    let state = ChainState::sign(&env.keys, base, state.last).map_err(StoreError::from)?;
    write.put_audit_state(state).await?;
    if through.is_none() {
        let first = records.first().map_or(base.sequence, KeptRecord::sequence);
        let event = Event::of(Action::AuditPruned, "audit log")
            .with("from", first)
            .with("to", last)
            .with("before", super::fields::moment(Some(before)));
        let organization = write.default_organization().await?.id;
        note(env, write, Caller::registry(organization), event).await?;
    }
    Ok(Some(Pruned {
        base,
        through: last,
    }))
}

#[cfg(test)]
mod tests;
