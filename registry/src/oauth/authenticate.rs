//! How a client proves itself: by a secret, or by a signature of a key of its own.

use subtle::ConstantTimeEq as _;

use super::{
    AuthorizationClient, assertion,
    error::{Code, OauthError},
};
use crate::{
    application::Application, clock::Timestamp, credential::Credential, environment::Environment,
    secrets::SecretText, store::ReadTransaction,
};

/// Bytes of a client's name that are looked at.
const MAX_NAME: usize = 256;

/// What a client presents.
#[derive(Debug)]
pub enum Presented {
    /// In the `Authorization` header (RFC 6749 section 2.3.1).
    Basic {
        /// Its name.
        client_id: String,
        /// Its secret.
        secret: SecretText,
    },
    /// In the body.
    Post {
        /// Its name.
        client_id: String,
        /// Its secret.
        secret: SecretText,
    },
    /// A signed assertion (RFC 7523 section 2.2).
    Assertion {
        /// Its name, where the request says it besides.
        client_id: Option<String>,
        /// The assertion.
        assertion: String,
    },
}

/// A client that has proven itself, and is honoured.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// The client.
    pub client: AuthorizationClient,
    /// The credential that it is.
    pub credential: Credential,
    /// The application whose credential it is.
    pub application: Application,
}

/// What everybody is told who has not proven himself, whatever the reason.
fn unknown() -> OauthError {
    Code::InvalidClient.because("the client is not known, or has not proven itself")
}

/// Who presents this. An assertion is used up by it.
///
/// # Errors
/// `invalid_client`, without a reason that would help somebody who guesses.
pub async fn authenticate(
    env: &Environment,
    presented: &Presented,
) -> Result<Authenticated, OauthError> {
    match presented {
        Presented::Basic { client_id, secret } => {
            by_secret(env, client_id, secret, "client_secret_basic").await
        }
        Presented::Post { client_id, secret } => {
            by_secret(env, client_id, secret, "client_secret_post").await
        }
        Presented::Assertion {
            client_id,
            assertion,
        } => {
            let name = assertion::client(assertion).ok_or_else(unknown)?;
            if client_id.as_ref().is_some_and(|said| *said != name) {
                return Err(unknown());
            }
            let mut read = env.store.read().await?;
            let found = find(read.as_mut(), &name, "private_key_jwt", env.now()).await?;
            drop(read);
            let proof = assertion::verify(env, &found.client, assertion).ok_or_else(unknown)?;
            let mut write = env.store.write().await?;
            let is_first = write
                .use_assertion(&found.client.client_id, &proof.digest, proof.ends_at)
                .await?;
            env.commit(write).await?;
            is_first.then_some(found).ok_or_else(unknown)
        }
    }
}

async fn by_secret(
    env: &Environment,
    client_id: &str,
    secret: &SecretText,
    method: &str,
) -> Result<Authenticated, OauthError> {
    let now = env.now();
    let digest = env.keys.token_digest(secret.expose());
    let mut read = env.store.read().await?;
    let found = find(read.as_mut(), client_id, method, now).await?;
    let known = read.authorization_secrets(client_id, now).await?;
    let matches = known.iter().fold(subtle::Choice::from(0), |matches, one| {
        matches | one.ct_eq(&digest)
    });
    bool::from(matches).then_some(found).ok_or_else(unknown)
}

/// The client, if it proves itself in this way, and is honoured.
async fn find(
    read: &mut dyn ReadTransaction,
    client_id: &str,
    method: &str,
    now: Timestamp,
) -> Result<Authenticated, OauthError> {
    let fits = client_id.len() <= MAX_NAME && !client_id.contains('\0');
    if !fits {
        return Err(unknown());
    }
    let client = read.authorization_client(client_id).await?;
    let registered = |client: &AuthorizationClient| {
        client.metadata.token_endpoint_auth_method.as_deref() == Some(method)
    };
    let client = client.filter(registered).ok_or_else(unknown)?;
    living(read, client, now).await?.ok_or_else(unknown)
}

/// The client with its credential and application, while both are honoured.
pub(super) async fn living(
    read: &mut dyn ReadTransaction,
    client: AuthorizationClient,
    now: Timestamp,
) -> Result<Option<Authenticated>, OauthError> {
    let credential = read.credential(client.credential).await?;
    let Some(credential) = credential.filter(|credential| credential.is_honoured(now)) else {
        return Ok(None);
    };
    let application = read.application(credential.application).await?;
    let application = application.filter(|application| application.enabled);
    Ok(application.map(|application| Authenticated {
        client,
        credential,
        application,
    }))
}
