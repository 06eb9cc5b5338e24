//! Beginning to replace a group's digest key.

use filter_core::digest::DigestKey;

use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::{Conflict, Error, Kind},
    gateway,
    store::{Phase, Rekeying, SealedDigestKey},
};

/// Begins to replace the digest key of the group with this name. Goes on by itself, whoever waits for it.
pub async fn begin(env: &Environment, caller: Caller, name: &str) -> Result<Rekeying, Error> {
    let mut write = env.store.write().await?;
    let group = gateway::named(write.as_mut(), name).await?;
    if write.rekeying(group.id).await?.is_some() {
        return Err(Conflict::DigestKeyBeingReplaced.into());
    }
    let keys = write.digest_keys().await?;
    let current = keys.iter().find(|key| key.group == group.id);
    let from = current.ok_or(Error::NotFound(Kind::GatewayGroup))?.version;
    let to = from.saturating_add(1);
    let key = DigestKey::from_bytes(env.entropy.bytes()?);
    let sealer = env.sealer(write.as_mut()).await?;
    let sealed = SealedDigestKey::seal(group.id, to, &key, &sealer, env.entropy.as_ref())?;
    let begun = Rekeying {
        group: group.id,
        from,
        to,
        phase: Phase::Adding,
        done_to: None,
        records: write.count_records(group.id, from).await?,
        added: 0,
        removed: 0,
        begun_at: env.now(),
    };
    write.begin_rekeying(&begun, &sealed).await?;
    let event = Event::of(Action::DigestKeyReplacementBegun, group.name).with("version", to);
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(begun)
}
