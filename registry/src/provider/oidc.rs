//! Providers with dynamic client registration: discovery, RFC 7591 to register, RFC 7592 to manage.

mod fetched;
mod message;
mod proof;

use async_trait::async_trait;
use axum::http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use tokio::sync::OnceCell;

pub use self::fetched::FetchedTokens;
pub(super) use self::fetched::basic;
use self::{
    fetched::Fetcher,
    message::{NEVER_SENT, members, of_management},
};
use super::{
    Provider, answers,
    configuration::{self, RenewMethod, SecretRotation, Secrets},
    discovery::{Discovered, discover},
    exchange::{Answered, Ask, Body, Exchange, address, headers, segment},
    registrar::{Known, Listed, Marker, ProviderError, ProviderErrorKind, Registered, Registrar},
};
use crate::{
    environment::Environment,
    error::InvalidField,
    oauth_client::metadata::ClientMetadata,
    outgoing::{Address, Outgoing},
    secrets::SecretText,
};

/// What stands for the client's name in the address of a renewing endpoint.
const CLIENT_ID: &str = "{client_id}";
/// A provider.
#[derive(Debug)]
pub struct Oidc {
    outgoing: Outgoing,
    issuer: String,
    /// Whose origin gets what proves the registry.
    home: Address,
    discovery_url: Option<String>,
    endpoint: Option<Address>,
    list: Option<Address>,
    rotation: SecretRotation,
    headers: Vec<(HeaderName, HeaderValue)>,
    initial: Option<SecretText>,
    fetcher: Option<Fetcher>,
    discovered: OnceCell<Discovered>,
}

