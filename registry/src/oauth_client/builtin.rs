//! Clients of the built-in authorization server: nobody has to be called, so each step is one transaction.

use super::{
    Management, OauthClient, Registration,
    create::{self, Known},
    metadata::ClientMetadata,
    register::answered,
    rotate::carry_out,
};
use crate::{
    application,
    caller::Caller,
    change::Changed,
    credential::{self, Credential, CredentialDetail, Issued, NewCredential, Plan, Rotation},
    environment::Environment,
    error::{Error, InvalidField},
    idempotency::{self, Receipt},
    oauth::{self, TokenFormat},
    provider::{Provider, ProviderKind},
    store::WriteTransaction,
};

/// Registers a client, and keeps it as the credential that was planned.
pub(super) async fn register(
    env: &Environment,
    caller: Caller,
    plan: Plan,
    (provider, metadata, format): (&Provider, ClientMetadata, TokenFormat),
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    let mut write = env.store.write().await?;
    let what = (provider, metadata, format);
    let issued = add(env, write.as_mut(), caller, plan, what).await?;
    let issued = Changed::of(write.as_mut(), issued).await?;
    idempotency::keep(receipt, env, write.as_mut(), &issued).await?;
    env.commit(write).await?;
    Ok(issued)
}

/// The same in a transaction that does more, for a client that registers itself.
pub(crate) async fn register_in(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    (new, metadata, format): (NewCredential, ClientMetadata, TokenFormat),
) -> Result<Issued, Error> {
    let provider = create::provider_of(write, None).await?;
    let (mut plan, _) = Plan::of(env, caller.organization, new)?;
    let metadata = create::complete(&mut plan, metadata)?;
    add(env, write, caller, plan, (&provider, metadata, format)).await
}

async fn add(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    plan: Plan,
    (provider, metadata, format): (&Provider, ClientMetadata, TokenFormat),
) -> Result<Issued, Error> {
    create::issuer(provider)?;
    let id = plan.credential.application;
    let application = application::find(write, caller, id).await?;
    let credential = plan.credential.id;
    let registered = oauth::client::register(env, write, credential, &metadata, format).await?;
    let known = Known {
        metadata: answered(&registered)?,
        client_id: registered.client_id,
        secret: registered.client_secret,
        registration: Registration::Managed,
        management: None,
    };
    let planned = (&application, plan);
    create::keep(env, write, caller, planned, (provider, known)).await
}

/// Replaces what is registered, in the transaction that has changed the credential.
pub(super) async fn update(
    env: &Environment,
    mut write: Box<dyn WriteTransaction>,
    (credential, mut client): (Credential, OauthClient),
    (metadata, format): (&ClientMetadata, Option<TokenFormat>),
) -> Result<Changed<CredentialDetail>, Error> {
    let kept = oauth::client::read(write.as_mut(), &client.client_id).await?;
    let kept = kept.map(|kept| kept.metadata).unwrap_or_default();
    if kept.token_endpoint_auth_method != metadata.token_endpoint_auth_method
        && metadata.token_endpoint_auth_method.is_some()
    {
        // Another way to prove itself may need another secret, which only a new credential shows.
        let message = "cannot be changed: create another credential";
        return Err(InvalidField::new("client.token_endpoint_auth_method", message).into());
    }
    let metadata = ClientMetadata {
        token_endpoint_auth_method: kept.token_endpoint_auth_method,
        ..metadata.clone()
    };
    let what = (&metadata, format);
    let registered = oauth::client::update(env, write.as_mut(), &client.client_id, what).await?;
    client.metadata = answered(&registered)?;
    client.updated_at = env.now();
    write.update_oauth_client(&client).await?;
    let detail = credential::detail(env, write.as_mut(), credential, env.now()).await?;
    let changed = Changed::of(write.as_mut(), detail).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// Gives the client another secret. The one before works until the grace period, or the credential, ends.
pub(super) async fn rotate(
    env: &Environment,
    caller: Caller,
    mut write: Box<dyn WriteTransaction>,
    (credential, client, rotation): (Credential, OauthClient, Rotation),
    (provider, receipt): (&Provider, Option<Receipt<Changed<Issued>>>),
) -> Result<Changed<Issued>, Error> {
    let end = env.now().after(rotation.grace);
    let end = credential.expires_at.map_or(end, |last| last.min(end));
    let registered =
        oauth::client::replace_secret(env, write.as_mut(), &client.client_id, end).await?;
    let made = (provider, &registered, Management::default());
    let rotated = (credential, rotation);
    let issued = carry_out(env, write.as_mut(), caller, rotated, made).await?;
    let issued = Changed::of(write.as_mut(), issued).await?;
    idempotency::keep(receipt, env, write.as_mut(), &issued).await?;
    env.commit(write).await?;
    Ok(issued)
}

/// Ends the secrets that clients of the credential had before: their grace period was ended.
pub(crate) async fn finish(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    credential: &Credential,
) -> Result<(), Error> {
    for client in write.oauth_clients_of(credential.id).await? {
        if client.ended_at.is_none() && is_builtin(write, &client).await? {
            write
                .end_retiring_authorization_secrets(&client.client_id, env.now())
                .await?;
        }
    }
    Ok(())
}

/// Whether the client is registered at the registry itself.
pub(super) async fn is_builtin(
    write: &mut dyn WriteTransaction,
    client: &OauthClient,
) -> Result<bool, Error> {
    let provider = write.provider(client.provider).await?;
    Ok(provider.is_some_and(|provider| provider.kind == ProviderKind::Builtin))
}
