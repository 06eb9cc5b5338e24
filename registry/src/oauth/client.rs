//! The life of a client of the built-in authorization server, each step a part of the transaction that does the same with
//! its credential. Nothing here has to be undone.

use filter_core::key::SecretType;

use super::{AuthorizationClient, TokenFormat, resources};
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::{Error, InvalidField},
    ids::CredentialId,
    oauth_client::metadata::ClientMetadata,
    provider::registrar::Registered,
    secrets::SecretText,
    store::WriteTransaction,
};

/// The only grant type there is.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

/// How clients prove themselves at the token endpoint.
pub const AUTH_METHODS: [&str; 3] = [
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
];

/// The member of what is shown of a client's metadata that says that its tokens are opaque. No standard has one, and it
/// cannot be set by clients.
const FORMAT_MEMBER: &str = "access_token_format";

/// Bytes of a client's name, before they are written in base 32.
const NAME_BYTES: usize = 16;

/// Registers a client for a credential that the transaction makes, or has made.
///
/// # Errors
/// When the server cannot do what the metadata asks for; names the member.
pub async fn register(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    credential: CredentialId,
    metadata: &ClientMetadata,
    format: TokenFormat,
) -> Result<Registered, Error> {
    let metadata = offered(metadata, format)?;
    let now = env.now();
    let client = AuthorizationClient {
        client_id: name(env)?,
        credential,
        format,
        metadata,
        registration_digest: None,
        created_at: now,
        updated_at: now,
    };
    write.insert_authorization_client(&client).await?;
    let secret = mint(env, write, &client).await?;
    Ok(registered(client, secret))
}

/// How the client is registered; `None` where there is none.
pub async fn read(
    write: &mut dyn WriteTransaction,
    client_id: &str,
) -> Result<Option<Registered>, Error> {
    let client = write.authorization_client(client_id).await?;
    Ok(client.map(|client| registered(client, None)))
}

/// Replaces how a client is registered, and what its access tokens are like from now on, where that is said. Its secret
/// stays, unless it proves itself in another way from now on.
///
/// # Errors
/// As [`register`]'s; and [`Error::NotFound`] where there is no such client.
pub async fn update(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    client_id: &str,
    (metadata, format): (&ClientMetadata, Option<TokenFormat>),
) -> Result<Registered, Error> {
    let mut client = find(write, client_id).await?;
    let had_secret = has_secret(&client.metadata);
    client.format = format.unwrap_or(client.format);
    client.metadata = offered(metadata, client.format)?;
    client.updated_at = env.now();
    write.update_authorization_client(&client).await?;
    let secret = match (had_secret, has_secret(&client.metadata)) {
        (false, true) => mint(env, write, &client).await?,
        (true, false) => {
            write
                .end_authorization_secrets(client_id, env.now())
                .await?;
            None
        }
        _ => None,
    };
    Ok(registered(client, secret))
}

/// Gives the client another secret. Those before work until `ends_at`, and no longer than they would.
///
/// # Errors
/// When it has none; [`Error::NotFound`] where there is no such client.
pub async fn replace_secret(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    client_id: &str,
    ends_at: Timestamp,
) -> Result<Registered, Error> {
    let client = find(write, client_id).await?;
    if !has_secret(&client.metadata) {
        let message =
            "has no secret to rotate: it proves itself by keys of its own (update its jwks)";
        return Err(InvalidField::new("client", message).into());
    }
    write.end_authorization_secrets(client_id, ends_at).await?;
    let secret = mint(env, write, &client).await?;
    Ok(registered(client, secret))
}

/// Removes a client, if it is there. Its access tokens are refused with its credential, not by this.
pub async fn delete(write: &mut dyn WriteTransaction, client_id: &str) -> Result<(), Error> {
    Ok(write.delete_authorization_client(client_id).await?)
}

async fn find(
    write: &mut dyn WriteTransaction,
    client_id: &str,
) -> Result<AuthorizationClient, Error> {
    let client = write.authorization_client(client_id).await?;
    client.ok_or(Error::NotFound(crate::error::Kind::Client))
}

/// The metadata as the server registers it: with what it takes where nothing is said.
fn offered(metadata: &ClientMetadata, format: TokenFormat) -> Result<ClientMetadata, InvalidField> {
    metadata.check()?;
    let mut metadata = metadata.clone();
    metadata.other.remove(FORMAT_MEMBER);
    if metadata
        .grant_types
        .iter()
        .any(|grant| grant != CLIENT_CREDENTIALS)
    {
        let message =
            format!("must be {CLIENT_CREDENTIALS} alone at the built-in authorization server");
        return Err(InvalidField::new("client.grant_types", message));
    }
    if !metadata.response_types.is_empty() {
        let message = "must be empty at the built-in authorization server: nobody logs in there";
        return Err(InvalidField::new("client.response_types", message));
    }
    let default = || "client_secret_basic".to_owned();
    let method = metadata
        .token_endpoint_auth_method
        .get_or_insert_with(default);
    if !AUTH_METHODS.contains(&method.as_str()) {
        let message = format!("must be one of: {}", AUTH_METHODS.join(", "));
        return Err(InvalidField::new(
            "client.token_endpoint_auth_method",
            message,
        ));
    }
    if metadata.jwks_uri.is_some() {
        let message = "is not fetched by the built-in authorization server: give the keys in jwks";
        return Err(InvalidField::new("client.jwks_uri", message));
    }
    let resources = resources::of(&metadata)?;
    if format == TokenFormat::Opaque && !resources.is_empty() {
        let message = "must be empty where access_token_format is opaque: gateways cannot hold such a token against a resource";
        return Err(InvalidField::new("client.resources", message));
    }
    Ok(metadata)
}

fn has_secret(metadata: &ClientMetadata) -> bool {
    metadata.token_endpoint_auth_method.as_deref() != Some("private_key_jwt")
}

async fn mint(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    client: &AuthorizationClient,
) -> Result<Option<SecretText>, Error> {
    if !has_secret(&client.metadata) {
        return Ok(None);
    }
    let entropy = env.entropy.as_ref();
    let secret = env.policy.generate(SecretType::ClientSecret, entropy)?;
    let digest = env.keys.token_digest(secret.expose());
    write
        .insert_authorization_secret(&client.client_id, &digest, env.now())
        .await?;
    Ok(Some(secret))
}

/// A name that nobody has: 128 random bits, in letters and digits alone.
fn name(env: &Environment) -> Result<String, Error> {
    let bytes: [u8; NAME_BYTES] = env.entropy.bytes()?;
    Ok(format!("client_{:032x}", u128::from_be_bytes(bytes)))
}

fn registered(mut client: AuthorizationClient, secret: Option<SecretText>) -> Registered {
    if client.format == TokenFormat::Opaque {
        let other = &mut client.metadata.other;
        other.insert(FORMAT_MEMBER.to_owned(), "opaque".into());
    }
    Registered {
        client_id: client.client_id,
        client_secret: secret,
        client_secret_expires_at: None,
        registration_client_uri: None,
        registration_access_token: None,
        metadata: client.metadata,
    }
}

#[cfg(test)]
mod tests;
