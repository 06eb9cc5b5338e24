//! Somebody who sends requests, and what comes back.

use std::net::SocketAddr;

use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use filter_core::feed::Page;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// Somebody with one token or none.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    token: Option<String>,
    organization: Option<String>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Actor {
    pub(super) fn new(address: SocketAddr, token: Option<&str>) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            address,
            token: token.map(ToOwned::to_owned),
            organization: None,
        }
    }

    /// The same in an organization.
    pub(crate) fn acting_in(mut self, organization: &str) -> Self {
        self.organization = Some(organization.to_owned());
        self
    }

    /// The same over HTTP/2.
    pub(crate) fn over_http_2(mut self) -> Self {
        self.client = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http();
        self
    }

    /// The token, or nothing.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, &[], Bytes::new()).await
    }

    pub(crate) async fn put(&self, path: &str) -> Reply {
        self.send(Method::PUT, path, &[], Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.post_with(path, &[], body).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Reply {
        self.json(Method::POST, path, headers, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.patch_with(path, &[], body).await
    }

    pub(crate) async fn patch_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Reply {
        self.json(Method::PATCH, path, headers, body).await
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Reply {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.send(method, path, &headers, body.to_string().into())
            .await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(organization) = &self.organization {
            request = request.header("keysmith-organization", organization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .client
            .request(request.body(Full::new(body)).unwrap())
            .await
            .unwrap();
        let (head, body) = response.into_parts();
        Reply {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// One poll of the feed.
    pub(crate) async fn poll(&self, after: Option<&str>, wait: u64) -> Page {
        let mut path = format!("/v1/feed?wait={wait}");
        if let Some(after) = after {
            path.push_str("&after=");
            path.push_str(after);
        }
        let reply = self.get(&path).await.has(200);
        Page::decode(&reply.body).unwrap()
    }
}

impl Reply {
    /// Insists on the status.
    #[track_caller]
    pub(crate) fn has(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// Insists on a problem of this kind, with the field at fault.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, kind: &str, field: Option<&str>) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        assert_eq!(
            body["type"],
            format!("urn:keysmith:problem:{kind}"),
            "{body}"
        );
        assert_eq!(body["status"], status, "{body}");
        assert_eq!(body.get("field").and_then(Value::as_str), field, "{body}");
        assert_eq!(body["request_id"], self.header("x-request-id"));
        body
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> String {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("no header {name}"));
        value.to_str().unwrap().to_owned()
    }
}

/// Somebody who speaks APISIX's admin API, with the headers that curl sends for `-d`.
#[derive(Clone, Debug)]
pub(crate) struct Apisix {
    actor: Actor,
    key: String,
}

impl Apisix {
    pub(crate) fn new(actor: Actor, key: &str) -> Self {
        let key = key.to_owned();
        Self { actor, key }
    }

    /// A path after `/apisix/admin`.
    pub(crate) async fn send(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Reply {
        let path = format!("/apisix/admin{path}");
        let headers = [
            ("x-api-key", self.key.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.actor.send(method, &path, &headers, body.into()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, Bytes::new()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, Bytes::new()).await
    }
}

impl Reply {
    /// Insists on an error as APISIX has it.
    #[track_caller]
    pub(crate) fn is_refusal(&self, status: u16, message: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/json");
        let said = self.json()["error_msg"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(said.contains(message), "{said:?} for {message:?}");
    }
}
