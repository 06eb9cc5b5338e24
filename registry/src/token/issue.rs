//! Making, listing and revoking tokens.

use filter_core::key::SecretType;

use super::{NewRole, NewToken, Role, Token};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::{Error, InvalidField, Kind},
    gateway,
    idempotency::{self, Receipt},
    ids::{GroupId, OrganizationId, TokenId},
    label,
    secret::Display,
    secrets::SecretText,
    store::ReadTransaction,
};

/// Makes a token. Its text is shown this once.
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
    let description = label::description(new.description)?;
    let mut write = env.store.write().await?;
    let role = resolve(write.as_mut(), &new.role).await?;
    let text = env
        .policy
        .generate(role.secret_type(), env.entropy.as_ref())?;
    let token = Token {
        id: TokenId::generate(now, env.entropy.as_ref())?,
        organization: caller.organization,
        role,
        description,
        configured: false,
        display: Display::of_generated(&text),
        created_at: now,
        expires_at: new.expires_at,
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

/// The organization's tokens that are not revoked, in order of creation: those of a group's gateways, or, without a
/// group's name, those of administrators and reporters.
pub async fn list(
    env: &Environment,
    organization: OrganizationId,
    group: Option<&str>,
) -> Result<Vec<Token>, Error> {
    let mut read = env.store.read().await?;
    let collection = collection(read.as_mut(), group).await?;
    let mut tokens = match collection {
        Collection::OfOrganization => read.tokens(organization).await?,
        Collection::OfGroup(group) => read.group_tokens(group).await?,
    };
    tokens.retain(|token| token.is_in(organization, collection));
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
        .filter(|token| token.is_in(caller.organization, collection))
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
    fn is_in(&self, organization: OrganizationId, collection: Collection) -> bool {
        let belongs = match self.role {
            Role::PortalAdmin | Role::LeakReporter => {
                matches!(collection, Collection::OfOrganization)
            }
            Role::Gateway { group } => {
                matches!(collection, Collection::OfGroup(wanted) if wanted == group)
            }
        };
        belongs && self.organization == organization && self.revoked_at.is_none()
    }
}

/// The role with the group that its name means now.
pub(super) async fn resolve(read: &mut dyn ReadTransaction, role: &NewRole) -> Result<Role, Error> {
    match role {
        NewRole::PortalAdmin => Ok(Role::PortalAdmin),
        NewRole::LeakReporter => Ok(Role::LeakReporter),
        NewRole::Gateway { group } => Ok(Role::Gateway {
            group: gateway::named(read, group).await?.id,
        }),
    }
}

impl Role {
    /// What a token of this role begins with.
    #[must_use]
    pub const fn secret_type(self) -> SecretType {
        match self {
            Self::PortalAdmin | Self::LeakReporter => SecretType::AdminToken,
            Self::Gateway { .. } => SecretType::GatewayToken,
        }
    }
}
