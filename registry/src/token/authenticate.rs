//! Who presents a token.

use subtle::ConstantTimeEq as _;

use super::Identity;
use crate::{environment::Environment, error::Error, ids::TokenId};

/// No token is longer.
const MAX_LENGTH: usize = 512;

/// Who the presented value belongs to, if it is a valid token.
pub async fn authenticate(env: &Environment, presented: &str) -> Result<Option<Identity>, Error> {
    if presented.len() > MAX_LENGTH {
        return Ok(None);
    }
    let digest = env.keys.token_digest(presented);
    let mut read = env.store.read().await?;
    // How long the look-up takes depends on a keyed digest, from which nobody can learn.
    let found = read.token_by_digest(&digest).await?;
    Ok(found
        .filter(|stored| stored.digest.ct_eq(&digest).into())
        .map(|stored| stored.token)
        .filter(|token| token.is_valid(env.now()))
        .map(|token| Identity {
            token: token.id,
            organization: token.organization,
            role: token.role,
        }))
}

/// Whether a token that was valid still is, before something that was waited for is answered.
pub async fn is_valid(env: &Environment, id: TokenId) -> Result<bool, Error> {
    let mut read = env.store.read().await?;
    let token = read.token(id).await?;
    Ok(token.is_some_and(|token| token.is_valid(env.now())))
}
