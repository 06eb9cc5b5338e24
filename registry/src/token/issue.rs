//! Making, listing and revoking tokens.

use super::{NewRole, NewToken, Role, RoleName, Token};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    clock::Timestamp,
    environment::Environment,
    error::{Error, InvalidField, Kind},
    gateway,
    idempotency::{self, Receipt},
    ids::{GroupId, TokenId},
    label, organization,
    secret::Display,
    secrets::SecretText,
    store::ReadTransaction,
};

/// Makes a token, which is not above the one that makes it: neither by its role, nor by its end. Its text is shown this
/// once.
pub async fn create(
    env: &Environment,
    caller: Caller,
    new: NewToken,
    receipt: Option<Receipt<(Token, SecretText)>>,
) -> Result<(Token, SecretText), Error> {
    let now = env.now();
    if new.expires_at.is_some_and(|end| end <= now) {
        return Err(InvalidField::new("expires_at", "must be in the future").into());
    }
    check_is_not_above(caller, new.role.name())?;
    let description = label::description(new.description)?;
    let mut write = env.store.write().await?;
    let role = resolve(write.as_mut(), &new.role).await?;
    let whose = if role.name().is_of_installation() {
        write.default_organization().await?.id
    } else {
        caller.organization
    };
    let expires_at = end(env, write.as_mut(), caller, (new.expires_at, now)).await?;
    organization::admit_token(env, write.as_mut(), whose).await?;
    let text = env
        .policy
        .generate(role.name().secret_type(), env.entropy.as_ref())?;
    let token = Token {
        id: TokenId::generate(now, env.entropy.as_ref())?,
        organization: whose,
        role,
        created_by: caller.token,
        description,
        configured: false,
        display: Display::of_generated(&text),
        created_at: now,
        expires_at,
        revoked_at: None,
    };
    write
        .insert_token(&token, &env.keys.token_digest(text.expose()))
        .await?;
    let event = Event::of(Action::TokenCreated, token.id.to_string()).made(&token);
    audit::note(env, write.as_mut(), caller, event).await?;
    let made = (token, text);
    idempotency::keep(receipt, env, write.as_mut(), &made).await?;
    env.commit(write).await?;
    Ok(made)
}

/// The tokens that are not revoked and not above the caller, in order of creation: those of a group's gateways, or, without
/// a group's name, the organization's that are no gateway's.
pub async fn list(
    env: &Environment,
    caller: Caller,
    group: Option<&str>,
) -> Result<Vec<Token>, Error> {
    let mut read = env.store.read().await?;
    let collection = collection(read.as_mut(), group).await?;
    let mut tokens = match collection {
        Collection::OfOrganization => read.tokens(caller.organization).await?,
        Collection::OfGroup(group) => read.group_tokens(group).await?,
    };
    tokens.retain(|token| token.is_shown(caller, collection));
    Ok(tokens)
}

/// Revokes a token that [`list`] shows with the same group.
pub async fn revoke(
    env: &Environment,
    caller: Caller,
    group: Option<&str>,
    id: TokenId,
) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let collection = collection(write.as_mut(), group).await?;
    write
        .token(id)
        .await?
        .filter(|token| token.is_shown(caller, collection))
        .ok_or(Error::NotFound(Kind::Token))?;
    write.revoke_token(id, env.now()).await?;
    let event = Event::of(Action::TokenRevoked, id.to_string());
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(())
}

/// Revokes a token again that the database has forgotten to be revoked, unless it is not there.
pub(crate) async fn revoke_again(env: &Environment, id: TokenId) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let Some(token) = write.token(id).await? else {
        return Ok(());
    };
    write.revoke_token(id, env.now()).await?;
    let event = Event::of(Action::TokenRevoked, id.to_string());
    let caller = Caller::registry(token.organization);
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(())
}

/// Tokens that are listed together.
#[derive(Clone, Copy)]
enum Collection {
    /// Those of people and programs that manage, or report.
    OfOrganization,
    /// Those of a group's gateways.
    OfGroup(GroupId),
}

