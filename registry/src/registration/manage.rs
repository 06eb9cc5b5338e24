//! What a client does with its own registration (RFC 7592).
//!
//! Whoever has no token that manages the client is told the same, whether there is such a client or not.

use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use super::{
    refusal::{Code, Refusal},
    register::{Presented, RegisteredClient, described, entrust, manages},
    wanted,
};
use crate::{
    caller::Caller,
    credential::{self, Credential, CredentialPatch, Deployed},
    environment::Environment,
    oauth::AuthorizationClient,
    oauth_client,
    secrets::SecretText,
    store::ReadTransaction,
    token::Role,
};

/// How the client is registered. The token that manages it stays.
///
/// # Errors
/// [`Refusal::Unauthorized`] when the token does not manage the client.
pub async fn read(
    env: &Environment,
    presented: Presented<'_>,
    client_id: &str,
) -> Result<RegisteredClient, Refusal> {
    let mut read = env.store.read().await?;
    let (client, _) = find(env, read.as_mut(), presented.token, client_id).await?;
    let token = SecretText::new(presented.token.to_owned());
    Ok(described(client, None, token))
}

/// Replaces everything that is registered of the client, and the token that manages it.
///
/// A crash between the two leaves the client with what it sent and the token that it has.
///
/// # Errors
/// When the token does not manage the client, or the metadata are not acceptable.
pub async fn update(
    env: &Environment,
    presented: Presented<'_>,
    client_id: &str,
    body: Map<String, Value>,
) -> Result<RegisteredClient, Refusal> {
    let secret = wanted::secret_of_update(&body, client_id)?;
    let metadata = wanted::metadata(body)?;
    let credential = {
        let mut read = env.store.read().await?;
        let (_, credential) = find(env, read.as_mut(), presented.token, client_id).await?;
        if let Some(secret) = secret {
            check_secret(env, read.as_mut(), client_id, &secret).await?;
        }
        credential
    };
    let what = (CredentialPatch::default(), metadata, None);
    let caller = caller(&credential, presented);
    oauth_client::update(env, caller, credential.id, None, what).await?;
    let mut write = env.store.write().await?;
    let (client, _) = find(env, write.as_mut(), presented.token, client_id).await?;
    let (client, token) = entrust(env, write.as_mut(), client).await?;
    env.commit(write).await?;
    Ok(described(client, None, token))
}

/// Deletes the client, and with it its credential: its access tokens are refused at once.
///
/// # Errors
/// When the token does not manage the client.
pub async fn remove(
    env: &Environment,
    presented: Presented<'_>,
    client_id: &str,
) -> Result<(), Refusal> {
    let credential = {
        let mut read = env.store.read().await?;
        let (_, credential) = find(env, read.as_mut(), presented.token, client_id).await?;
        credential
    };
    let caller = caller(&credential, presented);
    // Where it is deployed is nothing to a client that wants to be gone.
    credential::delete(env, caller, credential.id, None, Deployed::Delete).await?;
    Ok(())
}

async fn find(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    token: &str,
    client_id: &str,
) -> Result<(AuthorizationClient, Credential), Refusal> {
    let client = read.authorization_client(client_id).await?;
    let client = client.filter(|client| manages(env, token, client));
    let client = client.ok_or(Refusal::Unauthorized)?;
    let credential = read.credential(client.credential).await?;
    let credential = credential.ok_or(Refusal::Unauthorized)?;
    Ok((client, credential))
}

/// An update may repeat the client's secret, and never chooses one.
async fn check_secret(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    client_id: &str,
    secret: &str,
) -> Result<(), Refusal> {
    let digest = env.keys.token_digest(secret);
    let known = read.authorization_secrets(client_id, env.now()).await?;
    if known.iter().any(|known| known.ct_eq(&digest).into()) {
        return Ok(());
    }
    let message = "client_secret: must be the client's, or missing: nobody chooses one";
    Err(Code::InvalidClientMetadata.because(message))
}

/// The client itself, which no token of the registry stands for.
fn caller(credential: &Credential, presented: Presented<'_>) -> Caller {
    Caller {
        organization: credential.organization,
        token: None,
        role: Role::PortalAdmin,
        address: presented.address,
    }
}
