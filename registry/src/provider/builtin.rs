//! The provider that the registry itself is.

use filter_core::digest::SecretHash;

use super::{Provider, ProviderKind, manage::BUILTIN};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    deployment::{self, Digesters},
    environment::Environment,
    error::Error,
    ids::ProviderId,
    oauth_client::OauthClient,
    secret::Material,
    store::{ReadTransaction, WriteTransaction},
};

/// Clients whose issuer is changed at a time.
const BATCH: usize = 200;

/// Whether it gives tokens.
pub(crate) async fn is_enabled(read: &mut dyn ReadTransaction) -> Result<bool, Error> {
    let provider = read.provider_named(BUILTIN).await?;
    Ok(provider.is_some_and(|provider| provider.enabled))
}

/// Makes the built-in provider known at the first start, and has its issuer follow `public_url` at every further one.
///
/// # Errors
/// If the store fails.
pub async fn adopt(env: &Environment) -> Result<(), Error> {
    let issuer = env.public_url.as_deref().map(str::to_owned);
    let mut write = env.store.write().await?;
    let caller = Caller::registry(write.default_organization().await?.id);
    let now = env.now();
    match write.provider_named(BUILTIN).await? {
        Some(known) if known.issuer == issuer => return Ok(()),
        Some(before) => {
            let provider = Provider {
                issuer,
                updated_at: now,
                version: before.version.saturating_add(1),
                ..before.clone()
            };
            moved(write.as_mut(), &before).await?;
            write.update_provider(&provider).await?;
            if let Some(issuer) = &provider.issuer {
                rename(env, write.as_mut(), provider.id, issuer).await?;
            }
            let event = Event::of(Action::ProviderUpdated, BUILTIN).changed(&before, &provider);
            audit::note(env, write.as_mut(), caller, event).await?;
        }
        // Like the default organization, it is a part of every installation and nothing that was done.
        None => {
            let provider = Provider {
                id: ProviderId::generate(now, env.entropy.as_ref())?,
                name: BUILTIN.to_owned(),
                kind: ProviderKind::Builtin,
                issuer,
                description: "The registry itself".to_owned(),
                enabled: true,
                configuration: "{}".to_owned(),
                sealed: None,
                created_at: now,
                updated_at: now,
                version: 1,
            };
            write.insert_provider(&provider).await?;
        }
    }
    env.commit(write).await?;
    Ok(())
}

/// What follows when the registry's own issuer becomes another: tokens that name the one before are refused.
async fn moved(write: &mut dyn WriteTransaction, before: &Provider) -> Result<(), Error> {
    if let Some(issuer) = &before.issuer
        && write.issuer(issuer).await?.is_some()
    {
        write.remove_issuer(issuer).await?;
    }
    Ok(())
}

/// Lets gateways find the provider's clients by this issuer.
async fn rename(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    provider: ProviderId,
    issuer: &str,
) -> Result<(), Error> {
    let digesters = Digesters::load(write, &env.keys).await?;
    let sealer = env.sealer(write).await?;
    let mut after = None;
    loop {
        let clients = write.oauth_clients_at(provider, after, BATCH).await?;
        let Some(last) = clients.last() else {
            return Ok(());
        };
        after = Some(last.secret);
        for client in clients {
            let hash = SecretHash::of_client(issuer, &client.client_id);
            let material = Material::Value(hash);
            let sealed = material.seal(client.secret, &sealer, env.entropy.as_ref())?;
            write.reseal_secret(client.secret, &sealed).await?;
            let credential = client.credential;
            let client = OauthClient {
                issuer: issuer.to_owned(),
                updated_at: env.now(),
                ..client
            };
            write.update_oauth_client(&client).await?;
            if let Some(credential) = write.credential(credential).await? {
                deployment::settle(write, &env.keys, &digesters, &credential, env.now()).await?;
            }
        }
    }
}
