//! Making a consumer be as it is sent.

use std::collections::BTreeMap;

use super::{
    Consumer, Method, Plugin, Put, find, held, known_group,
    plan::{Notes, Plan},
    view,
};
use crate::{
    application::{self, Application, ApplicationPatch, DefaultKey, NewApplication},
    caller::Caller,
    change::Changed,
    credential::{self, Deployed},
    edit::Edit,
    environment::Environment,
    error::Error,
    gateway::GatewayGroup,
    secret::Secret,
    store::WriteTransaction,
};

/// How often it is decided again what is to be done, because somebody else came in between.
pub(super) const ATTEMPTS: usize = 3;

/// A consumer as it is sent.
#[derive(Clone, Debug)]
pub struct NewConsumer {
    /// 1 to 256 of letters, digits, `_` and `-`.
    pub name: String,
    /// 1 to 256 visible ASCII characters.
    pub custom_id: Option<String>,
    /// At most 1024 characters.
    pub description: String,
    /// At most 64.
    pub labels: BTreeMap<String, String>,
    /// Its own plugins, at most one of each method.
    pub plugins: Vec<Plugin>,
    /// The name or id of the gateway group to which those are deployed; `None` leaves them where they are, and puts new
    /// ones into every automatic group.
    pub gateway_group: Option<String>,
}

/// Makes the consumer be so: what is not sent is removed. A secret that is not the current one becomes it, and the one
/// before ends at once. What consumers do not have (scopes, gateway groups, whether it is enabled) stays.
pub async fn put(
    env: &Environment,
    caller: Caller,
    new: NewConsumer,
) -> Result<Changed<Put<Consumer>>, Error> {
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
    new: NewConsumer,
) -> Result<Changed<Put<Consumer>>, Error> {
    let (plans, group) = decide(env, caller, &new).await?;

    let mut write = env.store.write().await?;
    let before = find(write.as_mut(), caller, &new.name).await?;
    let created = before.is_none();
    let application = if let Some(before) = before {
        application::change(env, write.as_mut(), caller, before, patch(&new)).await?
    } else {
        let new = application_of(&new);
        let made = application::add(env, write.as_mut(), caller, new).await?;
        made.application
    };
    for (method, plan) in plans {
        let own = own(write.as_mut(), &application, method).await?;
        match plan {
            Some(plan) => {
                plan.carry_out(
                    env,
                    write.as_mut(),
                    caller,
                    &application,
                    own,
                    group.as_ref(),
                )
                .await?;
            }
            None => {
                if let Some((held, _)) = own {
                    let what = (&application, &held.credential);
                    credential::end(env, write.as_mut(), caller, what, Deployed::Delete).await?;
                }
            }
        }
    }
    let value = view(write.as_mut(), application).await?;
    let changed = Changed::of(write.as_mut(), Put { value, created }).await?;
    env.commit(write).await?;
    Ok(changed)
}

type Plans = Vec<(Method, Option<Plan>)>;

/// What is to be done with each of the consumer's own plugins; `None` for those that are not sent.
async fn decide(
    env: &Environment,
    caller: Caller,
    new: &NewConsumer,
) -> Result<(Plans, Option<GatewayGroup>), Error> {
    let mut found = Vec::new();
    let group = {
        let mut read = env.store.read().await?;
        let group = known_group(read.as_mut(), new.gateway_group.as_deref()).await?;
        let before = find(read.as_mut(), caller, &new.name).await?;
        for method in Method::ALL {
            found.push(match &before {
                Some(application) => {
                    held(read.as_mut(), application, method.own_identifier()).await?
                }
                None => None,
            });
        }
        group
    };
    let mut plans = Vec::new();
    for (method, found) in Method::ALL.into_iter().zip(found) {
        let sent = new.plugins.iter().find(|sent| sent.method() == method);
        let plan = match sent {
            None => None,
            Some(plugin) => {
                let notes = Notes::of_own(method);
                let named = (method.own_identifier(), &notes);
                let plugin = plugin.clone();
                let plan = Plan::of(env, caller, found.as_ref(), named, plugin, group.as_ref());
                Some(plan.await?)
            }
        };
        plans.push((method, plan));
    }
    Ok((plans, group))
}

async fn own(
    write: &mut dyn WriteTransaction,
    application: &Application,
    method: Method,
) -> Result<Option<(super::Held, Option<Secret>)>, Error> {
    held(write, application, method.own_identifier()).await
}

fn application_of(new: &NewConsumer) -> NewApplication {
    NewApplication {
        name: new.name.clone(),
        custom_id: new.custom_id.clone(),
        description: new.description.clone(),
        labels: new.labels.clone(),
        scopes: Vec::new(),
        gateway_groups: None,
        enabled: true,
        default_key: DefaultKey::None,
        owner: None,
    }
}

fn patch(new: &NewConsumer) -> ApplicationPatch {
    ApplicationPatch {
        custom_id: Edit::Set(new.custom_id.clone()),
        description: Some(new.description.clone()),
        labels: Some(new.labels.clone()),
        ..ApplicationPatch::default()
    }
}
