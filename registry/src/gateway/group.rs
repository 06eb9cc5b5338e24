//! Gateway groups.

use filter_core::digest::DigestKey;

use super::{DEFAULT_GROUP, GatewayGroup, Mode};
use crate::{
    application::{Reach, settle_credentials},
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    deployment::Digesters,
    environment::Environment,
    error::{Conflict, Error, InvalidField, Kind},
    ids::GroupId,
    listing::MAX_LIMIT,
    store::{ReadTransaction, SealedDigestKey, WriteTransaction},
};

const MAX_NAME_LENGTH: usize = 64;
/// Applications at most that an error names.
const NAMED: usize = 10;

/// Creates a group. If it is automatic, it admits at once every application that lists no groups.
///
/// Once begun it is done, also when nobody waits for it any more.
pub async fn create_group(
    env: &Environment,
    caller: Caller,
    name: String,
    mode: Mode,
) -> Result<Changed<GatewayGroup>, Error> {
    env.complete(async move |env| create_in_full(&env, caller, name, mode).await)
        .await
}

async fn create_in_full(
    env: &Environment,
    caller: Caller,
    name: String,
    mode: Mode,
) -> Result<Changed<GatewayGroup>, Error> {
    let group = GatewayGroup {
        id: GroupId::generate(env.now(), env.entropy.as_ref())?,
        name: check_name(name)?,
        mode,
        created_at: env.now(),
    };
    let mut write = env.store.write().await?;
    if write
        .groups()
        .await?
        .iter()
        .any(|other| other.name == group.name)
    {
        return Err(Conflict::GroupName.into());
    }
    let key = DigestKey::from_bytes(env.entropy.bytes()?);
    let sealer = env.sealer(write.as_mut()).await?;
    let sealed = SealedDigestKey::seal(group.id, 1, &key, &sealer, env.entropy.as_ref())?;
    write.insert_group(&group, &sealed).await?;
    if group.mode == Mode::Automatic {
        admit_everyone(env, write.as_mut(), &group).await?;
    }
    let event = Event::of(Action::GroupCreated, group.name.clone()).made(&group);
    audit::note(env, write.as_mut(), caller, event).await?;
    let changed = Changed::of(write.as_mut(), group).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// All groups, by name.
pub async fn groups(env: &Environment) -> Result<Vec<GatewayGroup>, Error> {
    Ok(env.store.read().await?.groups().await?)
}

/// The group with this name.
pub async fn group(env: &Environment, name: &str) -> Result<GatewayGroup, Error> {
    let mut read = env.store.read().await?;
    named(read.as_mut(), name).await
}

/// Deletes a group that no valid token belongs to and no application lists.
///
/// Once begun it is done, also when nobody waits for it any more.
pub async fn delete_group(
    env: &Environment,
    caller: Caller,
    name: &str,
) -> Result<Changed<()>, Error> {
    let name = name.to_owned();
    env.complete(async move |env| delete_in_full(&env, caller, &name).await)
        .await
}

async fn delete_in_full(
    env: &Environment,
    caller: Caller,
    name: &str,
) -> Result<Changed<()>, Error> {
    if name == DEFAULT_GROUP {
        return Err(Conflict::DefaultGroup.into());
    }
    let mut write = env.store.write().await?;
    let group = named(write.as_mut(), name).await?;
    let tokens = write.group_tokens(group.id).await?;
    let valid = tokens
        .iter()
        .filter(|token| token.is_valid(env.now()))
        .count();
    if valid > 0 {
        return Err(Conflict::GroupHasTokens { tokens: valid }.into());
    }
    let applications = write.applications_listing(name, NAMED).await?;
    if !applications.is_empty() {
        return Err(Conflict::GroupListed { applications }.into());
    }
    write.delete_group(group.id).await?;
    let event = Event::of(Action::GroupDeleted, name);
    audit::note(env, write.as_mut(), caller, event).await?;
    let changed = Changed::of(write.as_mut(), ()).await?;
    env.commit(write).await?;
    Ok(changed)
}

pub(crate) async fn named(
    read: &mut dyn ReadTransaction,
    name: &str,
) -> Result<GatewayGroup, Error> {
    read.groups()
        .await?
        .into_iter()
        .find(|group| group.name == name)
        .ok_or(Error::NotFound(Kind::GatewayGroup))
}

pub(crate) async fn find(
    read: &mut dyn ReadTransaction,
    id: GroupId,
) -> Result<GatewayGroup, Error> {
    read.groups()
        .await?
        .into_iter()
        .find(|group| group.id == id)
        .ok_or(Error::NotFound(Kind::GatewayGroup))
}

async fn admit_everyone(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    group: &GatewayGroup,
) -> Result<(), Error> {
    let digesters = Digesters::load(write, &env.keys).await?;
    let mut after = None;
    loop {
        let applications = write.every_application(after, MAX_LIMIT).await?;
        let Some(last) = applications.last() else {
            return Ok(());
        };
        after = Some(last.id);
        for application in applications
            .iter()
            .filter(|one| one.reach == Reach::Automatic)
        {
            write.admit(group.id, application).await?;
            settle_credentials(env, write, &digesters, application).await?;
        }
    }
}

fn check_name(name: String) -> Result<String, InvalidField> {
    let fits = (1..=MAX_NAME_LENGTH).contains(&name.len());
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if fits && plain {
        Ok(name)
    } else {
        Err(InvalidField::new(
            "name",
            format!("must be 1 to {MAX_NAME_LENGTH} of letters, digits, '_' and '-'"),
        ))
    }
}
