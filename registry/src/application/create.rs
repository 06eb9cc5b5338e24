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
};

/// Creates an application, which has no credentials yet.
pub async fn create(
    env: &Environment,
    caller: Caller,
    new: NewApplication,
) -> Result<Changed<Application>, Error> {
    let now = env.now();
    let name = value::name(new.name)?;
    let custom_id = value::custom_id(new.custom_id)?;
    let description = label::description(new.description)?;
    let labels = Labels::parse(new.labels)?;
    let scopes = Scopes::parse("scopes", new.scopes)?;

    let mut write = env.store.write().await?;
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
    value::check_name_is_free(write.as_mut(), &application).await?;
    write.insert_application(&application).await?;
    for group in value::admitting(&application, &groups) {
        write.admit(group, &application).await?;
    }
    let event = Event::of_application(Action::ApplicationCreated, &application).made(&application);
    audit::note(env, write.as_mut(), caller, event).await?;
    let changed = Changed::of(write.as_mut(), application).await?;
    env.commit(write).await?;
    Ok(changed)
}