impl Oidc {
    /// The provider that is configured so.
    ///
    /// # Errors
    /// Names what cannot be used.
    pub fn new(
        env: &Environment,
        provider: &Provider,
        configuration: &configuration::Oidc,
        secrets: &Secrets,
    ) -> Result<Self, InvalidField> {
        let registration = &configuration.registration;
        let issuer = provider.issuer.clone().unwrap_or_default();
        let own = address("issuer", &issuer)?;
        let optional = |field, text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| address(field, text)).transpose()
        };
        optional("configuration.discovery_url", &configuration.discovery_url)?;
        let endpoint = optional(
            "configuration.registration.endpoint",
            &registration.endpoint,
        )?;
        let list = optional(
            "configuration.registration.list_endpoint",
            &registration.list_endpoint,
        )?;
        check_rotation(&registration.secret_rotation)?;
        let fetcher = registration.token.as_ref();
        let fetcher = fetcher.map(|token| Fetcher::new(env, provider, token, secrets));
        Ok(Self {
            outgoing: env.outgoing.clone(),
            issuer,
            home: endpoint.clone().unwrap_or(own),
            discovery_url: configuration.discovery_url.clone(),
            endpoint,
            list,
            rotation: registration.secret_rotation.clone(),
            headers: headers(secrets)?,
            initial: secrets.initial_access_token.clone().map(SecretText::new),
            fetcher: fetcher.transpose()?,
            discovered: OnceCell::new(),
        })
    }

    /// What the provider publishes, read once.
    pub(super) async fn discovered(&self) -> Result<&Discovered, ProviderError> {
        let at = self.discovery_url.as_deref();
        let reading = || discover(&self.outgoing, &self.issuer, at);
        self.discovered.get_or_try_init(reading).await
    }

    /// Where clients are registered. Nobody but the provider itself gets what proves the registry, so an address elsewhere
    /// has to be named by whoever configures the provider.
    pub(super) async fn registration_endpoint(&self) -> Result<Address, ProviderError> {
        if let Some(configured) = &self.endpoint {
            return Ok(configured.clone());
        }
        let found = self.discovered().await?.registration_endpoint.clone();
        let found = found.ok_or_else(|| {
            ProviderError::unsupported(
                "its metadata names no registration_endpoint: name one in registration.endpoint, if it has one",
            )
        })?;
        if !self.home.has_origin_of(&found) {
            return Err(ProviderError::unsupported(
                "the registration_endpoint of its metadata is at another origin than the issuer: if that is meant, name it in registration.endpoint",
            ));
        }
        Ok(found)
    }

    fn exchange(&self, home: Address) -> Exchange {
        Exchange::new(self.outgoing.clone(), home, self.headers.clone())
    }

    /// The token to register with, if one is configured.
    pub(super) async fn token(&self) -> Result<Option<SecretText>, ProviderError> {
        let Some(fetcher) = &self.fetcher else {
            return Ok(self.initial.clone());
        };
        let endpoint = match fetcher.endpoint() {
            Some(configured) => configured.clone(),
            None => self.token_endpoint().await?,
        };
        fetcher.token(&self.outgoing, endpoint).await.map(Some)
    }

    async fn token_endpoint(&self) -> Result<Address, ProviderError> {
        let found = self.discovered().await?.token_endpoint.clone();
        let own = found.filter(|it| self.is_of_issuer(it));
        own.ok_or_else(|| {
            ProviderError::unsupported(
                "its metadata names no token_endpoint at the issuer's origin: name it in registration.token.endpoint",
            )
        })
    }

    fn is_of_issuer(&self, address: &Address) -> bool {
        let issuer: Option<Address> = self.issuer.parse().ok();
        issuer.is_some_and(|issuer| issuer.has_origin_of(address))
    }

    /// Asks with what proves the registry, and forgets a fetched token that is refused.
    pub(super) async fn ask_as_registry(
        &self,
        method: Method,
        address: Address,
        body: Body,
    ) -> Result<Answered, ProviderError> {
        let token = self.token().await?;
        let ask = Ask {
            method,
            address: address.clone(),
            token: token.as_ref(),
            body,
        };
        let answered = self.exchange(address).ask(ask).await;
        if let (Err(error), Some(fetcher)) = (&answered, &self.fetcher)
            && error.kind == ProviderErrorKind::Forbidden
        {
            fetcher.forget();
        }
        answered
    }

    /// Asks where the client is managed.
    async fn manage(
        &self,
        method: Method,
        client: &Known,
        body: Body,
    ) -> Result<Answered, ProviderError> {
        let uri = client.registration_client_uri.as_deref().ok_or_else(|| {
            ProviderError::unsupported("it has not said where the client is managed (RFC 7592)")
        })?;
        let address = self.own(uri)?;
        let Some(token) = &client.registration_access_token else {
            // Of a list, or of a provider whose clients have none: whoever registers clients there manages them.
            return self.ask_as_registry(method, address, body).await;
        };
        let ask = Ask {
            method,
            address,
            token: Some(token),
            body,
        };
        let answered = self.exchange(self.home.clone()).ask(ask).await;
        answered.map_err(of_management)
    }

    fn own(&self, uri: &str) -> Result<Address, ProviderError> {
        let read = uri.parse::<Address>().ok();
        let own = read.filter(|address| self.home.has_origin_of(address));
        own.ok_or_else(|| ProviderError {
            kind: ProviderErrorKind::Garbage,
            ..ProviderError::unsupported("its registration_client_uri is not at its own origin")
        })
    }

    /// Reads a client with what manages it.
    pub(super) fn read_client(
        &self,
        answered: &Answered,
        known: Option<&Known>,
        asked: &ClientMetadata,
    ) -> Result<Registered, ProviderError> {
        let text = |name: &str| {
            let said = answered.body.get(name).and_then(Value::as_str);
            said.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let read = answers::registered(answered, known, asked)?;
        let uri = text("registration_client_uri");
        if let Some(uri) = &uri {
            self.own(uri)
                .map_err(|error| ProviderError::garbage(answered.status, error.description))?;
        }
        let token = text("registration_access_token").map(SecretText::new);
        Ok(Registered {
            registration_client_uri: uri
                .or_else(|| known.and_then(|it| it.registration_client_uri.clone())),
            registration_access_token: token
                .or_else(|| known.and_then(|it| it.registration_access_token.clone())),
            ..read
        })
    }

    async fn renew(
        &self,
        (url, method): (&str, RenewMethod),
        client: &Known,
        metadata: &ClientMetadata,
    ) -> Result<Registered, ProviderError> {
        let url = url.replace(CLIENT_ID, &segment(&client.client_id));
        let address: Address = url.parse().map_err(|error| {
            ProviderError::unsupported(format!("the address of the renewing endpoint {error}"))
        })?;
        let method = match method {
            RenewMethod::Post => Method::POST,
            RenewMethod::Put => Method::PUT,
            RenewMethod::Patch => Method::PATCH,
        };
        let answered = match &client.registration_access_token {
            // It is the client's own, and only the provider that gave it gets it.
            Some(token) if self.home.has_origin_of(&address) => {
                let ask = Ask {
                    method,
                    address,
                    token: Some(token),
                    body: Body::None,
                };
                self.exchange(self.home.clone()).ask(ask).await?
            }
            _ => self.ask_as_registry(method, address, Body::None).await?,
        };
        self.read_client(&answered, Some(client), metadata)
    }
}

