//! Registering a client that presents a registration token (RFC 7591 section 3).

use std::{collections::BTreeMap, net::IpAddr};

use filter_core::key::SecretType;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use super::{
    RegistrationToken,
    refusal::{Code, Refusal},
    wanted,
};
use crate::{
    application,
    caller::Caller,
    clock::Timestamp,
    credential::{NewCredential, NewSecret, SecretType as Kept},
    environment::Environment,
    error::Error,
    ids::CredentialId,
    oauth::{AuthorizationClient, TokenFormat},
    oauth_client::{self, metadata::ClientMetadata},
    secrets::SecretText,
    store::WriteTransaction,
    token::Role,
};

/// No token is longer.
const MAX_TOKEN: usize = 512;

/// Who comes, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The token.
    pub token: &'a str,
    /// The address that the request came from.
    pub address: Option<IpAddr>,
}

/// A client with what manages it.
#[derive(Debug)]
pub struct RegisteredClient {
    /// Its name.
    pub client_id: String,
    /// Its secret, where it was made just now.
    pub client_secret: Option<SecretText>,
    /// Whether it proves itself by a secret.
    pub has_secret: bool,
    /// When it was registered.
    pub issued_at: Timestamp,
    /// What manages it from now on.
    pub access_token: SecretText,
    /// As it is registered.
    pub metadata: ClientMetadata,
}

/// Registers a client as a credential of the token's application.
///
/// Once begun it is done, also when nobody waits for it any more.
///
/// # Errors
/// [`Refusal`] says which; nothing was changed then, and the token may register as many clients as before.
pub async fn register(
    env: &Environment,
    presented: Presented<'_>,
    body: Map<String, Value>,
) -> Result<RegisteredClient, Refusal> {
    let metadata = wanted::metadata(body)?;
    if presented.token.len() > MAX_TOKEN {
        return Err(Refusal::Unauthorized);
    }
    let digest = env.keys.token_digest(presented.token);
    let address = presented.address;
    // What was refused is no failure of the work, which was done.
    env.complete(async move |env| Ok(in_full(&env, (digest, address), metadata).await))
        .await?
}

async fn in_full(
    env: &Environment,
    (digest, address): ([u8; 32], Option<IpAddr>),
    mut metadata: ClientMetadata,
) -> Result<RegisteredClient, Refusal> {
    let mut write = env.store.write().await?;
    // How long the look-up takes depends on a keyed digest, from which nobody can learn.
    let found = write.registration_token_by_digest(&digest).await?;
    let token = found
        .filter(|token| token.is_valid(env.now()))
        .ok_or(Refusal::Unauthorized)?;
    if !write.use_registration_token(token.id).await? {
        return Err(Refusal::Unauthorized);
    }
    let caller = Caller {
        organization: token.organization,
        token: token.created_by,
        role: Role::PortalAdmin,
        address,
    };
    let scopes = scopes(write.as_mut(), caller, &token, &metadata).await?;
    metadata.scope = Some(scopes.join(" ")).filter(|scope| !scope.is_empty());
    let new = credential(env, &token, scopes)?;
    let what = (new, metadata, TokenFormat::Jwt);
    let issued = oauth_client::register_in(env, write.as_mut(), caller, what).await?;
    let id = issued.detail.credential.id;
    let client = client_of(write.as_mut(), id).await?;
    let (client, access_token) = entrust(env, write.as_mut(), client).await?;
    env.commit(write).await?;
    Ok(described(client, issued.secret, access_token))
}

/// What the client is to be given: what it asks for, or everything that the token and the application have.
async fn scopes(
    write: &mut dyn WriteTransaction,
    caller: Caller,
    token: &RegistrationToken,
    metadata: &ClientMetadata,
) -> Result<Vec<String>, Refusal> {
    let application = application::find(write, caller, token.application).await;
    let application = application.map_err(|_| Refusal::Unauthorized)?;
    let has = |scope: &str| application.scopes.iter().any(|it| it == scope);
    let Some(wished) = metadata.scope.as_deref() else {
        let all = token.scopes.iter().filter(|scope| has(scope));
        return Ok(all.map(ToOwned::to_owned).collect());
    };
    let may = |scope: &str| has(scope) && token.scopes.iter().any(|it| it == scope);
    let mut wished = wished.split(' ').filter(|scope| !scope.is_empty());
    let granted: Vec<String> = wished.clone().map(ToOwned::to_owned).collect();
    if wished.any(|scope| !may(scope)) {
        let message =
            "scope: must be some of what the registration token allows, separated by spaces";
        return Err(Code::InvalidClientMetadata.because(message));
    }
    Ok(granted)
}

/// The credential that the client is. What the client calls itself need not be unique, and stays in its metadata.
fn credential(
    env: &Environment,
    token: &RegistrationToken,
    scopes: Vec<String>,
) -> Result<NewCredential, Error> {
    let number = u64::from_be_bytes(env.entropy.bytes()?);
    Ok(NewCredential {
        application: token.application,
        name: format!("registered-{number:016x}"),
        identifier: None,
        description: format!("registered itself with {}", token.id),
        labels: BTreeMap::new(),
        enabled: true,
        not_before: None,
        expires_at: None,
        scopes,
        gateway_groups: None,
        rotate_every: None,
        secret_type: Kept::Hashed,
        is_paired: false,
        secret: NewSecret::Registered,
    })
}

async fn client_of(
    write: &mut dyn WriteTransaction,
    id: CredentialId,
) -> Result<AuthorizationClient, Refusal> {
    let clients = write.authorization_clients_of(id).await?;
    clients.into_iter().next().ok_or(Refusal::Unauthorized)
}

/// Gives a client another token that manages it. The one before does nothing any more.
pub(super) async fn entrust(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    mut client: AuthorizationClient,
) -> Result<(AuthorizationClient, SecretText), Error> {
    let entropy = env.entropy.as_ref();
    let text = env
        .policy
        .generate(SecretType::RegistrationToken, entropy)?;
    client.registration_digest = Some(env.keys.token_digest(text.expose()));
    write.update_authorization_client(&client).await?;
    Ok((client, text))
}

/// Whether the token manages the client.
pub(super) fn manages(env: &Environment, token: &str, client: &AuthorizationClient) -> bool {
    let digest = env.keys.token_digest(token);
    let known = client.registration_digest;
    token.len() <= MAX_TOKEN && known.is_some_and(|known| known.ct_eq(&digest).into())
}

pub(super) fn described(
    client: AuthorizationClient,
    client_secret: Option<SecretText>,
    access_token: SecretText,
) -> RegisteredClient {
    let method = client.metadata.token_endpoint_auth_method.as_deref();
    RegisteredClient {
        has_secret: method != Some("private_key_jwt"),
        client_id: client.client_id,
        client_secret,
        issued_at: client.created_at,
        access_token,
        metadata: client.metadata,
    }
}
