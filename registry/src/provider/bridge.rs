//! Providers behind an HTTP bridge: a small service that somebody has written between the registry and a provider that
//! knows no dynamic client registration.
//!
//! Two protocols are spoken, both others' inventions, and neither says everything; where they are silent the registry is
//! tolerant in what it reads, and sends what RFC 7591 has names for.

mod api7;
pub mod check;
mod konnect;
mod lines;

use async_trait::async_trait;
use axum::http::Method;
use serde_json::Value;

use self::lines::{Wish, line};
use super::{
    answers,
    configuration::{Dialect, HttpBridge, Secrets},
    exchange::{Answered, Ask, Body, Exchange, address, headers},
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

    /// What is sent to register a client.
    fn registration(
        &self,
        metadata: &ClientMetadata,
        marker: Marker,
    ) -> Result<Value, ProviderError> {
        match self.dialect {
            Dialect::Api7 => api7::body(metadata, Some(marker)),
            Dialect::Konnect => Ok(konnect::application(metadata, marker)),
        }
    }

    /// What is sent to replace what is registered of a client.
    fn replacement(
        &self,
        client: &Known,
        metadata: &ClientMetadata,
    ) -> Result<Value, ProviderError> {
        match self.dialect {
            Dialect::Api7 => api7::update(client, metadata),
            Dialect::Konnect => Ok(konnect::update(client, metadata)),
        }
    }

    async fn ask(&self, wish: Wish<'_>, body: Body) -> Result<Answered, ProviderError> {
        let (method, path) = line(self.dialect, wish);
        let address = self.base.below(&path).map_err(|error| ProviderError {
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
        let body = self.registration(metadata, marker)?;
        let answered = self.ask(Wish::Register, Body::Json(body)).await?;
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
        let body = Body::Json(self.replacement(client, metadata)?);
        let answered = self.ask(Wish::Update(&client.client_id), body).await?;
        answers::registered(&answered, Some(client), metadata)
    }

    async fn rotate_secret(
        &self,
        client: &Known,
        metadata: &ClientMetadata,
    ) -> Result<Registered, ProviderError> {
        let wish = Wish::Rotate(&client.client_id);
        let answered = self.ask(wish, Body::None).await?;
        let registered = answers::registered(&answered, Some(client), metadata)?;
        if registered.client_secret.is_none() {
            let message = "its answer to the rotation of a secret holds no client_secret";
            return Err(ProviderError::garbage(answered.status, message));
        }
        Ok(registered)
    }

    async fn delete(&self, client: &Known) -> Result<(), ProviderError> {
        let wish = Wish::Delete(&client.client_id);
        self.ask(wish, Body::None).await.map(drop)
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
