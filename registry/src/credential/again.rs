//! What the database had forgotten, because it is older than the journal of revocations, is done again.

use super::{delete::remove, issue};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    deployment::{self, Digesters},
    environment::Environment,
    error::Error,
    ids::{CredentialId, SecretId},
    secret::SecretState,
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
        Some(mut credential) => {
            credential.version = credential.version.saturating_add(1);
            credential.updated_at = now;
            issue::settle_usernames(env, write.as_mut(), credential.id).await?;
            write.update_credential(&credential).await?;
            let digesters = Digesters::load(write.as_mut(), &env.keys).await?;
            deployment::settle(write.as_mut(), &env.keys, &digesters, &credential, now).await?;
            Event::of_credential(Action::SecretRevokedAgain, &credential)
        }
    };
    let event = event.with("version", secret.version);
    let caller = Caller::registry(secret.organization);
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
    remove(write.as_mut(), &credential, env.now()).await?;
    let event = Event::of_credential(Action::CredentialDeleted, &credential);
    let caller = Caller::registry(credential.organization);
    audit::note(env, write.as_mut(), caller, event).await?;
    deployment::leave(write.as_mut(), &application, &groups).await?;
    env.commit(write).await?;
    Ok(())
}
