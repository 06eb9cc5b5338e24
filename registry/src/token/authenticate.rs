//! Who presents a token.

use subtle::ConstantTimeEq as _;

use super::{Identity, Token};
use crate::{
    environment::Environment,
    error::{Error, Kind},
    ids::{OrganizationId, TokenId},
    store::ReadTransaction,
};

/// No token is longer.
pub(super) const MAX_LENGTH: usize = 512;

/// Who the presented value belongs to, if it is a valid token, and in which organization it acts: the one that the request
/// names, or its own.
pub async fn authenticate(
    env: &Environment,
    presented: &str,
    organization: Option<&str>,
) -> Result<Option<Identity>, Error> {
    if presented.len() > MAX_LENGTH {
        return Ok(None);
    }
    let digest = env.keys.token_digest(presented);
    let mut read = env.store.read().await?;
    // How long the look-up takes depends on a keyed digest, from which nobody can learn.
    let found = read.token_by_digest(&digest).await?;
    let token = found
        .filter(|stored| stored.digest.ct_eq(&digest).into())
        .map(|stored| stored.token)
        .filter(|token| token.is_valid(env.now()));
    let Some(token) = token else {
        return Ok(None);
    };
    let organization = match organization {
        None => token.organization,
        Some(name) => acting_in(read.as_mut(), &token, name).await?,
    };
    Ok(Some(Identity {
        token: token.id,
        organization,
        role: token.role,
    }))
}

/// The organization of this name, unless the token has nothing to do there, which is as if there were none.
async fn acting_in(
    read: &mut dyn ReadTransaction,
    token: &Token,
    name: &str,
) -> Result<OrganizationId, Error> {
    let named = read.organization_named(name).await?;
    named
        .map(|organization| organization.id)
        .filter(|id| token.role.name().chooses_organization() || *id == token.organization)
        .ok_or(Error::NotFound(Kind::Organization))
}

/// Whether a token that was valid still is, before something that was waited for is answered.
pub async fn is_valid(env: &Environment, id: TokenId) -> Result<bool, Error> {
    let mut read = env.store.read().await?;
    let token = read.token(id).await?;
    Ok(token.is_some_and(|token| token.is_valid(env.now())))
}
