//! Tokens that come from configuration, and the first one.

use filter_core::key::{SecretType, Shape, shape};

use super::{NewRole, Token, issue::resolve};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::{Conflict, Error, InvalidField},
    ids::TokenId,
    secret::Display,
    secrets::SecretText,
};

const MINIMUM_OWN_LENGTH: usize = 32;
const MAX_OWN_LENGTH: usize = 512;

/// Whether a valid administrator's token exists.
pub async fn has_admin(env: &Environment) -> Result<bool, Error> {
    let mut read = env.store.read().await?;
    let organization = read.default_organization().await?;
    Ok(read.has_admin(organization.id, env.now()).await?)
}

/// A new administrator's token that nobody has yet: to be written down first, and then [`provision`]ed, so that it
/// cannot be lost in between.
pub fn mint(env: &Environment) -> Result<SecretText, Error> {
    env.policy
        .generate(SecretType::AdminToken, env.entropy.as_ref())
}

/// Makes a value from configuration a valid token. To do so again changes nothing.
///
/// A gateway's token must be of the generated shape; an administrator's may also be one's own. A value that was revoked
/// stays revoked, and one that was configured before stays valid until it is revoked.
pub async fn provision(
    env: &Environment,
    role: NewRole,
    value: &SecretText,
) -> Result<TokenId, Error> {
    let display = check(&role, value)?;
    let now = env.now();
    let digest = env.keys.token_digest(value.expose());
    let mut write = env.store.write().await?;
    let organization = write.default_organization().await?.id;
    let role = resolve(write.as_mut(), &role).await?;
    if let Some(stored) = write.token_by_digest(&digest).await? {
        return match stored.token {
            token if token.revoked_at.is_some() => Err(Conflict::TokenRevoked.into()),
            token if !token.is_valid(now) => Err(Conflict::TokenExpired.into()),
            token if token.role != role => Err(Conflict::TokenRole.into()),
            token => Ok(token.id),
        };
    }
    let token = Token {
        id: TokenId::generate(now, env.entropy.as_ref())?,
        organization,
        role,
        created_by: None,
        description: "from configuration".to_owned(),
        configured: true,
        display,
        created_at: now,
        expires_at: None,
        revoked_at: None,
    };
    write.insert_token(&token, &digest).await?;
    let event = Event::of(Action::TokenCreated, token.id.to_string()).made(&token);
    audit::note(env, write.as_mut(), Caller::registry(organization), event).await?;
    env.commit(write).await?;
    Ok(token.id)
}

fn check(role: &NewRole, value: &SecretText) -> Result<Display, InvalidField> {
    let wanted = role.name().secret_type();
    let (field, may_be_own) = match role {
        NewRole::Gateway { .. } => ("gateway_token", false),
        _ => ("admin_token", true),
    };
    let text = value.expose();
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    match shape(text.as_bytes()) {
        Shape::Generated(kind) if kind == wanted => Ok(Display::of_generated(value)),
        Shape::Foreign
            if may_be_own
                && plain
                && (MINIMUM_OWN_LENGTH..=MAX_OWN_LENGTH).contains(&text.len()) =>
        {
            Ok(Display::of_own(value))
        }
        _ => {
            let code = wanted.code();
            let own = if may_be_own {
                format!(
                    ", or {MINIMUM_OWN_LENGTH} to {MAX_OWN_LENGTH} visible ASCII characters unlike a generated secret"
                )
            } else {
                String::new()
            };
            Err(InvalidField::new(
                field,
                format!(
                    "must be a generated token (`<brand>_{code}_...` with its check characters){own}"
                ),
            ))
        }
    }
}
