//! What the database had forgotten, because it is older than the journal of revocations, is done again.

use super::{Credential, delete::remove, issue};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    deployment::{self, Digesters},
    environment::Environment,
    error::Error,
    ids::{CredentialId, SecretId},
    journal::{CutOff, Revoked, Switch, Turn},
    oauth_client,
    secret::SecretState,
    store::WriteTransaction,
};

/// Revokes a secret, unless it is revoked or not there. What came after it may be lost with the same transactions, so its
/// credential may be left without one that works.
pub(crate) async fn revoke_again(env: &Environment, id: SecretId) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let now = env.now();
    let Some(secret) = write.secret(id).await? else {
        return Ok(());
    };
    let ended = SecretState::Revoked { at: now };
    write.set_secret_state(id, ended).await?;
    let event = match write.credential(secret.credential).await? {
        None => Event::of_former_credential(Action::SecretRevokedAgain, secret.credential),
        Some(credential) => {
            let credential = settle(env, write.as_mut(), credential).await?;
            Event::of_credential(Action::SecretRevokedAgain, &credential)
        }
    };
    let event = event.with("version", secret.version);
    let caller = Caller::registry(secret.organization);
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(())
}

/// What follows for a credential, one of whose secrets is not what it was.
async fn settle(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    mut credential: Credential,
) -> Result<Credential, Error> {
    let now = env.now();
    credential.version = credential.version.saturating_add(1);
    credential.updated_at = now;
    issue::settle_usernames(env, write, credential.id).await?;
    write.update_credential(&credential).await?;
    let digesters = Digesters::load(write, &env.keys).await?;
    deployment::settle(write, &env.keys, &digesters, &credential, now).await?;
    oauth_client::release(env, write, &credential).await?;
    Ok(credential)
}

/// Has a secret retire, or be the current one, as it did or was, unless it is revoked, not there or turned more often already.
/// What came in its place may be lost.
pub(crate) async fn turn_again(env: &Environment, turn: Turn) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let Some(secret) = write.secret(turn.secret).await? else {
        return Ok(());
    };
    if write.is_revoked(&Revoked::Turned(turn)).await? {
        return Ok(());
    }
    let state = match turn.until {
        None => SecretState::Current,
        Some(until) => SecretState::Retiring { until },
    };
    if secret.state != state {
        write.set_secret_state(secret.id, state).await?;
        let Some(credential) = write.credential(secret.credential).await? else {
            return Ok(());
        };
        let credential = settle(env, write.as_mut(), credential).await?;
        let event = Event::of_credential(Action::SecretTurnedAgain, &credential)
            .with("version", secret.version)
            .with("until", audit::moment(turn.until));
        let caller = Caller::registry(secret.organization);
        audit::note(env, write.as_mut(), caller, event).await?;
    }
    write.set_turn(&turn).await?;
    env.commit(write).await?;
    Ok(())
}

/// Lets a credential's tokens count from a moment on, unless it is not there or they count from a later one.
pub(crate) async fn cut_off_again(env: &Environment, cut_off: CutOff) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let Some(before) = write.credential(cut_off.credential).await? else {
        return Ok(());
    };
    if write.is_revoked(&Revoked::CutOff(cut_off)).await? {
        return Ok(());
    }
    let mut credential = before.clone();
    credential.tokens_valid_from = Some(cut_off.from);
    credential.version = credential.version.saturating_add(1);
    credential.updated_at = env.now();
    write.update_credential(&credential).await?;
    let event = Event::of_credential(Action::TokensRevoked, &credential)
        .changed(&before, &credential)
        .with("again", true);
    let caller = Caller::registry(credential.organization);
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(())
}

/// Deletes a credential, unless it is not there. One that its application must have stays, and is of no use: its secrets
/// were revoked when it was deleted.
pub(crate) async fn delete_again(env: &Environment, id: CredentialId) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let Some(credential) = write.credential(id).await? else {
        return Ok(());
    };
    let Some(application) = write.application(credential.application).await? else {
        return Ok(());
    };
    if application.requires(id) {
        return Ok(());
    }
    let groups = deployment::on_demand(write.as_mut(), &application, &credential).await?;
    remove(env, write.as_mut(), &credential).await?;
    let event = Event::of_credential(Action::CredentialDeleted, &credential);
    let caller = Caller::registry(credential.organization);
    audit::note(env, write.as_mut(), caller, event).await?;
    deployment::leave(write.as_mut(), &application, &groups).await?;
    env.commit(write).await?;
    Ok(())
}

/// Disables a credential, or enables it, unless it is not there or was switched more often already.
pub(crate) async fn switch_again(
    env: &Environment,
    id: CredentialId,
    switch: Switch,
) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let Some(before) = write.credential(id).await? else {
        return Ok(());
    };
    if write.is_revoked(&Revoked::Switched(switch)).await? {
        return Ok(());
    }
    if before.enabled != switch.enabled {
        let now = env.now();
        let mut credential = before.clone();
        credential.enabled = switch.enabled;
        credential.version = credential.version.saturating_add(1);
        credential.updated_at = now;
        write.update_credential(&credential).await?;
        let event = Event::of_credential(Action::CredentialUpdated, &credential)
            .changed(&before, &credential)
            .with("again", true);
        let caller = Caller::registry(credential.organization);
        audit::note(env, write.as_mut(), caller, event).await?;
    }
    write.set_switch(&switch).await?;
    env.commit(write).await?;
    Ok(())
}
