//! What becomes of a token that somebody shows: is it good (RFC 7662), and may it be revoked (RFC 7009)?

use filter_core::jwt::{Claims, Signed, Token, key};

use super::{
    SigningKey, access_token,
    authenticate::{self, Authenticated, Presented},
    desk::Desk,
    error::OauthError,
    opaque, upkeep,
};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    clock::Timestamp,
    environment::Environment,
    error::Error,
    jwks::Ring,
    scope::Scopes,
    store::{ReadTransaction, WriteTransaction},
};

/// Revoked tokens that gateways are told of at most, for each of which every VM of every gateway keeps 16 bytes. Beyond,
/// all tokens of the client are cut off, which needs no more than a moment in time.
const MAX_REVOKED: usize = 2048;

/// A token that is good.
#[derive(Clone, Debug)]
pub struct Active {
    /// To whom it was given.
    pub client_id: String,
    /// What it is good for, of what its client may still have.
    pub scope: Option<String>,
    /// Where it is good; empty for wherever gateways take it.
    pub audiences: Vec<String>,
    /// Unix seconds.
    pub issued_at: u64,
    /// Unix seconds.
    pub expires_at: u64,
}

/// A token of this server, by its signature; not yet whether it is good.
struct Ours<'a> {
    signed: Signed<'a>,
    claims: Claims,
    client_id: String,
}

/// Whether a token is good. A client is told of its own tokens alone; every other is as if it were none.
///
/// # Errors
/// `invalid_client`, when who asks has not proven itself.
pub async fn introspect(
    env: &Environment,
    desk: &Desk,
    (presented, source): (&Presented, &str),
    token: &str,
) -> Result<Option<Active>, OauthError> {
    let caller = proven(env, desk, presented, source).await?;
    let mut read = env.store.read().await?;
    if let Some(known) = opaque::find(env, read.as_mut(), token).await? {
        let is_good = known.client_id == caller.client.client_id && known.is_living(env.now());
        return Ok(is_good.then(|| Active {
            scope: shared(known.scopes.iter(), &caller.credential.scopes),
            client_id: known.client_id,
            audiences: Vec::new(),
            issued_at: known.issued_at.as_millis() / 1000,
            expires_at: known.ends_at.as_millis() / 1000,
        }));
    }
    let Some(ours) = ours(env, read.as_mut(), token).await? else {
        return Ok(None);
    };
    if ours.client_id != caller.client.client_id
        || !is_good(env, read.as_mut(), &caller, &ours).await?
    {
        return Ok(None);
    }
    let scopes = ours.claims.scopes.iter().map(String::as_str);
    let seconds = |millis: Option<u64>| millis.unwrap_or_default() / 1000;
    Ok(Some(Active {
        client_id: ours.client_id,
        scope: shared(scopes, &caller.credential.scopes),
        audiences: ours.claims.audiences,
        issued_at: seconds(ours.claims.issued_at),
        expires_at: seconds(ours.claims.expires_at),
    }))
}

/// Those of the token's scopes that its client may still have.
fn shared<'a>(scopes: impl Iterator<Item = &'a str>, own: &Scopes) -> Option<String> {
    let may_have = |scope: &&str| own.iter().any(|known| known == *scope);
    let scopes: Vec<&str> = scopes.filter(may_have).collect();
    (!scopes.is_empty()).then(|| scopes.join(" "))
}

/// Revokes a token of the client that shows it: gateways refuse it as soon as they hear of it. What is no token, or
/// another's, changes nothing.
///
/// # Errors
/// `invalid_client`, when who asks has not proven itself.
pub async fn revoke(
    env: &Environment,
    desk: &Desk,
    (presented, source): (&Presented, &str),
    token: &str,
) -> Result<(), OauthError> {
    let caller = proven(env, desk, presented, source).await?;
    let mut write = env.store.write().await?;
    let was_revoked = match opaque::find(env, write.as_mut(), token).await? {
        Some(known) if known.client_id == caller.client.client_id => {
            opaque::revoke(write.as_mut(), &known).await?;
            true
        }
        Some(_) => false,
        None => revoke_jwt(env, write.as_mut(), &caller, token).await?,
    };
    if !was_revoked {
        return Ok(());
    }
    let event = Event::of_credential(Action::AccessTokenRevoked, &caller.credential);
    let registry = Caller::registry(caller.credential.organization);
    audit::note(env, write.as_mut(), registry, event).await?;
    env.commit(write).await?;
    Ok(())
}

/// Whether there was a token to revoke.
async fn revoke_jwt(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: &Authenticated,
    token: &str,
) -> Result<bool, Error> {
    let Some(ours) = ours(env, write, token).await? else {
        return Ok(false);
    };
    let now = env.now();
    let ends_at = ours.claims.expires_at.map(Timestamp::from_millis);
    let Some(ends_at) = ends_at.filter(|end| end.after(LEEWAY) > now) else {
        return Ok(false);
    };
    if ours.client_id != caller.client.client_id {
        return Ok(false);
    }
    let revoked = write.revoked_access_tokens(now).await?;
    if revoked.len() >= MAX_REVOKED {
        let mut credential = caller.credential.clone();
        credential.tokens_valid_from = Some(now);
        credential.updated_at = now;
        credential.version = credential.version.saturating_add(1);
        write.update_credential(&credential).await?;
        opaque::revoke_all(write, credential.id).await?;
    } else {
        let ends_at = ends_at.after(LEEWAY);
        let digest = ours.signed.digest();
        write.insert_revoked_access_token(&digest, ends_at).await?;
        upkeep::publish(env, write).await?;
    }
    Ok(true)
}

/// For how long gateways may honour a token beyond its end: the most that a rule can allow.
const LEEWAY: std::time::Duration = std::time::Duration::from_mins(5);

async fn proven(
    env: &Environment,
    desk: &Desk,
    presented: &Presented,
    source: &str,
) -> Result<Authenticated, OauthError> {
    desk.check_source(source, env.now())?;
    authenticate::authenticate(env, presented)
        .await
        .map_err(|failure| desk.count_failure(source, failure, env.now()))
}

/// The token, if one of the server's keys signed it in the server's name.
async fn ours<'a>(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    token: &'a str,
) -> Result<Option<Ours<'a>>, Error> {
    let Ok(Token { signed, claims }) = Token::parse(token.as_bytes()) else {
        return Ok(None);
    };
    let keys = read.signing_keys().await?;
    let keys: Vec<_> = keys
        .iter()
        .filter_map(SigningKey::verification_key)
        .collect();
    let is_signed = key::find(&keys, &signed.header)
        .and_then(|key| signed.verify(key, &Ring))
        .is_ok();
    let is_named = claims.issuer.as_deref() == Some(access_token::issuer(env)?);
    let Some(client_id) = claims.client_id.clone().filter(|_| is_signed && is_named) else {
        return Ok(None);
    };
    Ok(Some(Ours {
        signed,
        claims,
        client_id,
    }))
}

async fn is_good(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    client: &Authenticated,
    token: &Ours<'_>,
) -> Result<bool, Error> {
    let now = env.now();
    let revoked = read.revoked_access_tokens(now).await?;
    let valid_from = client.credential.tokens_valid_from;
    let valid_from = valid_from.map_or(0, Timestamp::as_millis);
    Ok(token
        .claims
        .expires_at
        .is_some_and(|end| end > now.as_millis())
        && token.claims.issued_at.is_some_and(|at| at >= valid_from)
        && revoked.binary_search(&token.signed.digest()).is_err())
}
