//! Making, listing and revoking tokens.

use filter_core::key::SecretType;

use super::{NewRole, NewToken, Role, Token};
use crate::{
    environment::Environment,
    error::{Error, InvalidField, Kind},
    gateway,
    idempotency::{self, Receipt},
    ids::{OrganizationId, TokenId},
    label,
    secret::Display,
    secrets::SecretText,
    store::ReadTransaction,
};

/// Makes a token. Its text is shown this once.
pub async fn create(
    env: &Environment,
    organization: OrganizationId,
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
        organization,
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
    let made = (token, text);
    idempotency::keep(receipt, env, write.as_mut(), &made).await?;
    env.commit(write).await?;
    Ok(made)
}

/// The organization's tokens that are not revoked, in order of creation; with a group's name, those of its gateways.
pub async fn list(
    env: &Environment,
    organization: OrganizationId,
    group: Option<&str>,
) -> Result<Vec<Token>, Error> {
    let mut read = env.store.read().await?;
    let mut tokens = match group {
        None => read.tokens(organization).await?,
        Some(name) => {
            let group = gateway::named(read.as_mut(), name).await?;
            read.group_tokens(group.id).await?
        }
    };
    tokens.retain(|token| token.organization == organization && token.revoked_at.is_none());
    Ok(tokens)
}

/// Revokes a token: with a group's name, only one of its gateways. To revoke it again changes nothing.
pub async fn revoke(
    env: &Environment,
    organization: OrganizationId,
    group: Option<&str>,
    id: TokenId,
) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let token = write
        .token(id)
        .await?
        .filter(|token| token.organization == organization)
        .ok_or(Error::NotFound(Kind::Token))?;
    if let Some(name) = group {
        let group = gateway::named(write.as_mut(), name).await?;
        if token.role != (Role::Gateway { group: group.id }) {
            return Err(Error::NotFound(Kind::Token));
        }
    }
    write.revoke_token(id, env.now()).await?;
    env.commit(write).await?;
    Ok(())
}

/// The role with the group that its name means now.
pub(super) async fn resolve(read: &mut dyn ReadTransaction, role: &NewRole) -> Result<Role, Error> {
    match role {
        NewRole::PortalAdmin => Ok(Role::PortalAdmin),
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
            Self::PortalAdmin => SecretType::AdminToken,
            Self::Gateway { .. } => SecretType::GatewayToken,
        }
    }
}
