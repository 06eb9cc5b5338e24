//! Deleting an application with its credentials.

use super::{Application, find};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    environment::Environment,
    error::{Error, Kind},
    ids::ApplicationId,
    oauth_client,
    store::WriteTransaction,
};

/// Deletes an application, if it is at the expected version, and its credentials everywhere. Its name stays reserved
/// for the organization, and its secrets' values never work again.
///
/// Once begun it is done, also when nobody waits for it any more.
pub async fn delete(
    env: &Environment,
    caller: Caller,
    id: ApplicationId,
    expected: Option<u64>,
) -> Result<Changed<()>, Error> {
    env.complete(async move |env| delete_in_full(&env, caller, id, expected).await)
        .await
}

async fn delete_in_full(
    env: &Environment,
    caller: Caller,
    id: ApplicationId,
    expected: Option<u64>,
) -> Result<Changed<()>, Error> {
    let mut write = env.store.write().await?;
    let application = find(write.as_mut(), caller, id).await?;
    if expected.is_some_and(|version| version != application.version) {
        return Err(Error::VersionMismatch(Kind::Application));
    }
    remove(env, write.as_mut(), caller, &application).await?;
    let changed = Changed::of(write.as_mut(), ()).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// The same in a transaction that does more.
pub(crate) async fn remove(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    application: &Application,
) -> Result<(), Error> {
    for group in write.groups_admitting(application.id).await? {
        write.dismiss(group, application).await?;
    }
    oauth_client::release_application(env, write, application.id).await?;
    write.delete_application(application.id, env.now()).await?;
    let event = Event::of_application(Action::ApplicationDeleted, application);
    audit::note(env, write, caller, event).await
}
