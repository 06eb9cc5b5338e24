//! Tokens to register with that are fetched by client credentials, and kept until they end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderValue, Method, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    clock::{Clock, Timestamp},
    environment::Environment,
    error::InvalidField,
    ids::ProviderId,
    outgoing::{Address, Outgoing},
    provider::{
        Provider,
        configuration::{FetchedToken, Secrets},
        exchange::{Ask, Body, Exchange, address},
        registrar::ProviderError,
    },
    secrets::SecretText,
};

/// So long before its end a token is not used any more: the provider's clock is another one.
const MARGIN: Duration = Duration::from_secs(30);
/// Longer than this no token is kept, whatever its answer says.
const LONGEST: u64 = 24 * 3600;
/// Bytes of a token at most.
const MAX_TOKEN: usize = 16 * 1024;

/// What is kept of all providers. Cheap to clone.
#[derive(Clone, Default)]
pub struct FetchedTokens(Arc<Mutex<Kept>>);

/// By provider: at which version of it, until when, and the token.
type Kept = BTreeMap<ProviderId, (u64, Timestamp, SecretText)>;

impl std::fmt::Debug for FetchedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FetchedTokens")
    }
}

impl FetchedTokens {
    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Fetches a token for one provider.
#[derive(Debug)]
pub(super) struct Fetcher {
    kept: FetchedTokens,
    clock: Arc<dyn Clock>,
    provider: ProviderId,
    version: u64,
    endpoint: Option<Address>,
    form: String,
    /// For the header `Authorization`.
    proof: HeaderValue,
}

impl Fetcher {
    pub(super) fn new(
        env: &Environment,
        provider: &Provider,
        token: &FetchedToken,
        secrets: &Secrets,
    ) -> Result<Self, InvalidField> {
        const FIELD: &str = "secrets.token_client_secret";
        let endpoint = token.endpoint.as_deref();
        let endpoint = endpoint.map(|it| address("configuration.registration.token.endpoint", it));
        let secret = secrets.token_client_secret.as_deref().ok_or_else(|| {
            InvalidField::new(FIELD, "is required with configuration.registration.token")
        })?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, value) in [("scope", &token.scope), ("resource", &token.resource)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        Ok(Self {
            kept: env.fetched_tokens.clone(),
            clock: Arc::clone(&env.clock),
            provider: provider.id,
            version: provider.version,
            endpoint: endpoint.transpose()?,
            form: form.finish(),
            proof: basic(&token.client_id, secret)
                .ok_or_else(|| InvalidField::new(FIELD, "cannot stand in a header"))?,
        })
    }

    /// Where it is fetched, if that is configured.
    pub(super) const fn endpoint(&self) -> Option<&Address> {
        self.endpoint.as_ref()
    }

    /// The token is not to be used again.
    pub(super) fn forget(&self) {
        self.kept.with(|kept| kept.remove(&self.provider));
    }

    pub(super) async fn token(
        &self,
        outgoing: &Outgoing,
        endpoint: Address,
    ) -> Result<SecretText, ProviderError> {
        let now = self.clock.now();
        let known = self.kept.with(|kept| kept.get(&self.provider).cloned());
        if let Some((version, until, token)) = known
            && version == self.version
            && now < until
        {
            return Ok(token);
        }
        let headers = vec![(header::AUTHORIZATION, self.proof.clone())];
        let exchange = Exchange::new(outgoing.clone(), endpoint.clone(), headers);
        let ask = Ask {
            method: Method::POST,
            address: endpoint,
            token: None,
            body: Body::Form(self.form.clone()),
        };
        // Nothing was registered, whatever happened here.
        let answered = exchange.ask(ask).await.map_err(|error| ProviderError {
            may_be_done: false,
            description: format!("no token to register with: {}", error.description),
            ..error
        })?;
        let (token, lasts) = read(&answered.body).ok_or_else(|| ProviderError {
            may_be_done: false,
            ..ProviderError::garbage(
                answered.status,
                "its token endpoint answers without a bearer token",
            )
        })?;
        if let Some(lasts) = lasts.checked_sub(MARGIN) {
            let kept = (self.version, now.after(lasts), token.clone());
            self.kept.with(|all| all.insert(self.provider, kept));
        }
        Ok(token)
    }
}

/// The token, and how long it lasts.
fn read(body: &Value) -> Option<(SecretText, Duration)> {
    let token = body.get("access_token")?.as_str()?;
    let kind = body.get("token_type")?.as_str()?;
    let is_good = kind.eq_ignore_ascii_case("bearer") && (1..=MAX_TOKEN).contains(&token.len());
    let lasts = body.get("expires_in").and_then(Value::as_u64).unwrap_or(0);
    let lasts = Duration::from_secs(lasts.min(LONGEST));
    is_good.then(|| (SecretText::new(token.to_owned()), lasts))
}

/// Both parts are encoded as in a form first (RFC 6749 section 2.3.1).
pub(in crate::provider) fn basic(client_id: &str, secret: &str) -> Option<HeaderValue> {
    let encode =
        |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = Zeroizing::new(format!("{}:{}", encode(client_id), encode(secret)));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
