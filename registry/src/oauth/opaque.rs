//! Access tokens that say nothing, and that gateways look up by their digest as they look up everything else.

use filter_core::{
    digest::SecretHash,
    key::{SecretType, Shape, shape},
};

use super::{
    access_token::AccessToken,
    authenticate::{self, Authenticated},
    error::{Code, OauthError},
};
use crate::{
    clock::Timestamp,
    deployment::{self, Digesters},
    environment::Environment,
    error::Error,
    ids::{AccessTokenId, CredentialId},
    scope::Scopes,
    sealing::{Place, SealError},
    secrets::Keys,
    store::{ReadTransaction, WriteTransaction},
};

/// Living tokens of a client at most: each is a record in the memory of every gateway.
pub(super) const MAX_LIVING: u64 = if cfg!(test) { 3 } else { 1000 };

const COLUMN: &str = "access_tokens.sealed";

const fn place(row: &str) -> Place<'_> {
    Place {
        column: COLUMN,
        row,
    }
}

/// An access token that gateways look up, as it is kept: never the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpaqueToken {
    /// Its id, which nobody sees.
    pub id: AccessTokenId,
    /// By which the registry recognises it.
    pub digest: [u8; 32],
    /// The credential of the client that it was given to.
    pub credential: CredentialId,
    /// The client that it was given to.
    pub client_id: String,
    /// What it was given for. What the credential may is a bound on it.
    pub scopes: Scopes,
    /// The hash by which gateways find it, sealed.
    pub sealed: Vec<u8>,
    /// When it was given.
    pub issued_at: Timestamp,
    /// Until when it is good.
    pub ends_at: Timestamp,
}

impl OpaqueToken {
    /// Whether it has not ended.
    #[must_use]
    pub fn is_living(&self, now: Timestamp) -> bool {
        now < self.ends_at
    }

    /// By which gateways find it.
    ///
    /// # Errors
    /// When it cannot be unsealed.
    pub fn lookup_hash(&self, keys: &Keys) -> Result<SecretHash, SealError> {
        let plain = keys.open(place(&self.id.to_string()), &self.sealed)?;
        let bytes = plain.as_slice().try_into();
        let bytes = bytes.map_err(|_| SealError::Open(COLUMN))?;
        Ok(SecretHash::from_bytes(bytes))
    }
}

/// Gives a token to a client that has proven itself, and has gateways honour it.
pub(super) async fn give(
    env: &Environment,
    client: &Authenticated,
    scopes: Scopes,
) -> Result<AccessToken, OauthError> {
    let mut write = env.store.write().await?;
    let now = env.now();
    // It may not be honoured any more since it has proven itself.
    let living = authenticate::living(write.as_mut(), client.client.clone(), now).await?;
    let Some(client) = living else {
        return Err(Code::InvalidClient.because("the client is not honoured any more"));
    };
    let credential = &client.credential;
    let (living, first_end) = write.living_access_tokens(credential.id, now).await?;
    if living >= MAX_LIVING {
        let end = first_end.unwrap_or(now);
        return Err(OauthError::Limited {
            wait: end.since(now),
        });
    }
    let text = env
        .policy
        .generate(SecretType::BearerToken, env.entropy.as_ref())?;
    let id = AccessTokenId::generate(now, env.entropy.as_ref())?;
    let sealer = env.sealer(write.as_mut()).await?;
    let hash = SecretHash::of_value(text.expose().as_bytes());
    let row = id.to_string();
    let token = OpaqueToken {
        id,
        digest: env.keys.token_digest(text.expose()),
        credential: credential.id,
        client_id: client.client.client_id.clone(),
        scopes: scopes.clone(),
        sealed: sealer.seal(place(&row), hash.expose(), env.entropy.as_ref())?,
        issued_at: now,
        ends_at: now.after(env.access_tokens.life),
    };
    write.insert_access_token(&token).await?;
    let digesters = Digesters::load(write.as_mut(), &env.keys).await?;
    let what = (&token, now);
    deployment::add_token(write.as_mut(), &env.keys, &digesters, credential, what).await?;
    let revision = write.pending_revision().await?;
    env.commit(write).await?;
    Ok(AccessToken {
        text,
        expires_in: env.access_tokens.life.as_secs(),
        scopes,
        revision,
    })
}

/// The token that this is; one that has ended may still be there.
pub(super) async fn find(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    text: &str,
) -> Result<Option<OpaqueToken>, Error> {
    if shape(text.as_bytes()) != Shape::Generated(SecretType::BearerToken) {
        return Ok(None);
    }
    let digest = env.keys.token_digest(text);
    Ok(read.access_token_known_by(&digest).await?)
}

/// Refuses one token at gateways from now on.
pub(super) async fn revoke(
    write: &mut dyn WriteTransaction,
    token: &OpaqueToken,
) -> Result<(), Error> {
    for deployed in write.deployed(token.credential).await? {
        if deployed.token == Some(token.id) {
            write.withdraw(deployed.group, &deployed.digest).await?;
        }
    }
    Ok(write.delete_access_token(token.id).await?)
}

/// Refuses all tokens of all clients.
pub(crate) async fn revoke_everything(write: &mut dyn WriteTransaction) -> Result<(), Error> {
    for credential in write.credentials_with_access_tokens().await? {
        revoke_all(write, credential).await?;
    }
    Ok(())
}

/// Refuses all tokens of a credential that were given until now.
pub(crate) async fn revoke_all(
    write: &mut dyn WriteTransaction,
    credential: CredentialId,
) -> Result<(), Error> {
    for deployed in write.deployed(credential).await? {
        if deployed.token.is_some() {
            write.withdraw(deployed.group, &deployed.digest).await?;
        }
    }
    Ok(write.delete_access_tokens_of(credential).await?)
}
