//! A gateway asks for a key that the feed has not told of.

use std::time::Duration;

use filter_core::gateway::access_tokens::IssuerKeysAnswer;

use super::{Issuers, lock};
use crate::{
    error::Error,
    provider::{
        Provider, ProviderKind,
        registrar::{ProviderError, ProviderErrorKind},
    },
};

/// A provider's keys are not fetched more often because somebody asks.
const BETWEEN: Duration = Duration::from_secs(30);

impl Issuers {
    /// What is known of an issuer, after it was asked whether it has such a key, unless it was asked a moment ago. `None`:
    /// there is no such issuer.
    ///
    /// # Errors
    /// [`Error::Provider`] when the key is not known and the provider cannot be asked.
    pub async fn keys_for(
        &self,
        issuer: &str,
        key_id: &str,
    ) -> Result<Option<IssuerKeysAnswer>, Error> {
        let (known, provider) = self.known(issuer).await?;
        let has_key = |answer: &IssuerKeysAnswer| {
            let mut keys = answer.issuer.keys.iter();
            keys.any(|key| key.id.as_deref() == Some(key_id))
        };
        let provider = provider.filter(|it| it.enabled && it.kind != ProviderKind::Builtin);
        let Some(provider) = provider.filter(|_| !known.as_ref().is_some_and(has_key)) else {
            return Ok(known);
        };
        let fetched = self.fetch_for_somebody(&provider).await?;
        let (known, _) = self.known(issuer).await?;
        match fetched {
            Err(error) if !known.as_ref().is_some_and(has_key) => {
                self.metrics.key_question("unavailable");
                Err(Error::Provider(error))
            }
            _ => {
                let found = known.as_ref().is_some_and(has_key);
                self.metrics
                    .key_question(if found { "found" } else { "unknown" });
                Ok(known)
            }
        }
    }

    async fn known(
        &self,
        issuer: &str,
    ) -> Result<(Option<IssuerKeysAnswer>, Option<Provider>), Error> {
        let mut read = self.env.store.read().await?;
        let revision = read.head().await?.revision;
        let provider = read.provider_issuing(issuer).await?;
        let issuer = read.issuer(issuer).await?;
        let answer = issuer.map(|issuer| IssuerKeysAnswer { issuer, revision });
        Ok((answer, provider))
    }

    /// Fetches a key set, unless that was done a moment ago: then it is as it went. Many ask at once, one of them fetches.
    async fn fetch_for_somebody(
        &self,
        provider: &Provider,
    ) -> Result<Result<(), ProviderError>, Error> {
        let place = self.set(provider.id);
        let _turn = place.turn.lock().await;
        let now = self.env.now();
        let state = place.state();
        let soon = |asked: crate::clock::Timestamp| asked.after(BETWEEN) > now;
        if state.asked_at.is_some_and(soon) {
            return Ok(state.last_error.map_or(Ok(()), |description| {
                Err(ProviderError {
                    kind: ProviderErrorKind::Unavailable,
                    code: None,
                    description,
                    status: None,
                    may_be_done: false,
                })
            }));
        }
        lock(&place.state).asked_at = Some(now);
        let fetched = self.refresh(provider, &place).await?;
        Ok(fetched.map_err(|error| ProviderError {
            kind: ProviderErrorKind::Unavailable,
            ..error
        }))
    }
}
