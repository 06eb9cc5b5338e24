//! Deleting consumers and their credentials.

use super::{find, find_held, known_group};
use crate::{
    application::{self, Application},
    caller::Caller,
    change::Changed,
    credential::{self, Credential, CredentialQuery, Deployed},
    deployment,
    environment::Environment,
    error::{Conflict, Error, Kind},
    gateway::GatewayGroup,
    listing::MAX_LIMIT,
    store::{ReadTransaction, WriteTransaction},
};

/// Deletes a consumer with all of its credentials. Where a group is named it must be the only one that honours any.
///
/// Once begun it is done, also when nobody waits for it any more.
pub async fn delete(
    env: &Environment,
    caller: Caller,
    name: String,
    group: Option<String>,
) -> Result<Changed<()>, Error> {
    env.complete(async move |env| delete_in_full(&env, caller, &name, group.as_deref()).await)
        .await
}

async fn delete_in_full(
    env: &Environment,
    caller: Caller,
    name: &str,
    group: Option<&str>,
) -> Result<Changed<()>, Error> {
    let mut write = env.store.write().await?;
    let group = known_group(write.as_mut(), group).await?;
    let application = find(write.as_mut(), caller, name).await?;
    let application = application.ok_or(Error::NotFound(Kind::Application))?;
    if let Some(group) = group {
        check_all(write.as_mut(), &application, &group).await?;
    }
    application::remove(env, write.as_mut(), caller, &application).await?;
    finish(env, write).await
}

/// Deletes a credential of a consumer. Where a group is named it must be the only one that honours it.
pub async fn delete_credential(
    env: &Environment,
    caller: Caller,
    (name, identifier): (&str, &str),
    group: Option<&str>,
) -> Result<Changed<()>, Error> {
    let mut write = env.store.write().await?;
    let group = known_group(write.as_mut(), group).await?;
    let what = (name, identifier);
    let (application, held) = find_held(write.as_mut(), caller, what).await?;
    if let Some(group) = group {
        check(write.as_mut(), &application, &held.credential, &group).await?;
    }
    let what = (&application, &held.credential);
    credential::end(env, write.as_mut(), caller, what, Deployed::Delete).await?;
    finish(env, write).await
}

async fn finish(
    env: &Environment,
    mut write: Box<dyn WriteTransaction>,
) -> Result<Changed<()>, Error> {
    let changed = Changed::of(write.as_mut(), ()).await?;
    env.commit(write).await?;
    Ok(changed)
}

async fn check_all(
    read: &mut dyn ReadTransaction,
    application: &Application,
    group: &GatewayGroup,
) -> Result<(), Error> {
    let mut query = CredentialQuery {
        after: None,
        limit: MAX_LIMIT,
    };
    loop {
        let credentials = read.credentials(application.id, query).await?;
        let Some(last) = credentials.last() else {
            return Ok(());
        };
        query.after = Some(last.id);
        for credential in &credentials {
            check(read, application, credential, group).await?;
        }
    }
}

/// Who speaks of one group does not mean the others.
async fn check(
    read: &mut dyn ReadTransaction,
    application: &Application,
    credential: &Credential,
    group: &GatewayGroup,
) -> Result<(), Error> {
    let groups = deployment::groups_of(read, application, credential).await?;
    let others = groups.into_iter().filter(|one| one.id != group.id);
    let groups: Vec<String> = others.map(|one| one.name).collect();
    if groups.is_empty() {
        Ok(())
    } else {
        Err(Conflict::DeployedElsewhere { groups }.into())
    }
}
