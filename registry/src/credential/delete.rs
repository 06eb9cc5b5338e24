//! Deleting a credential.

use super::{Credential, find};
use crate::{
    application::{self, Application},
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    deployment,
    environment::Environment,
    error::{Conflict, Error, InvalidField, Kind},
    ids::CredentialId,
    oauth_client,
    secret::SecretState,
    store::WriteTransaction,
};

/// What becomes of a credential that is deployed to on-demand groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployed {
    /// It is not deleted: it has to be undeployed first.
    Keep,
    /// It is deleted all the same.
    Delete,
}

/// Deletes a credential, if it is at the expected version. Its secrets' values never work again.
pub async fn delete(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    expected: Option<u64>,
    deployed: Deployed,
) -> Result<Changed<()>, Error> {
    let mut write = env.store.write().await?;
    let credential = find(write.as_mut(), caller, id).await?;
    if expected.is_some_and(|version| version != credential.version) {
        return Err(Error::VersionMismatch(Kind::Credential));
    }
    let application = application::find(write.as_mut(), caller, credential.application).await?;
    end(
        env,
        write.as_mut(),
        caller,
        (&application, &credential),
        deployed,
    )
    .await?;
    let changed = Changed::of(write.as_mut(), ()).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// The same in a transaction that does more, of a credential that the application has.
pub(crate) async fn end(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    (application, credential): (&Application, &Credential),
    deployed: Deployed,
) -> Result<(), Error> {
    if deployed == Deployed::Delete && !caller.grants() {
        let message = "is for a token of role portal_admin or api_owner";
        return Err(Error::NotAllowed(InvalidField::new("force", message)));
    }
    if application.requires(credential.id) {
        return Err(Conflict::DefaultCredential.into());
    }
    let groups = deployment::on_demand(write, application, credential).await?;
    if !groups.is_empty() && deployed == Deployed::Keep {
        let groups = groups.into_iter().map(|group| group.name).collect();
        return Err(Conflict::DeployedOnDemand { groups }.into());
    }
    remove(env, write, credential).await?;
    let event = Event::of_credential(Action::CredentialDeleted, credential);
    audit::note(env, write, caller, event).await?;
    deployment::leave(write, application, &groups).await
}

pub(super) async fn remove(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    credential: &Credential,
) -> Result<(), Error> {
    let now = env.now();
    for deployed in write.deployed(credential.id).await? {
        write.withdraw(deployed.group, &deployed.digest).await?;
    }
    for secret in write.unrevoked_secrets(credential.id).await? {
        write
            .set_secret_state(secret.id, SecretState::Revoked { at: now })
            .await?;
    }
    oauth_client::release(env, write, credential).await?;
    Ok(write.delete_credential(credential.id).await?)
}
