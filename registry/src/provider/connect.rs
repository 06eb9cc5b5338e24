//! From what is kept of a provider to what talks to it.

use super::{
    Provider, ProviderKind,
    bridge::Bridge,
    configuration::{Configuration, Secrets},
    oidc::Oidc,
    registrar::{ProviderError, Registrar},
};
use crate::{
    environment::Environment,
    error::{Error, InvalidField},
    ids::ProviderId,
    sealing::{Place, SealError},
    store::WriteTransaction,
};

const COLUMN: &str = "identity_providers.sealed";

/// What talks to the provider, whether it is enabled or not: what is registered at one that is not can still be removed.
///
/// # Errors
/// [`super::registrar::ProviderErrorKind::Unsupported`] of the built-in one, to which nobody talks, and of one whose
/// configuration cannot be used any more.
pub fn registrar(env: &Environment, provider: &Provider) -> Result<Box<dyn Registrar>, Error> {
    let configuration = Configuration::read(provider.kind, &provider.configuration);
    let configuration =
        configuration.ok_or_else(|| unusable("its configuration cannot be read"))?;
    let secrets = open(env, provider)?;
    let made = make(env, provider, &configuration, &secrets);
    let made = made.map_err(|invalid| unusable(&invalid.to_string()))?;
    made.ok_or_else(|| unusable("it is the registry itself"))
}

/// What talks to a provider that is configured so; nothing for the built-in one.
pub(super) fn make(
    env: &Environment,
    provider: &Provider,
    configuration: &Configuration,
    secrets: &Secrets,
) -> Result<Option<Box<dyn Registrar>>, InvalidField> {
    Ok(match configuration {
        Configuration::Builtin => None,
        Configuration::Oidc(oidc) => Some(Box::new(Oidc::new(env, provider, oidc, secrets)?)),
        Configuration::HttpBridge(bridge) => {
            let outgoing = env.outgoing.clone();
            Some(Box::new(Bridge::new(outgoing, bridge, secrets)?))
        }
    })
}

fn unusable(what: &str) -> Error {
    ProviderError::unsupported(format!("the provider cannot be talked to: {what}")).into()
}

/// What proves the registry to the provider.
///
/// # Errors
/// If it cannot be opened.
pub fn open(env: &Environment, provider: &Provider) -> Result<Secrets, Error> {
    let Some(sealed) = &provider.sealed else {
        return Ok(Secrets::default());
    };
    let row = provider.id.to_string();
    let plain = env.keys.open(place(&row), sealed)?;
    let read = serde_json::from_slice(&plain);
    read.map_err(|_| SealError::Open(COLUMN).into())
}

/// Seals what proves the registry to a provider; nothing where there is nothing.
pub(super) async fn seal(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    id: ProviderId,
    secrets: &Secrets,
) -> Result<Option<Vec<u8>>, Error> {
    if secrets.is_empty() {
        return Ok(None);
    }
    let plain = serde_json::to_vec(secrets).map(zeroize::Zeroizing::new);
    let plain = plain.map_err(|_| SealError::Seal(COLUMN))?;
    let sealer = env.sealer(write).await?;
    let row = id.to_string();
    Ok(Some(sealer.seal(
        place(&row),
        &plain,
        env.entropy.as_ref(),
    )?))
}

const fn place(row: &str) -> Place<'_> {
    Place {
        column: COLUMN,
        row,
    }
}

impl ProviderKind {
    /// The word that the API has for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Oidc => "oidc",
            Self::HttpBridge => "http_bridge",
        }
    }
}