/// A renewing endpoint's address, with the client's name in its path.
fn check_rotation(rotation: &SecretRotation) -> Result<(), InvalidField> {
    const FIELD: &str = "configuration.registration.secret_rotation.url";
    let SecretRotation::Endpoint { url, .. } = rotation else {
        return Ok(());
    };
    let one = address(FIELD, &url.replace(CLIENT_ID, "a"))?;
    let other = address(FIELD, &url.replace(CLIENT_ID, "b"))?;
    if one == other || !one.has_origin_of(&other) {
        let message = format!("must have {CLIENT_ID} in its path");
        return Err(InvalidField::new(FIELD, message));
    }
    Ok(())
}

#[async_trait]
impl Registrar for Oidc {
    async fn register(
        &self,
        metadata: &ClientMetadata,
        marker: Marker,
    ) -> Result<Registered, ProviderError> {
        let address = self.registration_endpoint().await?;
        let marked = marker.put_into(metadata);
        let body = Body::Json(Value::Object(members(&marked)?));
        let answered = self.ask_as_registry(Method::POST, address, body).await;
        // No client is meant by it.
        let answered = answered.map_err(|error| match error.kind {
            ProviderErrorKind::Missing => ProviderError {
                kind: ProviderErrorKind::Garbage,
                description: format!(
                    "nothing is at its registration endpoint: {}",
                    error.description
                ),
                ..error
            },
            _ => error,
        })?;
        self.read_client(&answered, None, &marked)
    }

    async fn read(&self, client: &Known) -> Result<Registered, ProviderError> {
        let answered = self.manage(Method::GET, client, Body::None).await?;
        self.read_client(&answered, Some(client), &ClientMetadata::default())
    }

    async fn update(
        &self,
        client: &Known,
        metadata: &ClientMetadata,
    ) -> Result<Registered, ProviderError> {
        let mut body = members(metadata)?;
        for name in NEVER_SENT {
            body.remove(name);
        }
        body.insert("client_id".to_owned(), client.client_id.clone().into());
        let body = Body::Json(Value::Object(body));
        let answered = self.manage(Method::PUT, client, body).await?;
        self.read_client(&answered, Some(client), metadata)
    }

    /// An update that answers without a secret is no error: what manages the client may be new all the same, and must be
    /// kept. The caller sees that there is no secret.
    async fn rotate_secret(
        &self,
        client: &Known,
        metadata: &ClientMetadata,
    ) -> Result<Registered, ProviderError> {
        match &self.rotation {
            SecretRotation::Registration => Err(ProviderError::unsupported(
                "it gives a client no other secret: another client takes its place",
            )),
            SecretRotation::Update => self.update(client, metadata).await,
            SecretRotation::Endpoint { url, method } => {
                let renewed = self.renew((url, *method), client, metadata).await?;
                if renewed.client_secret.is_none() {
                    let message = "its answer to the rotation of a secret holds no client_secret";
                    return Err(ProviderError::garbage(200, message));
                }
                Ok(renewed)
            }
        }
    }

    async fn delete(&self, client: &Known) -> Result<(), ProviderError> {
        let deleted = self.manage(Method::DELETE, client, Body::None).await;
        match deleted {
            // Whatever is in the body of a success.
            Err(error)
                if error
                    .status
                    .is_some_and(|status| (200..300).contains(&status)) =>
            {
                Ok(())
            }
            other => other.map(drop),
        }
    }

    async fn list(&self) -> Result<Vec<Listed>, ProviderError> {
        let Some(address) = self.list.clone() else {
            return Err(ProviderError::unsupported(
                "the provider has no registration.list_endpoint in its configuration",
            ));
        };
        let answered = self
            .ask_as_registry(Method::GET, address, Body::None)
            .await?;
        answers::listed(&answered)
    }

    async fn proves(&self, client_id: &str, secret: &SecretText) -> Result<bool, ProviderError> {
        self.is_secret_of(client_id, secret).await
    }
}

#[cfg(test)]
mod tests;
