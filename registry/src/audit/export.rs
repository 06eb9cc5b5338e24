//! The whole log, written out: every record of every organization with its MAC, so that it can be verified where the
//! database is not.

use super::{
    Action, ChainState, Event, Head, KeptRecord, Link,
    append::{end, note},
};
use crate::{
    caller::Caller,
    environment::Environment,
    error::Error,
    store::{ReadTransaction, StoreError},
};

/// Records between two heads.
const PART: usize = if cfg!(test) { 3 } else { 500 };

/// Some of the log, in order.
#[derive(Clone, Debug)]
pub struct Part {
    /// The records.
    pub records: Vec<KeptRecord>,
    /// The place that they lead to.
    pub link: Link,
    /// Its head.
    pub head: Head,
    /// Where the log ended when the export began.
    until: u64,
}

/// Notes that somebody takes the log, that entry included, and says where it begins: a part without records.
pub async fn begin(env: &Environment, caller: Caller) -> Result<Part, Error> {
    let mut write = env.store.write().await?;
    // Whatever is wrong with the end is said before, and becomes part of the export.
    end(env, write.as_mut()).await?;
    let event = Event::of(Action::AuditExported, "audit log");
    note(env, write.as_mut(), caller, event).await?;
    let state = end(env, write.as_mut()).await?;
    env.commit(write).await?;
    part(env, &state, state.base, Vec::new())
}

fn part(
    env: &Environment,
    state: &ChainState,
    link: Link,
    records: Vec<KeptRecord>,
) -> Result<Part, Error> {
    Ok(Part {
        records,
        link,
        head: Head::sign(&env.keys, &link, env.now()).map_err(StoreError::from)?,
        until: state.last.sequence,
    })
}

/// The part after this one; `None` at the end.
pub async fn next(env: &Environment, after: &Part) -> Result<Option<Part>, Error> {
    if after.link.sequence >= after.until {
        return Ok(None);
    }
    let mut read = env.store.read().await?;
    let records = records(read.as_mut(), after).await?;
    // A record that was altered has no place in the chain; whoever verifies the export finds it.
    let Some(link) = records.last().and_then(|kept| match kept {
        KeptRecord::Read(record) => record.link(),
        KeptRecord::Unreadable(_) => None,
    }) else {
        return Err(StoreError::Unreadable("audit").into());
    };
    Ok(Some(Part {
        head: Head::sign(&env.keys, &link, env.now()).map_err(StoreError::from)?,
        records,
        link,
        until: after.until,
    }))
}

async fn records(
    read: &mut dyn ReadTransaction,
    after: &Part,
) -> Result<Vec<KeptRecord>, StoreError> {
    let mut records = read.audit_records(after.link.sequence, PART).await?;
    records.retain(|kept| kept.sequence() <= after.until);
    let first = records.first().map(KeptRecord::sequence);
    // Pruned meanwhile, or never there: an export with a gap would look like a log that was cut.
    if first != Some(after.link.sequence.saturating_add(1)) {
        return Err(StoreError::Unreadable("audit.sequence"));
    }
    Ok(records)
}
