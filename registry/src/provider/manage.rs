//! Making providers known, changing them and forgetting them.

use super::{
    Provider, ProviderKind,
    configuration::{Configuration, Secrets},
    connect, rules,
};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::{Conflict, Error, InvalidField, Kind},
    idempotency::{self, Receipt},
    ids::ProviderId,
    label,
    listing::{Listing, MAX_LIMIT},
    oauth,
    store::{ReadTransaction, WriteTransaction},
};

/// The name of the provider that the registry itself is.
pub const BUILTIN: &str = "builtin";
/// Clients and operations that are counted at most to say that there are some.
const COUNTED: usize = 1000;

/// What [`create()`] needs to know.
#[derive(Debug)]
pub struct NewProvider {
    /// 1 to 64 of letters, digits, `_` and `-`.
    pub name: String,
    /// What its tokens say in `iss`, byte for byte.
    pub issuer: String,
    /// At most 1024 characters.
    pub description: String,
    /// Whether clients are registered there, and its tokens accepted.
    pub enabled: bool,
    /// How it is talked to, which says its kind.
    pub configuration: Configuration,
    /// What proves the registry to it.
    pub secrets: Secrets,
}

/// What [`update()`] changes. Neither kind nor issuer: what is registered would be somebody else's.
#[derive(Debug, Default)]
pub struct ProviderPatch {
    /// The next description.
    pub description: Option<String>,
    /// Whether clients are registered there, and its tokens accepted.
    pub enabled: Option<bool>,
    /// How it is talked to, in JSON: all of it.
    pub configuration: Option<serde_json::Value>,
    /// What proves the registry to it: all of it.
    pub secrets: Option<Secrets>,
}

/// Reads a provider.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(env: &Environment, id: ProviderId) -> Result<Provider, Error> {
    let mut read = env.store.read().await?;
    found(read.as_mut(), id).await
}

/// Lists providers in order of creation.
///
/// # Errors
/// If the store fails.
pub async fn list(
    env: &Environment,
    after: Option<ProviderId>,
    limit: usize,
) -> Result<Listing<Provider>, Error> {
    let limit = limit.clamp(1, MAX_LIMIT);
    let mut read = env.store.read().await?;
    let found = read.providers(after, limit.saturating_add(1)).await?;
    Ok(Listing::cut(found, limit))
}

