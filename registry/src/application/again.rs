//! What the database had forgotten, because it is older than the journal of revocations, is done again.

use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::Error,
    ids::ApplicationId,
    journal::{Revoked, Switch},
};

/// Disables an application, or enables it, unless it is not there or was switched more often already.
pub(crate) async fn switch_again(
    env: &Environment,
    id: ApplicationId,
    switch: Switch,
) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let Some(before) = write.application(id).await? else {
        return Ok(());
    };
    if write.is_revoked(&Revoked::Switched(switch)).await? {
        return Ok(());
    }
    if before.enabled != switch.enabled {
        let mut application = before.clone();
        application.enabled = switch.enabled;
        application.version = application.version.saturating_add(1);
        application.updated_at = env.now();
        write.update_application(&application).await?;
        let event = Event::of_application(Action::ApplicationUpdated, &application)
            .changed(&before, &application)
            .with("again", true);
        let caller = Caller::registry(application.organization);
        audit::note(env, write.as_mut(), caller, event).await?;
    }
    write.set_switch(&switch).await?;
    env.commit(write).await?;
    Ok(())
}
