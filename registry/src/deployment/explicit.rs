//! Deploying a credential to one group, whatever it does by itself.

use std::collections::BTreeSet;

use super::{Digesters, rule, settle};
use crate::{
    application::{self, Application},
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    credential::{self, Credential},
    environment::Environment,
    error::{Conflict, Error, InvalidField},
    gateway::{self, GatewayGroup, Mode},
    ids::CredentialId,
    store::{ReadTransaction, WriteTransaction},
};

/// Groups at most that a credential is made for.
const MAX_CHOSEN: usize = 1000;

/// Deploys the credential to the group, if its application may use it. Nothing changes where it is deployed already.
pub async fn deploy(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    group: &str,
) -> Result<Changed<()>, Error> {
    say(env, caller, id, group, true).await
}

/// Takes the credential from the group. It exists on, and works wherever else it is deployed.
pub async fn undeploy(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    group: &str,
) -> Result<Changed<()>, Error> {
    say(env, caller, id, group, false).await
}

async fn say(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    group: &str,
    wanted: bool,
) -> Result<Changed<()>, Error> {
    let mut write = env.store.write().await?;
    let credential = credential::find(write.as_mut(), caller, id).await?;
    let application = application::find(write.as_mut(), caller, credential.application).await?;
    let group = gateway::named(write.as_mut(), group).await?;
    let what = (&application, &credential, &group);
    say_of(env, write.as_mut(), caller, what, wanted).await?;
    let changed = Changed::of(write.as_mut(), ()).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// The same in a transaction that does more, of a credential that the application has.
pub(crate) async fn say_of(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    (application, credential, group): (&Application, &Credential, &GatewayGroup),
    wanted: bool,
) -> Result<(), Error> {
    if wanted && !application.reach.allows(group) {
        let group = group.name.clone();
        return Err(Conflict::GroupNotAllowed { group }.into());
    }
    // Nothing is kept of what the credential does by itself.
    let said = (rule::goes_by_itself(credential, group) != wanted).then_some(wanted);
    let before = rule::said(&write.overrides(credential.id).await?, group.id);
    if before != said {
        write.set_override(credential.id, group.id, said).await?;
        let action = if wanted {
            Action::CredentialDeployed
        } else {
            Action::CredentialUndeployed
        };
        let event = Event::of_credential(action, credential).with("group", group.name.as_str());
        audit::note(env, write, caller, event).await?;
    }
    let digesters = Digesters::load(write, &env.keys).await?;
    settle::settle(write, &env.keys, &digesters, credential, env.now()).await?;
    if !wanted {
        settle::dismiss(write, application, &[group]).await?;
    }
    Ok(())
}

/// Says of a credential that was just made that it is for these groups, and for no others.
pub(crate) async fn choose(
    write: &mut dyn WriteTransaction,
    application: &Application,
    id: CredentialId,
    names: &[String],
) -> Result<(), Error> {
    // No name costs more than one, however often it is said.
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    if names.len() > MAX_CHOSEN {
        let message = format!("must be at most {MAX_CHOSEN} names");
        return Err(InvalidField::new("gateway_groups", message).into());
    }
    let groups = write.groups().await?;
    for name in names {
        let group = groups.iter().find(|group| group.name == name);
        let group = group.ok_or_else(|| {
            InvalidField::new("gateway_groups", "each must be the name of a gateway group")
        })?;
        if !application.reach.allows(group) {
            let message = format!("the application may not use the gateway group {name:?}");
            return Err(InvalidField::new("gateway_groups", message).into());
        }
        write.set_override(id, group.id, Some(true)).await?;
    }
    Ok(())
}

/// The groups in which the credential is to be honoured.
pub(crate) async fn groups_of(
    read: &mut dyn ReadTransaction,
    application: &Application,
    credential: &Credential,
) -> Result<Vec<GatewayGroup>, Error> {
    let overrides = read.overrides(credential.id).await?;
    let groups = read.groups().await?;
    let effective = rule::effective(application, credential, &groups, &overrides);
    Ok(effective.into_iter().cloned().collect())
}

/// The on-demand groups to which the credential is deployed.
pub(crate) async fn on_demand(
    read: &mut dyn ReadTransaction,
    application: &Application,
    credential: &Credential,
) -> Result<Vec<GatewayGroup>, Error> {
    let overrides = read.overrides(credential.id).await?;
    if overrides.is_empty() {
        return Ok(Vec::new());
    }
    let groups = read.groups().await?;
    let effective = rule::effective(application, credential, &groups, &overrides);
    let on_demand = effective
        .into_iter()
        .filter(|group| group.mode == Mode::OnDemand);
    Ok(on_demand.cloned().collect())
}

/// After the last of an application's credentials has left on-demand groups: they forget it.
pub(crate) async fn leave(
    write: &mut dyn WriteTransaction,
    application: &Application,
    groups: &[GatewayGroup],
) -> Result<(), Error> {
    if groups.is_empty() {
        return Ok(());
    }
    let groups: Vec<&GatewayGroup> = groups.iter().collect();
    settle::dismiss(write, application, &groups).await
}
