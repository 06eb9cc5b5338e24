//! Ending a grace period before its time: for the new secret, or back to the one before.

use super::{
    Credential, CredentialDetail, CredentialType, detail, issue, lifetime,
    rotate::{check_version, find_to_rotate},
};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    clock::Timestamp,
    deployment::{self, Digesters},
    environment::Environment,
    error::{Conflict, Error},
    ids::CredentialId,
    oauth_client,
    secret::{Part, Secret, SecretState},
    store::WriteTransaction,
};

/// Ends every retiring secret of a credential now, if it is at the expected version. Refused where no other would be left:
/// after a leak.
pub async fn finish_rotation(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    expected: Option<u64>,
) -> Result<Changed<CredentialDetail>, Error> {
    let mut write = env.store.write().await?;
    let now = env.now();
    let credential = find_to_rotate(write.as_mut(), caller, id).await?;
    check_version(&credential, expected)?;
    let secrets = write.unrevoked_secrets(id).await?;
    if !secrets.iter().any(|secret| secret.is_retiring(now)) {
        return Err(Conflict::NothingRetiring.into());
    }
    let (current, retiring): (Vec<Secret>, Vec<Secret>) = secrets
        .into_iter()
        .partition(|secret| secret.state == SecretState::Current);
    // One that leaked may retire for no other.
    let has_successor = |old: &Secret| current.iter().any(|new| new.part == old.part);
    if !retiring.iter().all(has_successor) {
        return Err(Conflict::NothingCurrent.into());
    }
    for secret in &retiring {
        let ended = SecretState::Revoked { at: now };
        write.set_secret_state(secret.id, ended).await?;
    }
    let versions: Vec<u32> = retiring.iter().map(|secret| secret.version).collect();
    let event =
        Event::of_credential(Action::RotationFinished, &credential).with("revoked", versions);
    audit::note(env, write.as_mut(), caller, event).await?;
    oauth_client::finish(env, write.as_mut(), &credential).await?;
    conclude(env, write, credential, now).await
}

/// Goes back to the secret that a credential had before its last rotation, if it is at the expected version: the new
/// secret dies, and the one that was retiring is the current one again, without an end of its own.
///
/// Only while nobody has used the new secret, as far as gateways have reported.
pub async fn cancel_rotation(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    expected: Option<u64>,
) -> Result<Changed<CredentialDetail>, Error> {
    let mut write = env.store.write().await?;
    let now = env.now();
    let mut credential = find_to_rotate(write.as_mut(), caller, id).await?;
    check_version(&credential, expected)?;
    if credential.kind == CredentialType::OauthClient {
        return Err(Conflict::ClientRotated.into());
    }
    let secrets = write.unrevoked_secrets(id).await?;
    let Some((old, new)) = last_rotation(&secrets, now) else {
        // One that retires for no other secret was reported as leaked.
        let has_leaked = secrets.iter().any(|secret| secret.is_retiring(now));
        return Err(if has_leaked {
            Conflict::RetiringLeaked.into()
        } else {
            Conflict::NothingRetiring.into()
        });
    };
    check_cancellable(write.as_mut(), &credential, old, new).await?;
    let before = credential.clone();
    write
        .set_secret_state(new.id, SecretState::Revoked { at: now })
        .await?;
    write.set_secret_state(old.id, SecretState::Current).await?;
    if old.part == Part::Value {
        credential.username.clone_from(&old.username);
        credential.rotated_at = old.created_at;
        if let SecretState::Retiring { until } = old.state {
            credential.expires_at = lifetime::returned(env, &credential, old.created_at, until);
        }
    }
    let event = Event::of_credential(Action::RotationCancelled, &credential)
        .with("revoked", new.version)
        .with("version", old.version)
        .changed(&before, &credential);
    audit::note(env, write.as_mut(), caller, event).await?;
    conclude(env, write, credential, now).await
}

/// The newest secret that is retiring, and the current one that it retires for: of the part that was rotated last.
fn last_rotation(secrets: &[Secret], now: Timestamp) -> Option<(&Secret, &Secret)> {
    let retiring = |of: Part| {
        let living = secrets.iter().filter(|secret| secret.is_retiring(now));
        living
            .filter(|secret| secret.part == of)
            .max_by_key(|secret| secret.version)
    };
    let current = secrets
        .iter()
        .filter(|secret| secret.state == SecretState::Current);
    current
        .filter_map(|new| Some((retiring(new.part)?, new)))
        .max_by_key(|(_, new)| new.version)
}

async fn check_cancellable(
    write: &mut dyn WriteTransaction,
    credential: &Credential,
    old: &Secret,
    new: &Secret,
) -> Result<(), Error> {
    if write.rotated_between(old, new).await? {
        return Err(Conflict::RotatedSince.into());
    }
    if old.leaked_at.is_some() {
        return Err(Conflict::RetiringLeaked.into());
    }
    if let Some(used) = write.secret_use(credential, new).await? {
        return Err(Conflict::NewSecretUsed { count: used.count }.into());
    }
    Ok(())
}

/// Makes true what follows from the secrets' new states, and commits.
async fn conclude(
    env: &Environment,
    mut write: Box<dyn WriteTransaction>,
    mut credential: Credential,
    now: Timestamp,
) -> Result<Changed<CredentialDetail>, Error> {
    credential.version = credential.version.saturating_add(1);
    credential.updated_at = now;
    issue::settle_usernames(env, write.as_mut(), credential.id).await?;
    write.update_credential(&credential).await?;
    let digesters = Digesters::load(write.as_mut(), &env.keys).await?;
    deployment::settle(write.as_mut(), &env.keys, &digesters, &credential, now).await?;
    oauth_client::release(env, write.as_mut(), &credential).await?;
    let detail = detail(env, write.as_mut(), credential, now).await?;
    let changed = Changed::of(write.as_mut(), detail).await?;
    env.commit(write).await?;
    Ok(changed)
}
