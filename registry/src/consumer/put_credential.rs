//! Making a credential of a consumer be as it is sent.

use std::collections::BTreeMap;

use super::{
    Held, Plugin, Put, find, held, is_own, known_group,
    plan::{Notes, Plan},
    put::ATTEMPTS,
};
use crate::{
    caller::Caller,
    change::Changed,
    credential,
    environment::Environment,
    error::{Error, InvalidField, Kind},
};

/// A credential as it is sent.
#[derive(Clone, Debug)]
pub struct NewHeld {
    /// The name of the consumer, which must exist.
    pub consumer: String,
    /// 1 to 64 of letters, digits and `._-`.
    pub identifier: String,
    /// 1 to 256 visible ASCII characters; the identifier where none is sent.
    pub name: Option<String>,
    /// At most 1024 characters.
    pub description: String,
    /// At most 64.
    pub labels: BTreeMap<String, String>,
    /// How it is presented, and its secret.
    pub plugin: Plugin,
    /// The name or id of the gateway group to which it is deployed; `None` leaves it where it is, and puts a new one into
    /// every automatic group.
    pub gateway_group: Option<String>,
}

/// Makes the credential be so: what is not sent is removed. A secret that is not the current one becomes it, and the one
/// before ends at once. One of another type is deleted first. What they do not have here (scopes, an end, whether it is
/// enabled) stays.
pub async fn put_credential(
    env: &Environment,
    caller: Caller,
    new: NewHeld,
) -> Result<Changed<Put<Held>>, Error> {
    if is_own(&new.identifier) {
        let message = "is kept for a plugin of the consumer itself: PUT the consumer";
        return Err(InvalidField::new("identifier", message).into());
    }
    for _ in 1..ATTEMPTS {
        match attempt(env, caller, new.clone()).await {
            Err(Error::VersionMismatch(_)) => {}
            ended => return ended,
        }
    }
    attempt(env, caller, new).await
}

async fn attempt(
    env: &Environment,
    caller: Caller,
    new: NewHeld,
) -> Result<Changed<Put<Held>>, Error> {
    let NewHeld {
        consumer,
        identifier,
        name,
        description,
        labels,
        plugin,
        gateway_group,
    } = new;
    let missing = || Error::NotFound(Kind::Application);
    let notes = Notes {
        name: name.unwrap_or_else(|| identifier.clone()),
        description,
        labels,
    };
    let (group, found) = {
        let mut read = env.store.read().await?;
        let application = find(read.as_mut(), caller, &consumer).await?;
        let application = application.ok_or_else(missing)?;
        let group = known_group(read.as_mut(), gateway_group.as_deref()).await?;
        (group, held(read.as_mut(), &application, &identifier).await?)
    };
    let named = (identifier.as_str(), &notes);
    let plan = Plan::of(env, caller, found.as_ref(), named, plugin, group.as_ref()).await?;
    let (keeps, makes) = (plan.keeps(), plan.makes());

    let mut write = env.store.write().await?;
    let application = find(write.as_mut(), caller, &consumer).await?;
    let application = application.ok_or_else(missing)?;
    let found = held(write.as_mut(), &application, &identifier).await?;
    let created = found.is_none();
    let credential = plan
        .carry_out(
            env,
            write.as_mut(),
            caller,
            &application,
            found,
            group.as_ref(),
        )
        .await?;
    // Also where nothing differs: it was replaced, and says so by the time of its last change.
    if keeps || !(makes || notes.are_of(&credential)) {
        let before = (&application, credential);
        credential::change(env, write.as_mut(), caller, before, notes.patch()).await?;
    }
    let kept = held(write.as_mut(), &application, &identifier).await?;
    let (value, _) = kept.ok_or(Error::NotFound(Kind::Credential))?;
    let changed = Changed::of(write.as_mut(), Put { value, created }).await?;
    env.commit(write).await?;
    Ok(changed)
}
