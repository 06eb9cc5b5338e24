//! The log of a version that did not chain its records.

use super::{
    Action, Event, KeptRecord,
    append::append,
    chain::{ChainState, Link},
};
use crate::{caller::Caller, environment::Environment, error::Error, store::StoreError};

/// Records at most that are held in memory.
const BATCH: usize = if cfg!(test) { 2 } else { 1_000 };

/// Chains the records of a database that has none that are chained: at the first start of this version, before anything
/// is served, and all or none. It notes that it did: from then on, nobody can make a log look as if it had not happened.
pub(crate) async fn adopt(env: &Environment) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    if write.audit_state().await?.is_some() || write.is_audit_chained().await? {
        return Ok(());
    }
    let start = Link::start(env.keys.audit_key_version());
    let mut last = start;
    loop {
        let batch = write.audit_records(last.sequence, BATCH).await?;
        if batch.is_empty() {
            break;
        }
        for kept in batch {
            let KeptRecord::Read(mut record) = kept else {
                return Err(StoreError::Unreadable("audit").into());
            };
            record
                .seal(&env.keys, &last.mac)
                .map_err(StoreError::from)?;
            last = record.link().unwrap_or(last);
            write.chain_audit(&record).await?;
        }
    }
    tracing::info!(
        records = last.sequence,
        "the audit log is chained from now on"
    );
    let state = ChainState::sign(&env.keys, start, last).map_err(StoreError::from)?;
    let event = Event::of(Action::AuditChained, "audit log").with("records", last.sequence);
    let organization = write.default_organization().await?.id;
    append(
        env,
        write.as_mut(),
        state,
        Caller::registry(organization),
        event,
    )
    .await?;
    env.commit(write).await?;
    Ok(())
}
