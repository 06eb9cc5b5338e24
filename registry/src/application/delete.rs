//! Deleting an application with its credentials.

use super::find;
use crate::{
    credential::{self, CredentialQuery},
    environment::Environment,
    error::{Error, Kind},
    ids::{ApplicationId, OrganizationId},
    listing::MAX_LIMIT,
};

/// Deletes an application, if it is at the expected version, and its credentials everywhere. Its name stays reserved
/// for the organization, and its secrets' values never work again.
pub async fn delete(
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
    let query = CredentialQuery {
        after: None,
        limit: MAX_LIMIT,
    };
    loop {
        // Those that were removed are gone from the list, so that it always begins anew.
        let credentials = write.credentials(id, query).await?;
        if credentials.is_empty() {
            break;
        }
        for credential in &credentials {
            credential::remove(write.as_mut(), credential, env.now()).await?;
        }
    }
    for group in write.groups_admitting(id).await? {
        write.dismiss(group, &application).await?;
    }
    write.delete_application(id).await?;
    env.commit(write).await?;
    Ok(())
}
