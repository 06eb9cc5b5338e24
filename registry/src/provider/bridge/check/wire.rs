//! Requests to a bridge that is tried, and its answers as they came, also where they make no sense.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use serde_json::Value;

use crate::{
    outgoing::{Address, Call, Outgoing, OutgoingError},
    provider::{
        bridge::lines::{Wish, line},
        configuration::Dialect,
    },
};

/// The way to a bridge.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) outgoing: Outgoing,
    pub(super) base: Address,
    pub(super) dialect: Dialect,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    Nothing,
    Json(Value),
    /// What says that it is JSON and is not.
    Broken,
}

/// An answer.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    /// The body's type without its parameters, in lower case.
    pub(super) fn media_type(&self) -> String {
        let said = self.headers.get(header::CONTENT_TYPE);
        let said = said.and_then(|value| value.to_str().ok());
        let bare = said.unwrap_or_default().split(';').next();
        bare.unwrap_or_default().trim().to_ascii_lowercase()
    }

    pub(super) fn is_kept_by_nobody(&self) -> bool {
        let said = self.headers.get(header::CACHE_CONTROL);
        let said = said.and_then(|value| value.to_str().ok());
        said.is_some_and(|text| text.to_ascii_lowercase().contains("no-store"))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.body.iter().all(u8::is_ascii_whitespace)
    }

    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The client that the answer is about, where it says so.
    pub(super) fn client_id(&self) -> Option<String> {
        let json = self.json()?;
        json.get("client_id")?.as_str().map(ToOwned::to_owned)
    }
}

impl Wire {
    pub(super) async fn ask(
        &self,
        wish: Wish<'_>,
        payload: Payload,
    ) -> Result<Reply, OutgoingError> {
        self.send(wish, payload, self.headers.clone()).await
    }

    /// Without what proves the registry to the bridge.
    pub(super) async fn ask_as_a_stranger(
        &self,
        wish: Wish<'_>,
        payload: Payload,
    ) -> Result<Reply, OutgoingError> {
        self.send(wish, payload, Vec::new()).await
    }

    async fn send(
        &self,
        wish: Wish<'_>,
        payload: Payload,
        mut headers: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Reply, OutgoingError> {
        let (method, path) = line(self.dialect, wish);
        let address = self
            .base
            .below(&path)
            .map_err(|error| OutgoingError::Unresolved {
                host: self.base.host().to_owned(),
                reason: format!("with the client's id the address {error}"),
            })?;
        let body = match payload {
            Payload::Nothing => Bytes::new(),
            Payload::Json(json) => json.to_string().into(),
            Payload::Broken => Bytes::from_static(b"{\"client_name\": "),
        };
        if !body.is_empty() {
            let json = HeaderValue::from_static("application/json");
            headers.push((header::CONTENT_TYPE, json));
        }
        self.call(method, address, headers, body).await
    }

    /// Asks for the list at this address.
    pub(super) async fn list(&self, address: &Address) -> Result<Reply, OutgoingError> {
        // What proves the registry goes to the bridge's own origin alone, as it would when the registry asks.
        let headers = if self.base.has_origin_of(address) {
            self.headers.clone()
        } else {
            Vec::new()
        };
        let address = address.clone();
        self.call(Method::GET, address, headers, Bytes::new()).await
    }

    async fn call(
        &self,
        method: Method,
        address: Address,
        mut headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
    ) -> Result<Reply, OutgoingError> {
        headers.push((header::ACCEPT, HeaderValue::from_static("application/json")));
        let call = Call {
            method,
            address,
            headers,
            body,
        };
        let answer = self.outgoing.send(call).await?;
        Ok(Reply {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        })
    }
}
