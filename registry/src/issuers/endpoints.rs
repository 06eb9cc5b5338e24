//! Where a provider answers about its tokens: as somebody has configured it, or as the provider publishes it.

use std::time::Duration;

use super::{Issuers, lock};
use crate::{
    clock::Timestamp,
    outgoing::Address,
    provider::{
        Provider, ProviderKind,
        configuration::{Configuration, Tokens},
        discovery::{Discovered, discover},
        registrar::{ProviderError, ProviderErrorKind},
    },
};

/// For how long what a provider publishes of itself is taken for true.
const KEPT: Duration = Duration::from_mins(10);

/// What was published, and of which version of the provider.
#[derive(Clone, Debug)]
pub(super) struct Published {
    version: u64,
    until: Timestamp,
    metadata: Discovered,
}

impl Issuers {
    /// Where its keys are; `None`: its tokens are no JWTs.
    pub(super) async fn keys_address(
        &self,
        provider: &Provider,
        tokens: &Tokens,
    ) -> Result<Option<Address>, ProviderError> {
        if let Some(text) = &tokens.jwks_uri {
            return address(provider, "tokens.jwks_uri", text).map(Some);
        }
        let published = self.published(provider).await?;
        Ok(published.and_then(|metadata| metadata.jwks_uri))
    }

    /// Where it is asked about tokens. The registry's credentials go there, so that an address which is only published
    /// must be of the provider's own origin.
    pub(super) async fn introspection_address(
        &self,
        provider: &Provider,
        configured: Option<&str>,
    ) -> Result<Option<Address>, ProviderError> {
        if let Some(text) = configured {
            return address(provider, "tokens.introspection.endpoint", text).map(Some);
        }
        let published = self.published(provider).await?;
        let Some(endpoint) = published.and_then(|metadata| metadata.introspection_endpoint) else {
            return Ok(None);
        };
        let home = address(
            provider,
            "issuer",
            provider.issuer.as_deref().unwrap_or_default(),
        )?;
        if endpoint.has_origin_of(&home) {
            return Ok(Some(endpoint));
        }
        let description = "its metadata name an introspection endpoint of another origin: set tokens.introspection.endpoint if that is meant";
        Err(ProviderError {
            kind: ProviderErrorKind::Forbidden,
            ..ProviderError::unsupported(description)
        })
    }

    /// What the provider publishes of itself; nothing of one behind a bridge.
    async fn published(&self, provider: &Provider) -> Result<Option<Discovered>, ProviderError> {
        if provider.kind != ProviderKind::Oidc {
            return Ok(None);
        }
        let (place, now) = (self.set(provider.id), self.env.now());
        let known = lock(&place.published).clone();
        if let Some(known) = known.filter(|it| it.version == provider.version && it.until > now) {
            return Ok(Some(known.metadata));
        }
        let configuration = Configuration::read(provider.kind, &provider.configuration);
        let at = match &configuration {
            Some(Configuration::Oidc(oidc)) => oidc.discovery_url.as_deref(),
            _ => None,
        };
        let issuer = provider.issuer.as_deref().unwrap_or_default();
        let metadata = discover(&self.env.outgoing, issuer, at).await?;
        *lock(&place.published) = Some(Published {
            version: provider.version,
            until: now.after(KEPT),
            metadata: metadata.clone(),
        });
        Ok(Some(metadata))
    }
}

fn address(provider: &Provider, field: &str, text: &str) -> Result<Address, ProviderError> {
    let parsed = text.parse();
    parsed.map_err(|error| {
        ProviderError::unsupported(format!("{field} of {}: {error}", provider.name))
    })
}
