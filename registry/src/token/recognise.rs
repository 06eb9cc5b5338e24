//! Whose token it was that was refused, for the audit log.

use subtle::ConstantTimeEq as _;

use super::Token;
use crate::{environment::Environment, error::Error};

/// The token of this value, whether or not it works.
pub(crate) async fn recognise(env: &Environment, presented: &str) -> Result<Option<Token>, Error> {
    if presented.len() > super::authenticate::MAX_LENGTH {
        return Ok(None);
    }
    let digest = env.keys.token_digest(presented);
    let mut read = env.store.read().await?;
    let found = read.token_by_digest(&digest).await?;
    Ok(found
        .filter(|stored| stored.digest.ct_eq(&digest).into())
        .map(|stored| stored.token))
}
