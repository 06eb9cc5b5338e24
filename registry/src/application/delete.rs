//! Deleting an application with its credentials.

use super::find;
use crate::{
    environment::Environment,
    error::{Error, Kind},
    ids::{ApplicationId, OrganizationId},
};

/// Deletes an application, if it is at the expected version, and its credentials everywhere. Its name stays reserved
/// for the organization, and its secrets' values never work again.
///
/// Once begun it is done, also when nobody waits for it any more.
pub async fn delete(
    env: &Environment,
    organization: OrganizationId,
    id: ApplicationId,
    expected: Option<u64>,
) -> Result<(), Error> {
    env.complete(async move |env| delete_in_full(&env, organization, id, expected).await)
        .await
}

async fn delete_in_full(
    env: &Environment,
    organization: OrganizationId,
    id: ApplicationId,
    expected: Option<u64>,
) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let application = find(write.as_mut(), organization, id).await?;
    if expected.is_some_and(|version| version != application.version) {
        return Err(Error::VersionMismatch(Kind::Application));
    }
    for group in write.groups_admitting(id).await? {
        write.dismiss(group, &application).await?;
    }
    write.delete_application(id, env.now()).await?;
    env.commit(write).await?;
    Ok(())
}
