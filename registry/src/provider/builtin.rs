//! The provider that the registry itself is.

use super::{Provider, ProviderKind, manage::BUILTIN};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::Error,
    ids::ProviderId,
    store::WriteTransaction,
};

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
