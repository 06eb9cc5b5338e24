//! Telling gateways of an issuer, and that they are not to accept its tokens any more.

use filter_core::{
    feed::{Issuer, MAX_ISSUERS, MAX_ISSUERS_BYTES},
    jwt::VerificationKey,
};

use super::Issuers;
use crate::{
    error::Error,
    provider::{Provider, ProviderKind, configuration::Tokens},
    store::{ReadTransaction, StoreError},
};

impl Issuers {
    /// Keeps what is known of a provider's tokens, and its keys where they are known; without, the ones that are there
    /// stay. Nothing is written when nothing is new.
    pub(super) async fn keep(
        &self,
        provider: &Provider,
        tokens: &Tokens,
        keys: Option<&[VerificationKey]>,
    ) -> Result<(), Error> {
        let mut read = self.env.store.read().await?;
        if changed(read.as_mut(), provider, tokens, keys)
            .await?
            .is_none()
        {
            return Ok(());
        }
        drop(read);
        let mut write = self.env.store.write().await?;
        // It may have been disabled, or changed, while its keys were on their way.
        let now = write.provider(provider.id).await?;
        if !now.is_some_and(|now| now.enabled && now.version == provider.version) {
            return Ok(());
        }
        let Some(issuer) = changed(write.as_mut(), provider, tokens, keys).await? else {
            return Ok(());
        };
        if !fits(&write.issuers().await?, &issuer)? {
            tracing::error!(provider = %provider.name, "gateways are not told of the issuer: there are too many, or too many keys");
            return Ok(());
        }
        write.put_issuer(&issuer).await?;
        self.env.commit(write).await?;
        tracing::info!(provider = %provider.name, keys = issuer.keys.len(), "gateways are told of an issuer's keys");
        Ok(())
    }

    /// Takes away the issuers whose providers are disabled or gone.
    pub(super) async fn withdraw(&self, providers: &[Provider]) -> Result<(), Error> {
        let mut read = self.env.store.read().await?;
        let issuers = read.issuers().await?;
        drop(read);
        for issuer in issuers {
            let known = providers.iter().find(|it| is_of(it, &issuer.name));
            if known.is_none_or(|it| !it.enabled) && !self.is_own(&issuer.name) {
                self.remove(&issuer.name).await?;
            }
        }
        Ok(())
    }

    /// Whether the registry itself is the issuer: its authorization server looks after that.
    fn is_own(&self, name: &str) -> bool {
        self.env.public_url.as_deref() == Some(name)
    }

    async fn remove(&self, name: &str) -> Result<(), Error> {
        let mut write = self.env.store.write().await?;
        let provider = write.provider_issuing(name).await?;
        if provider.is_some_and(|it| it.enabled || it.kind == ProviderKind::Builtin) {
            return Ok(());
        }
        write.remove_issuer(name).await?;
        self.env.commit(write).await?;
        self.metrics.forget_issuer(name);
        tracing::info!(
            issuer = name,
            "gateways do not accept an issuer's tokens any more"
        );
        Ok(())
    }
}

fn is_of(provider: &Provider, issuer: &str) -> bool {
    provider.issuer.as_deref() == Some(issuer)
}

/// What gateways are to be told, if it is another than they were.
async fn changed(
    read: &mut dyn ReadTransaction,
    provider: &Provider,
    tokens: &Tokens,
    keys: Option<&[VerificationKey]>,
) -> Result<Option<Issuer>, Error> {
    let Some(name) = provider.issuer.clone() else {
        return Ok(None);
    };
    let before = read.issuer(&name).await?;
    let (known, revoked) = before.as_ref().map_or((&[][..], Vec::new()), |it| {
        (it.keys.as_slice(), it.revoked.clone())
    });
    let issuer = Issuer {
        name,
        client_claim: tokens.client_claim.into(),
        types_its_tokens: tokens.typed,
        introspects: tokens.introspection.is_some(),
        keys: keys.unwrap_or(known).to_vec(),
        revoked,
    };
    Ok((before.as_ref() != Some(&issuer)).then_some(issuer))
}

/// Whether all issuers with this one are few enough for gateways.
fn fits(all: &[Issuer], issuer: &Issuer) -> Result<bool, StoreError> {
    let mut bytes = encoded(issuer)?;
    let mut count: usize = 1;
    for other in all.iter().filter(|it| it.name != issuer.name) {
        bytes = bytes.saturating_add(encoded(other)?);
        count = count.saturating_add(1);
    }
    Ok(count <= MAX_ISSUERS && bytes <= MAX_ISSUERS_BYTES)
}

fn encoded(issuer: &Issuer) -> Result<usize, StoreError> {
    let bytes = postcard::to_allocvec(issuer);
    Ok(bytes
        .map_err(|_| StoreError::Range("an issuer's record"))?
        .len())
}
