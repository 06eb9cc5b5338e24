//! Fetching a provider's keys.

use std::time::Duration;

use axum::http::{HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use filter_core::jwt::Algorithm;

use super::{Issuers, Set, freshness, lock};
use crate::{
    error::Error,
    jwks::KeySet,
    outgoing::{Address, Call},
    provider::{
        Provider,
        configuration::{Configuration, Tokens},
        registrar::{ProviderError, ProviderErrorKind},
    },
};

/// What RSA keys are used for that do not say it, where nobody has configured it: what every issuer of RFC 9068 supports.
const RSA: [Algorithm; 1] = [Algorithm::Rs256];

/// A set as it was fetched.
struct Fetched {
    set: KeySet,
    good_for: Duration,
}

impl Issuers {
    /// Fetches a provider's keys and tells gateways of what has changed. When that fails, the last good set stays.
    ///
    /// The caller holds the set's turn.
    pub(super) async fn refresh(
        &self,
        provider: &Provider,
        place: &Set,
    ) -> Result<Result<(), ProviderError>, Error> {
        let Some(configuration) = Configuration::read(provider.kind, &provider.configuration)
        else {
            let error = ProviderError::unsupported("its configuration cannot be read");
            return Ok(Err(error));
        };
        let Some(tokens) = configuration.tokens() else {
            return Ok(Ok(()));
        };
        let fetched = self.fetch(provider, tokens).await;
        let outcome = if fetched.is_ok() { "fetched" } else { "failed" };
        self.metrics.key_set_fetch(outcome);
        let keys = fetched.as_ref().ok().map(|it| it.set.keys.as_slice());
        self.keep(provider, tokens, keys).await?;
        Ok(self.note(provider, place, fetched))
    }

    async fn fetch(&self, provider: &Provider, tokens: &Tokens) -> Result<Fetched, ProviderError> {
        let Some(address) = self.keys_address(provider, tokens).await? else {
            return Ok(Fetched {
                set: KeySet::default(),
                good_for: freshness::LONGEST,
            });
        };
        let answer = self.env.outgoing.send(get(address)).await?;
        let status = answer.status.as_u16();
        if answer.status != StatusCode::OK {
            return Err(ProviderError {
                kind: ProviderErrorKind::Unavailable,
                code: None,
                description: format!("its key set answers {status}"),
                status: Some(status),
                may_be_done: false,
            });
        }
        let named = tokens.rsa_algorithms.iter();
        let named: Vec<Algorithm> = named.filter_map(|name| Algorithm::named(name)).collect();
        let rsa = if named.is_empty() { &RSA[..] } else { &named };
        let set = KeySet::read(&answer.body, rsa);
        let set = set.map_err(|error| ProviderError::garbage(status, error.to_string()))?;
        Ok(Fetched {
            good_for: freshness::of(&answer.headers),
            set,
        })
    }

    /// Notes how it went, and when it is done again.
    fn note(
        &self,
        provider: &Provider,
        place: &Set,
        fetched: Result<Fetched, ProviderError>,
    ) -> Result<(), ProviderError> {
        let now = self.env.now();
        let mut state = lock(&place.state);
        state.version = provider.version;
        match fetched {
            Ok(Fetched { set, good_for }) => {
                state.fetched_at = Some(now);
                state.next_at = Some(now.after(good_for));
                state.failures = 0;
                state.last_error = None;
                state.keys = set.keys.len();
                state.left_out = set.left_out.len();
                Ok(())
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                state.next_at = Some(now.after(freshness::pause(state.failures)));
                state.last_error = Some(error.description.clone());
                tracing::warn!(provider = %provider.name, %error, "a key set could not be fetched");
                Err(error)
            }
        }
    }
}

fn get(address: Address) -> Call {
    let accept = HeaderValue::from_static("application/jwk-set+json, application/json");
    Call {
        method: Method::GET,
        address,
        headers: vec![(header::ACCEPT, accept)],
        body: Bytes::new(),
    }
}
