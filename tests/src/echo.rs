//! The upstream: it answers each request with what it received of it, as JSON, over HTTP/1.1 and cleartext HTTP/2.

use std::{convert::Infallible, net::SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// What `/hello` is answered with by [`Answers::HelloWorld`].
pub const HELLO: &str = "hello world";

/// How the upstream answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Every request with itself.
    Echo,
    /// `/hello` with [`HELLO`], as the upstream of APISIX's tests does; every other request with itself.
    HelloWorld,
}

/// A running upstream. It stops when this is dropped.
#[derive(Debug)]
pub struct Echo {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Echo {
    /// Starts it on a free port.
    pub async fn start(answers: Answers) -> Self {
        Self::listen(SocketAddr::from(([127, 0, 0, 1], 0)), answers)
            .await
            .expect("a free port")
    }

    /// Starts it on this address.
    pub async fn listen(address: SocketAddr, answers: Answers) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(serve(listener, answers));
        Ok(Self { address, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, answers: Answers) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, answers));
            // A gateway that goes away is no concern of the upstream.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    answers: Answers,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if answers == Answers::HelloWorld && request.uri().path() == "/hello" {
        return Ok(Response::new(Full::new(Bytes::from(format!("{HELLO}\n")))));
    }
    let (head, body) = request.into_parts();
    let length = body.collect().await.map_or(0, |body| body.to_bytes().len());
    let headers: Vec<Value> = head
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), latin1(value)]))
        .collect();
    let path = head
        .uri
        .path_and_query()
        .map_or("", |path_and_query| path_and_query.as_str());
    let seen = json!({
        "method": head.method.as_str(),
        "path": path,
        "headers": headers,
        "body_bytes": length,
    });
    let mut response = Response::new(Full::new(Bytes::from(format!("{seen}\n"))));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Each byte as the character of its number, so that no byte is lost in JSON.
fn latin1(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

/// The request that the upstream received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echoed {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case, values with each byte as one character, in order.
    pub headers: Vec<(String, String)>,
}

impl Echoed {
    pub(crate) fn from_json(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let headers = value["headers"].as_array().expect("a list of headers");
        Self {
            method: text(&value["method"]),
            path: text(&value["path"]),
            headers: headers
                .iter()
                .map(|pair| (text(&pair[0]), text(&pair[1])))
                .collect(),
        }
    }

    /// Every value of a header, by its exact name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// A header's only value; empty when there is none.
    ///
    /// # Panics
    /// When it occurs more than once.
    pub fn header(&self, name: &str) -> &str {
        let values = self.all(name);
        assert!(values.len() <= 1, "{name} occurs as {values:?}");
        values.first().copied().unwrap_or("")
    }

    /// Whether any header of this name came through.
    pub fn has(&self, name: &str) -> bool {
        !self.all(name).is_empty()
    }

    /// Whether `value` came through anywhere: in the path or in any header.
    pub fn mentions(&self, value: &str) -> bool {
        self.path.contains(value) || self.headers.iter().any(|(_, held)| held.contains(value))
    }
}