/// Makes a provider known. Nothing is asked of it.
///
/// # Errors
/// Names what cannot be used, or what another provider has.
pub async fn create(
    env: &Environment,
    caller: Caller,
    new: NewProvider,
    receipt: Option<Receipt<Provider>>,
) -> Result<Provider, Error> {
    let now = env.now();
    let id = ProviderId::generate(now, env.entropy.as_ref())?;
    let kind = match &new.configuration {
        Configuration::Oidc(_) => ProviderKind::Oidc,
        Configuration::HttpBridge(_) => ProviderKind::HttpBridge,
        Configuration::Builtin => {
            let message = "must be oidc or http_bridge: the built-in provider exists already";
            return Err(InvalidField::new("kind", message).into());
        }
    };
    let mut provider = Provider {
        id,
        name: rules::name(new.name)?,
        kind,
        issuer: Some(rules::issuer(kind, new.issuer)?),
        description: label::description(new.description)?,
        enabled: new.enabled,
        configuration: rules::written(&new.configuration)?,
        sealed: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    rules::check(env, &provider, &new.configuration, &new.secrets)?;
    let mut write = env.store.write().await?;
    if write.provider_named(&provider.name).await?.is_some() {
        return Err(Conflict::ProviderName.into());
    }
    let issuer = provider.issuer.as_deref().unwrap_or_default();
    if write.provider_issuing(issuer).await?.is_some() {
        return Err(Conflict::ProviderIssuer.into());
    }
    provider.sealed = connect::seal(env, write.as_mut(), id, &new.secrets).await?;
    write.insert_provider(&provider).await?;
    let event = Event::of(Action::ProviderCreated, provider.name.as_str()).made(&provider);
    audit::note(env, write.as_mut(), caller, event).await?;
    idempotency::keep(receipt, env, write.as_mut(), &provider).await?;
    env.commit(write).await?;
    Ok(provider)
}

/// Changes a provider, if it is at the expected version. One that is disabled is not registered at, and from that moment
/// its tokens are refused.
///
/// # Errors
/// Names what cannot be used.
pub async fn update(
    env: &Environment,
    caller: Caller,
    id: ProviderId,
    expected: Option<u64>,
    patch: ProviderPatch,
) -> Result<Provider, Error> {
    let mut write = env.store.write().await?;
    let before = found(write.as_mut(), id).await?;
    check_version(&before, expected)?;
    let mut provider = before.clone();
    if let Some(description) = patch.description {
        provider.description = label::description(description)?;
    }
    provider.enabled = patch.enabled.unwrap_or(before.enabled);
    let configuration = match patch.configuration {
        Some(json) => rules::read(before.kind, json)?,
        None => Configuration::read(before.kind, &before.configuration).ok_or_else(|| {
            InvalidField::new(
                "configuration",
                "is to be given: the one before cannot be read",
            )
        })?,
    };
    let has_new_secrets = patch.secrets.is_some();
    let secrets = match patch.secrets {
        Some(secrets) => secrets,
        None => connect::open(env, &before)?,
    };
    rules::check(env, &provider, &configuration, &secrets)?;
    provider.configuration = rules::written(&configuration)?;
    if has_new_secrets {
        provider.sealed = connect::seal(env, write.as_mut(), id, &secrets).await?;
    }
    provider.updated_at = env.now();
    provider.version = before.version.saturating_add(1);
    write.update_provider(&provider).await?;
    if before.enabled && !provider.enabled {
        forget_issuer(write.as_mut(), &provider).await?;
    }
    let event = Event::of(Action::ProviderUpdated, provider.name.as_str())
        .changed(&before, &provider)
        .with("credentials_replaced", has_new_secrets);
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(provider)
}

/// Forgets a provider at which nothing is registered and nothing is to be done, if it is at the expected version.
///
/// # Errors
/// Says how many clients and operations are in the way.
pub async fn delete(
    env: &Environment,
    caller: Caller,
    id: ProviderId,
    expected: Option<u64>,
) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let provider = found(write.as_mut(), id).await?;
    check_version(&provider, expected)?;
    if provider.kind == ProviderKind::Builtin {
        return Err(Conflict::BuiltinProvider.into());
    }
    let clients = write.oauth_clients_at(id, None, COUNTED).await?.len();
    let operations = write.operations_at(id, None, COUNTED).await?.len();
    if clients > 0 || operations > 0 {
        return Err(Conflict::ProviderInUse {
            clients,
            operations,
        }
        .into());
    }
    forget_issuer(write.as_mut(), &provider).await?;
    write.delete_provider(id).await?;
    let event = Event::of(Action::ProviderDeleted, provider.name.as_str());
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(())
}

/// Gateways refuse what it issued.
async fn forget_issuer(write: &mut dyn WriteTransaction, provider: &Provider) -> Result<(), Error> {
    if provider.kind == ProviderKind::Builtin {
        oauth::revoke_everything(write).await?;
    }
    if let Some(issuer) = &provider.issuer
        && write.issuer(issuer).await?.is_some()
    {
        write.remove_issuer(issuer).await?;
    }
    Ok(())
}

async fn found(read: &mut dyn ReadTransaction, id: ProviderId) -> Result<Provider, Error> {
    let found = read.provider(id).await?;
    found.ok_or(Error::NotFound(Kind::IdentityProvider))
}

fn check_version(provider: &Provider, expected: Option<u64>) -> Result<(), Error> {
    if expected.is_some_and(|version| version != provider.version) {
        return Err(Error::VersionMismatch(Kind::IdentityProvider));
    }
    Ok(())
}
