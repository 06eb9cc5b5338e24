//! Keeping true what follows from time alone: which keys there are, and what gateways are told of the issuer.

use std::time::Duration;

use filter_core::{feed::Issuer, jwt::ClientClaim};

use super::{SigningKey, opaque, signing};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    clock::Timestamp,
    environment::Environment,
    error::Error,
    provider,
    store::WriteTransaction,
};

/// How access tokens are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessTokens {
    /// For how long one is good.
    pub life: Duration,
    /// For how long a key signs them.
    pub key_life: Duration,
}

/// The longest life that the settings allow a token: so long are keys published that sign no more.
pub const LONGEST_LIFE: Duration = Duration::from_hours(24);

impl Default for AccessTokens {
    fn default() -> Self {
        Self {
            life: Duration::from_mins(5),
            key_life: Duration::from_hours(90 * 24),
        }
    }
}

/// Makes the keys that are due, forgets those that nothing is left of, and tells gateways.
///
/// # Errors
/// When what is kept cannot be read or written.
pub async fn tend(env: &Environment) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let now = env.now();
    let keys = write.signing_keys().await?;
    match keys.last() {
        // Nobody can have kept a key set of before.
        None => {
            let key = signing::add(env, write.as_mut(), now).await?;
            note(env, write.as_mut(), &key).await?;
        }
        Some(newest) if newest.current_from.after(env.access_tokens.key_life) <= now => {
            let key = follow(env, write.as_mut(), newest).await?;
            note(env, write.as_mut(), &key).await?;
        }
        Some(_) => {}
    }
    for key in &keys {
        let is_over = |from: Timestamp| from.after(LONGEST_LIFE * 2) <= now;
        if key.retired_from.is_some_and(is_over) {
            write.delete_signing_key(key.id).await?;
        }
    }
    write.prune_authorization(now).await?;
    publish(env, write.as_mut()).await?;
    env.commit(write).await?;
    Ok(())
}

/// Makes the next key now, before it is due. It is published at once, and used after [`signing::PUBLISHED_BEFORE`]. Where
/// there is a next one that is not used yet, it stays: another would gain nothing, and one that signs sooner would be
/// refused where it is not known.
///
/// # Errors
/// When what is kept cannot be read or written.
pub async fn rotate(env: &Environment, caller: Caller) -> Result<SigningKey, Error> {
    let mut write = env.store.write().await?;
    let keys = write.signing_keys().await?;
    let now = env.now();
    let key = match keys.last() {
        Some(next) if next.current_from > now => return Ok(next.clone()),
        Some(newest) => follow(env, write.as_mut(), newest).await?,
        None => signing::add(env, write.as_mut(), now).await?,
    };
    let event = Event::of(Action::SigningKeyRotated, key.id.to_string());
    audit::note(env, write.as_mut(), caller, event).await?;
    publish(env, write.as_mut()).await?;
    env.commit(write).await?;
    Ok(key)
}

async fn follow(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    newest: &SigningKey,
) -> Result<SigningKey, Error> {
    let from = env.now().after(signing::PUBLISHED_BEFORE);
    write.retire_signing_key(newest.id, from).await?;
    signing::add(env, write, from).await
}

async fn note(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    key: &SigningKey,
) -> Result<(), Error> {
    let organization = write.default_organization().await?.id;
    let event = Event::of(Action::SigningKeyMade, key.id.to_string());
    audit::note(env, write, Caller::registry(organization), event).await
}

/// Tells gateways of the keys and of revoked tokens; or that the issuer is gone with all its tokens, while it is switched
/// off.
pub(super) async fn publish(
    env: &Environment,
    write: &mut dyn WriteTransaction,
) -> Result<(), Error> {
    let is_enabled = provider::is_enabled(write).await?;
    if !is_enabled {
        opaque::revoke_everything(write).await?;
    }
    let Some(name) = env.public_url.as_deref() else {
        return Ok(());
    };
    if !is_enabled {
        return Ok(write.remove_issuer(name).await?);
    }
    let keys = write.signing_keys().await?;
    let issuer = Issuer {
        name: name.to_owned(),
        client_claim: ClientClaim::ClientId,
        types_its_tokens: true,
        introspects: false,
        keys: keys
            .iter()
            .filter_map(SigningKey::verification_key)
            .collect(),
        revoked: write.revoked_access_tokens(env.now()).await?,
    };
    Ok(write.put_issuer(&issuer).await?)
}
