//! Where a provider answers about its tokens.

use crate::{
    outgoing::Address,
    provider::{Provider, configuration::Tokens, registrar::ProviderError},
};

/// Where a provider answers about its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoints {
    /// Where its keys are; `None`: its tokens are no JWTs.
    pub(super) keys: Option<Address>,
    /// Where it is asked about tokens.
    pub(super) introspection: Option<Address>,
}

/// As somebody has configured them.
pub(super) fn configured(provider: &Provider, tokens: &Tokens) -> Result<Endpoints, ProviderError> {
    let introspection = tokens.introspection.as_ref();
    let introspection = introspection.and_then(|it| it.endpoint.as_deref());
    Ok(Endpoints {
        keys: address(provider, "tokens.jwks_uri", tokens.jwks_uri.as_deref())?,
        introspection: address(provider, "tokens.introspection.endpoint", introspection)?,
    })
}

fn address(
    provider: &Provider,
    field: &str,
    text: Option<&str>,
) -> Result<Option<Address>, ProviderError> {
    let parsed = text.map(str::parse::<Address>).transpose();
    parsed.map_err(|error| {
        ProviderError::unsupported(format!("{field} of {}: {error}", provider.name))
    })
}
