//! Creating an application.

use super::{Application, DefaultKey, NewApplication, value};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    environment::Environment,
    error::Error,
    ids::ApplicationId,
    label::{self, Labels},
    scope::Scopes,
    store::WriteTransaction,
};

/// Creates an application, which has no credentials yet.
pub async fn create(
    env: &Environment,
    caller: Caller,
    new: NewApplication,
) -> Result<Changed<Application>, Error> {
    let mut write = env.store.write().await?;
    let application = add(env, write.as_mut(), caller, new).await?;
    let changed = Changed::of(write.as_mut(), application).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// The same in a transaction that does more. Nothing is written before everything is checked.
pub(crate) async fn add(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    new: NewApplication,
) -> Result<Application, Error> {
    let now = env.now();
    let name = value::name(new.name)?;
    let custom_id = value::custom_id(new.custom_id)?;
    let description = label::description(new.description)?;
    let labels = Labels::parse(new.labels)?;
    let scopes = Scopes::parse("scopes", new.scopes)?;

    let groups = write.groups().await?;
    let application = Application {
        id: ApplicationId::generate(now, env.entropy.as_ref())?,
        organization: caller.organization,
        number: write.next_application_number().await?,
        name,
        custom_id,
        description,
        labels,
        scopes,
        reach: value::reach(new.gateway_groups, &groups)?,
        enabled: new.enabled,
        default_key: DefaultKey::default(),
        default_credential: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    value::check_name_is_free(write, &application).await?;
    write.insert_application(&application).await?;
    for group in value::admitting(&application, &groups) {
        write.admit(group, &application).await?;
    }
    let event = Event::of_application(Action::ApplicationCreated, &application).made(&application);
    audit::note(env, write, caller, event).await?;
    Ok(application)
}