async fn collection(
    read: &mut dyn ReadTransaction,
    group: Option<&str>,
) -> Result<Collection, Error> {
    Ok(match group {
        None => Collection::OfOrganization,
        Some(name) => Collection::OfGroup(gateway::named(read, name).await?.id),
    })
}

impl Token {
    fn is_shown(&self, caller: Caller, collection: Collection) -> bool {
        let belongs = match (self.role, collection) {
            (Role::Gateway { group }, Collection::OfGroup(wanted)) => wanted == group,
            (Role::Gateway { .. }, _) | (_, Collection::OfGroup(_)) => false,
            (_, Collection::OfOrganization) => self.organization == caller.organization,
        };
        let is_above = self.role.name().is_of_installation() && !sees_all(caller.role.name());
        belongs && !is_above && self.revoked_at.is_none()
    }
}

const fn sees_all(role: RoleName) -> bool {
    matches!(role, RoleName::PortalAdmin | RoleName::Auditor)
}

/// Nobody makes a token that may do what the caller may not.
fn check_is_not_above(caller: Caller, wanted: RoleName) -> Result<(), Error> {
    let may = match caller.role {
        Role::PortalAdmin => true,
        Role::OrgAdmin => matches!(wanted, RoleName::OrgAdmin | RoleName::Developer),
        _ => false,
    };
    if may {
        return Ok(());
    }
    let message = format!(
        "a token of role {} makes none of role {}",
        caller.role.word(),
        wanted.word()
    );
    Err(Error::NotAllowed(InvalidField::new("role", message)))
}

/// The end that is wished for, but neither after the longest lifetime nor after the end of the token that makes it.
pub(crate) async fn end(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    caller: Caller,
    (wished, now): (Option<Timestamp>, Timestamp),
) -> Result<Option<Timestamp>, Error> {
    let bound = match caller.token {
        Some(id) => maker(read, id, now).await?.expires_at,
        None => None,
    };
    let Some(lifetime) = env.lifetimes.of_token() else {
        return not_after(bound, wished);
    };
    let last = lifetime.end(now);
    let wished = match wished {
        None => bound.map_or(last, |bound| bound.min(last)),
        Some(_) => lifetime.fit(wished, last)?,
    };
    not_after(bound, Some(wished))
}

/// The token that makes another: it may have been revoked since the request came in, and must leave nothing behind.
async fn maker(
    read: &mut dyn ReadTransaction,
    id: TokenId,
    now: Timestamp,
) -> Result<Token, Error> {
    let found = read.token(id).await?;
    found.filter(|token| token.is_valid(now)).ok_or_else(|| {
        let message = "the token was revoked, or has expired, while it made another";
        Error::NotAllowed(InvalidField::new("Authorization", message))
    })
}

fn not_after(
    bound: Option<Timestamp>,
    wished: Option<Timestamp>,
) -> Result<Option<Timestamp>, Error> {
    let Some(bound) = bound else {
        return Ok(wished);
    };
    if wished.is_some_and(|end| end > bound) {
        let message = "must not be after the end of the token that makes it";
        return Err(InvalidField::new("expires_at", message).into());
    }
    Ok(Some(wished.unwrap_or(bound)))
}

/// The role with the group that its name means now.
pub(super) async fn resolve(read: &mut dyn ReadTransaction, role: &NewRole) -> Result<Role, Error> {
    match role {
        NewRole::PortalAdmin => Ok(Role::PortalAdmin),
        NewRole::ApiOwner => Ok(Role::ApiOwner),
        NewRole::OrgAdmin => Ok(Role::OrgAdmin),
        NewRole::Developer { owner } => Ok(Role::Developer {
            owner: owner.parse()?,
        }),
        NewRole::Auditor => Ok(Role::Auditor),
        NewRole::LeakReporter => Ok(Role::LeakReporter),
        NewRole::Gateway { group } => Ok(Role::Gateway {
            group: gateway::named(read, group).await?.id,
        }),
    }
}
