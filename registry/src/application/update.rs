//! Changing an application.

use std::collections::BTreeSet;

use super::{Application, ApplicationPatch, default::DefaultChange, find, grant, value};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    credential::CredentialQuery,
    deployment::{Digesters, Settling},
    edit::Edit,
    environment::Environment,
    error::{Conflict, Error, Kind},
    gateway::{GatewayGroup, Mode},
    ids::{ApplicationId, GroupId},
    label::{self, Labels},
    listing::MAX_LIMIT,
    scope::Scopes,
    store::{CredentialRange, WriteTransaction},
};

/// Credentials at most that an error names.
const NAMED: usize = 10;

/// Changes an application, if it is at the expected version.
///
/// Once begun it is done, also when nobody waits for it any more.
pub async fn update(
    env: &Environment,
    caller: Caller,
    id: ApplicationId,
    expected: Option<u64>,
    patch: ApplicationPatch,
) -> Result<Changed<Application>, Error> {
    env.complete(async move |env| update_in_full(&env, caller, id, expected, patch).await)
        .await
}

async fn update_in_full(
    env: &Environment,
    caller: Caller,
    id: ApplicationId,
    expected: Option<u64>,
    patch: ApplicationPatch,
) -> Result<Changed<Application>, Error> {
    let mut write = env.store.write().await?;
    let before = find(write.as_mut(), caller, id).await?;
    if expected.is_some_and(|version| version != before.version) {
        return Err(Error::VersionMismatch(Kind::Application));
    }
    let application = change(env, write.as_mut(), caller, before, patch).await?;
    let changed = Changed::of(write.as_mut(), application).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// The same in a transaction that does more.
pub(crate) async fn change(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    before: Application,
    patch: ApplicationPatch,
) -> Result<Application, Error> {
    let groups = write.groups().await?;
    let default = DefaultChange {
        key: patch.default_key,
        credential: patch.default_credential,
    };
    let mut application = apply(before.clone(), patch, &groups)?;
    grant::check(caller, &before, &application)?;
    default.apply(env, write, &mut application).await?;
    application.updated_at = env.now();
    application.version = before.version.saturating_add(1);
    if application.name != before.name {
        value::check_name_is_free(write, &application).await?;
    }
    if before.scopes.beyond(&application.scopes).next().is_some() {
        check_scopes_are_unused(write, &application).await?;
    }
    if application.reach != before.reach {
        let admitting = admitting(write, &application, &groups).await?;
        move_to(env, write, &application, &admitting).await?;
    }
    write.update_application(&application).await?;
    let event = Event::of_application(Action::ApplicationUpdated, &application)
        .changed(&before, &application);
    audit::note(env, write, caller, event).await?;
    Ok(application)
}

fn apply(
    mut application: Application,
    patch: ApplicationPatch,
    groups: &[GatewayGroup],
) -> Result<Application, Error> {
    if let Some(name) = patch.name {
        application.name = value::name(name)?;
    }
    if let Edit::Set(owner) = patch.owner {
        application.owner = owner.map(|name| name.parse()).transpose()?;
    }
    if let Edit::Set(custom_id) = patch.custom_id {
        application.custom_id = value::custom_id(custom_id)?;
    }
    if let Some(description) = patch.description {
        application.description = label::description(description)?;
    }
    if let Some(labels) = patch.labels {
        application.labels = Labels::parse(labels)?;
    }
    if let Some(scopes) = patch.scopes {
        application.scopes = Scopes::parse("scopes", scopes)?;
    }
    if let Edit::Set(listed) = patch.gateway_groups {
        application.reach = value::reach(listed, groups)?;
    }
    application.enabled = patch.enabled.unwrap_or(application.enabled);
    Ok(application)
}

async fn check_scopes_are_unused(
    write: &mut dyn WriteTransaction,
    application: &Application,
) -> Result<(), Error> {
    let using = write
        .credentials_beyond(application.id, &application.scopes, NAMED)
        .await?;
    let using: Vec<String> = using.iter().map(ToString::to_string).collect();
    if using.is_empty() {
        Ok(())
    } else {
        Err(Conflict::ScopesInUse { credentials: using }.into())
    }
}

/// The groups that know the application, once it is as it will be.
async fn admitting(
    write: &mut dyn WriteTransaction,
    application: &Application,
    groups: &[GatewayGroup],
) -> Result<BTreeSet<GroupId>, Error> {
    let mut admitting = value::admitting(application, groups);
    for group in groups {
        let is_on_demand = group.mode == Mode::OnDemand && application.reach.allows(group);
        if is_on_demand && write.is_wanted(application.id, group.id).await? {
            admitting.insert(group.id);
        }
    }
    Ok(admitting)
}

/// Makes the application, with its credentials, known to exactly these groups.
async fn move_to(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    application: &Application,
    admitting: &BTreeSet<GroupId>,
) -> Result<(), Error> {
    let current: BTreeSet<GroupId> = write
        .groups_admitting(application.id)
        .await?
        .into_iter()
        .collect();
    for group in current.difference(admitting) {
        write.dismiss(*group, application).await?;
    }
    let mut admitted = admitting.difference(&current).peekable();
    if admitted.peek().is_none() {
        return Ok(());
    }
    for group in admitted {
        write.admit(*group, application).await?;
    }
    let digesters = Digesters::load(write, &env.keys).await?;
    settle_credentials(env, write, &digesters, application).await
}

/// Makes true where the application's credentials are honoured, after it was admitted somewhere.
pub(crate) async fn settle_credentials(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    digesters: &Digesters,
    application: &Application,
) -> Result<(), Error> {
    let mut query = CredentialQuery {
        after: None,
        limit: MAX_LIMIT,
    };
    loop {
        let credentials = write.credentials(application.id, query).await?;
        let Some(last) = credentials.last() else {
            return Ok(());
        };
        let range = CredentialRange {
            after: query.after,
            to: last.id,
        };
        query.after = Some(last.id);
        let settling = Settling {
            keys: &env.keys,
            digesters,
            now: env.now(),
        };
        settling
            .many(write, application, &credentials, range)
            .await?;
    }
}
