//! Until when a credential works, where the settings limit the lifetime of its type.
//!
//! What was made before there was a limit keeps its end until that, or the secret, is changed. From then on no step makes
//! the end later than the limit allows, counted from when the current secret was made.

use super::{Credential, CredentialType, value};
use crate::{
    clock::Timestamp, edit::Edit, environment::Environment, error::InvalidField, secret::Part,
};

/// The end of one that is made now.
pub(super) fn first(
    env: &Environment,
    kind: CredentialType,
    wished: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, InvalidField> {
    match env.lifetimes.of(kind) {
        None => Ok(wished),
        Some(lifetime) => lifetime.fit(wished, lifetime.end(now)).map(Some),
    }
}

/// The latest end that the credential may be given while its secret stays; `None` where nothing limits it.
///
/// One that has a later end than the limit allows, because it is older than the limit, may have it brought forward.
pub(crate) fn latest(
    env: &Environment,
    credential: &Credential,
    now: Timestamp,
) -> Option<Timestamp> {
    let lifetime = env.lifetimes.of(credential.kind)?;
    let last = lifetime.end(now);
    let kept = credential.expires_at.map_or(last, |end| end.min(last));
    Some(lifetime.end(credential.rotated_at).max(kept))
}

/// Its end, where another is wished for and its secret stays.
pub(super) fn changed(
    env: &Environment,
    credential: &Credential,
    wished: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, InvalidField> {
    let lifetime = env.lifetimes.of(credential.kind);
    let (Some(lifetime), Some(last)) = (lifetime, latest(env, credential, now)) else {
        return Ok(wished);
    };
    if last <= now {
        return Err(lifetime.is_over());
    }
    lifetime.fit(wished, last).map(Some)
}

/// Its end, when the part gets a new secret. A lifetime begins with the value, not with what is shared beside it.
///
/// Where no other is wished for, an end that the limit gave moves with the secret, and one that was chosen stays.
pub(super) fn rotated(
    env: &Environment,
    credential: &Credential,
    part: Part,
    wished: &Edit<Option<Timestamp>>,
    now: Timestamp,
) -> Result<Option<Timestamp>, InvalidField> {
    let end = match (part, wished) {
        (Part::Shared, Edit::Keep) => return Ok(credential.expires_at),
        (Part::Value, Edit::Keep) => return Ok(renewed(env, credential, now)),
        (Part::Shared, Edit::Set(wished)) => changed(env, credential, *wished, now)?,
        (Part::Value, Edit::Set(wished)) => first(env, credential.kind, *wished, now)?,
    };
    value::period(credential.kind, credential.not_before, end, now)?;
    Ok(end)
}

fn renewed(env: &Environment, credential: &Credential, now: Timestamp) -> Option<Timestamp> {
    let Some(lifetime) = env.lifetimes.of(credential.kind) else {
        return credential.expires_at;
    };
    let last = lifetime.end(now);
    let given = lifetime.end(credential.rotated_at);
    let chosen = credential.expires_at.filter(|end| *end != given);
    Some(chosen.map_or(last, |end| end.min(last)))
}

/// Its end, when a secret that was made at `made_at` and would have ended at `until` is the current one again.
pub(super) fn returned(
    env: &Environment,
    credential: &Credential,
    made_at: Timestamp,
    until: Timestamp,
) -> Option<Timestamp> {
    let end = credential.expires_at?;
    Some(match env.lifetimes.of(credential.kind) {
        None => end,
        Some(lifetime) => end.min(lifetime.end(made_at).max(until)),
    })
}
