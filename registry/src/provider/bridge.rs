//! Providers behind an HTTP bridge: a small service that somebody has written between the registry and a provider that
//! knows no dynamic client registration.
//!
//! Two protocols are spoken, both others' inventions, and neither says everything; where they are silent the registry is
//! tolerant in what it reads, and sends what RFC 7591 has names for.

mod api7;
mod konnect;

use async_trait::async_trait;
use axum::http::Method;

use super::{
    answers,
    configuration::{Dialect, HttpBridge, Secrets},
    exchange::{Answered, Ask, Body, Exchange, address, headers, segment},
    registrar::{Known, Listed, Marker, ProviderError, ProviderErrorKind, Registered, Registrar},
};
use crate::{
    error::InvalidField,
    oauth_client::metadata::ClientMetadata,
    outgoing::{Address, Outgoing},
};

/// A bridge.
#[derive(Clone, Debug)]
pub struct Bridge {
    exchange: Exchange,
    base: Address,
    dialect: Dialect,
    list: Option<Address>,
}

impl Bridge {
    /// The bridge that is configured so.
    ///
    /// # Errors
    /// Names what cannot be used.
    pub fn new(
        outgoing: Outgoing,
        configuration: &HttpBridge,
        secrets: &Secrets,
    ) -> Result<Self, InvalidField> {
        let base = address("configuration.base_url", &configuration.base_url)?;
        let list = configuration.list_endpoint.as_deref();
        let list = list.map(|text| address("configuration.list_endpoint", text));
        let headers = headers(secrets)?;
        Ok(Self {
            exchange: Exchange::new(outgoing, base.clone(), headers),
            base,
            dialect: configuration.dialect,
            list: list.transpose()?,
        })
    }

    async fn ask(&self, method: Method, path: &str, body: Body) -> Result<Answered, ProviderError> {
        let address = self.base.below(path).map_err(|error| ProviderError {
            kind: ProviderErrorKind::Garbage,
            code: None,
            description: format!("the client's id makes no address at the bridge: {error}"),
            status: None,
            may_be_done: false,
        })?;
        let ask = Ask {
            method,
            address,
            token: None,
            body,
        };
        self.exchange.ask(ask).await
    }
}

#[async_trait]
impl Registrar for Bridge {
    async fn register(
        &self,
        metadata: &ClientMetadata,
        marker: Marker,
    ) -> Result<Registered, ProviderError> {
        let (path, body) = match self.dialect {
            Dialect::Api7 => (
                api7::CLIENTS.to_owned(),
                api7::body(metadata, Some(marker))?,
            ),
            Dialect::Konnect => (String::new(), konnect::application(metadata, marker)),
        };
        let answered = self.ask(Method::POST, &path, Body::Json(body)).await?;
        let asked = marker.put_into(metadata);
        answers::registered(&answered, None, &asked)
    }

    async fn read(&self, _: &Known) -> Result<Registered, ProviderError> {
        let message = "a bridge cannot be asked how a client is registered";
        Err(ProviderError::unsupported(message))
    }

    async fn update(
        &self,
        client: &Known,
        metadata: &ClientMetadata,
    ) -> Result<Registered, ProviderError> {
        let id = segment(&client.client_id);
        let answered = match self.dialect {
            Dialect::Api7 => {
                let body = Body::Json(api7::update(client, metadata)?);
                let path = format!("{}/{id}", api7::CLIENTS);
                self.ask(Method::PUT, &path, body).await?
            }
            Dialect::Konnect => {
                let body = Body::Json(konnect::update(client, metadata));
                let path = format!("{id}/event-hook");
                self.ask(Method::POST, &path, body).await?
            }
        };
        answers::registered(&answered, Some(client), metadata)
    }

    async fn rotate_secret(
        &self,
        client: &Known,
        metadata: &ClientMetadata,
    ) -> Result<Registered, ProviderError> {
        let id = segment(&client.client_id);
        let path = match self.dialect {
            Dialect::Api7 => format!("{}/{id}/rotate-secret", api7::CLIENTS),
            Dialect::Konnect => format!("{id}/new-secret"),
        };
        let answered = self.ask(Method::POST, &path, Body::None).await?;
        let registered = answers::registered(&answered, Some(client), metadata)?;
        if registered.client_secret.is_none() {
            let message = "its answer to the rotation of a secret holds no client_secret";
            return Err(ProviderError::garbage(answered.status, message));
        }
        Ok(registered)
    }

    async fn delete(&self, client: &Known) -> Result<(), ProviderError> {
        let id = segment(&client.client_id);
        let path = match self.dialect {
            Dialect::Api7 => format!("{}/{id}", api7::CLIENTS),
            Dialect::Konnect => id,
        };
        self.ask(Method::DELETE, &path, Body::None).await.map(drop)
    }

    async fn list(&self) -> Result<Vec<Listed>, ProviderError> {
        let Some(address) = self.list.clone() else {
            let message = "the provider has no list_endpoint in its configuration";
            return Err(ProviderError::unsupported(message));
        };
        let ask = Ask {
            method: Method::GET,
            address,
            token: None,
            body: Body::None,
        };
        answers::listed(&self.exchange.ask(ask).await?)
    }
}

#[cfg(test)]
mod tests;
