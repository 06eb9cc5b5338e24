//! What is kept sealed of a registration, and of what is to be done about one.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::OauthClient;
use crate::{
    environment::Environment,
    error::Error,
    ids::{OperationId, SecretId},
    provider::Operation,
    sealing::{Place, SealError},
    store::WriteTransaction,
};

const CLIENT: &str = "oauth_clients.sealed";
const OPERATION: &str = "provider_operations.sealed";

/// What manages a registration at its provider (RFC 7592).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Management {
    /// Where it is managed.
    pub(crate) uri: Option<String>,
    /// What proves that it may be.
    pub(crate) token: Option<String>,
}

impl std::fmt::Debug for Management {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Management")
    }
}

/// What an operation is about, and what has come of it so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payload {
    /// The registration that is there already, by its secret.
    pub(crate) secret: Option<String>,
    /// Its name at the provider, or that of the one that was made.
    pub(crate) client_id: Option<String>,
    /// What manages that.
    pub(crate) management: Option<Management>,
    /// The metadata that are asked for, in JSON.
    pub(crate) metadata: Option<String>,
}

impl Payload {
    /// The registration that is there already.
    pub(crate) fn secret(&self) -> Option<SecretId> {
        self.secret.as_ref()?.parse().ok()
    }

    /// Seals it for the operation.
    pub(crate) async fn seal(
        &self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        id: OperationId,
    ) -> Result<Vec<u8>, Error> {
        seal(env, write, OPERATION, &id.to_string(), self).await
    }

    /// What the operation says.
    pub(crate) fn open(env: &Environment, operation: &Operation) -> Result<Self, Error> {
        open(env, OPERATION, &operation.id.to_string(), &operation.sealed)
    }
}

impl Management {
    /// Seals it for the registration that is this secret.
    pub(crate) async fn seal(
        &self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        secret: SecretId,
    ) -> Result<Vec<u8>, Error> {
        seal(env, write, CLIENT, &secret.to_string(), self).await
    }

    /// What manages the registration.
    pub(crate) fn open(env: &Environment, client: &OauthClient) -> Result<Self, Error> {
        match &client.sealed {
            None => Ok(Self::default()),
            Some(sealed) => open(env, CLIENT, &client.secret.to_string(), sealed),
        }
    }
}

async fn seal(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    column: &'static str,
    row: &str,
    what: &impl Serialize,
) -> Result<Vec<u8>, Error> {
    let plain = serde_json::to_vec(what)
        .map(Zeroizing::new)
        .map_err(|_| SealError::Seal(column))?;
    let sealer = env.sealer(write).await?;
    Ok(sealer.seal(Place { column, row }, &plain, env.entropy.as_ref())?)
}

fn open<T: for<'a> Deserialize<'a>>(
    env: &Environment,
    column: &'static str,
    row: &str,
    sealed: &[u8],
) -> Result<T, Error> {
    let plain = env.keys.open(Place { column, row }, sealed)?;
    serde_json::from_slice(&plain).map_err(|_| SealError::Open(column).into())
}
