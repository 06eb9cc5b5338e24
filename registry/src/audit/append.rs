//! How an entry becomes the chain's next record.

use super::{
    Action, Event,
    chain::{ChainState, Link, Record},
};
use crate::{
    caller::Caller,
    environment::Environment,
    error::Error,
    keys,
    store::{StoreError, WriteTransaction},
};

/// Notes what the transaction does. Every use case that changes something does so once for each thing that it changes.
pub(crate) async fn note(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    event: Event,
) -> Result<(), Error> {
    let state = end(env, write).await?;
    append(env, write, state, caller, event).await?;
    Ok(())
}

/// Adds a record at the end of the log as `state` has it.
pub(super) async fn append(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    state: ChainState,
    caller: Caller,
    event: Event,
) -> Result<ChainState, Error> {
    let entry = event.by(caller, env.now());
    let record = Record::follow(&env.keys, &state.last, &entry).map_err(StoreError::from)?;
    let last = record.link().unwrap_or(state.last);
    let state = ChainState::sign(&env.keys, state.base, last).map_err(StoreError::from)?;
    write.append_audit(&record, state).await?;
    Ok(state)
}

/// Where the log ends. Where that is not what the registry wrote, the log goes on all the same, so that nobody stops the
/// registry by way of its log; but that is the first thing it says, and no verification passes over it.
pub(super) async fn end(
    env: &Environment,
    write: &mut dyn WriteTransaction,
) -> Result<ChainState, Error> {
    let known = write.audit_state().await?;
    // With a new master key, another registry has made a new key for the log.
    if known.is_some_and(|state| state.key_version > env.keys.audit_key_version()) {
        keys::reload(env, write).await?;
    }
    let genuine = known.filter(|state| state.is_genuine(&env.keys));
    let newest = write.newest_audit_record().await?;
    match genuine {
        Some(state) if state.last.sequence == newest => return Ok(state),
        _ => {}
    }
    let start = Link::start(env.keys.audit_key_version());
    let (base, last) = genuine.map_or((start, start), |state| (state.base, state.last));
    let on = Link {
        sequence: last.sequence.max(newest),
        ..last
    };
    tracing::error!(
        expected = genuine.map(|state| state.last.sequence),
        found = newest,
        "the audit log does not end where this registry ended it: run keysmith audit verify"
    );
    let event = Event::of(Action::AuditEndLost, "audit log")
        .with("expected", genuine.map(|state| state.last.sequence))
        .with("found", newest);
    let organization = write.default_organization().await?.id;
    let state = ChainState {
        base,
        last: on,
        ..ChainState::empty(&env.keys).map_err(StoreError::from)?
    };
    append(env, write, state, Caller::registry(organization), event).await
}
