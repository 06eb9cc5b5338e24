//! A caller of an API: one request per connection over HTTP/1.1 or HTTP/2, in the clear or over TLS.
//!
//! A connection per request, because Envoy gives each connection to one worker: so the requests of a test meet all of
//! them.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Uri,
    body::Incoming,
    client::conn::{http1, http2},
    header::{HeaderMap, HeaderName, HeaderValue},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, rustls};

use crate::eventually::eventually;

pub mod answer;

use answer::Answer;

/// In how many requests in a row, each on a connection of its own, a result must show before all workers have it. The kernel
/// spreads connections over the two workers by chance: all of so many reach the same one once in 32,768 times.
const ALL_WORKERS: usize = 16;

/// Which protocol a [`Client`] speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
}

/// Somebody who sends requests to one address.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    host: String,
    version: Version,
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Client {
    /// Of the server at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            host: "api.example.com".to_owned(),
            version: Version::Http1,
            tls: None,
        }
    }

    /// The same caller, sending another `Host`.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// The same caller, speaking HTTP/2.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.version = Version::Http2;
        self
    }

    /// The same caller over TLS, trusting what `config` trusts.
    #[must_use]
    pub fn tls(mut self, config: rustls::ClientConfig) -> Self {
        self.tls = Some(Arc::new(config));
        self
    }

    /// A connection over which several requests go, as HTTP/1.1.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn connect(&self) -> Session {
        self.try_connect().await.expect("a connection")
    }

    /// As [`Self::connect`]; the error says why there is no connection.
    pub async fn try_connect(&self) -> Result<Session, String> {
        let stream = TcpStream::connect(self.address)
            .await
            .map_err(|error| format!("no connection: {error}"))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error))?;
        let connection = Connection(tokio::spawn(async move {
            let _ = connection.await;
        }));
        Ok(Session {
            sender,
            _connection: connection,
        })
    }

    /// The address it calls.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A `GET`.
    pub fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// Any method.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call {
            client: self.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }
}

/// An HTTP/1.1 connection that is kept.
#[derive(Debug)]
pub struct Session {
    sender: http1::SendRequest<Full<Bytes>>,
    _connection: Connection,
}

impl Session {
    /// Whether the peer has closed it.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a call over this connection; the error says why there is no answer.
    pub async fn send(&mut self, call: Call) -> Result<Answer, String> {
        self.sender
            .ready()
            .await
            .map_err(|error| format!("the connection is gone: {error}"))?;
        answer(self.sender.send_request(call.http1()).await).await
    }
}

/// A request on its way: what it carries, and then how it is sent.
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call {
    client: Client,
    method: String,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    /// Adds a header; again for a repeated one. The value may be any bytes that HTTP can carry.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a header value");
        self.headers.append(name, value);
        self
    }

    /// The key in APISIX's default header.
    pub fn key(self, key: &str) -> Self {
        self.header("apikey", key)
    }

    /// HTTP Basic.
    pub fn basic(self, username: &str, password: &str) -> Self {
        self.header("authorization", basic(username, password))
    }

    /// A bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// What a gRPC client sends with every call.
    pub fn grpc(mut self) -> Self {
        "POST".clone_into(&mut self.method);
        self.header("content-type", "application/grpc")
            .header("te", "trailers")
    }

    /// A body of any type.
    pub fn body(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", kind)
    }

    /// A JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Bytes::from(body.to_string());
        self.header("content-type", "application/json")
    }

    /// Sends it, and waits for the whole answer.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(self) -> Answer {
        let shown = format!("{} {}", self.method, self.path);
        self.try_send()
            .await
            .unwrap_or_else(|error| panic!("{shown}: {error}"))
    }

    /// Sends it; the error says why there is no answer.
    pub async fn try_send(self) -> Result<Answer, String> {
        let stream = TcpStream::connect(self.client.address)
            .await
            .map_err(|error| format!("no connection: {error}"))?;
        match self.client.tls.clone() {
            None => self.send_over(stream).await,
            Some(config) => {
                let name = self.client.host.clone().try_into().expect("a server name");
                let stream = TlsConnector::from(config)
                    .connect(name, stream)
                    .await
                    .map_err(|error| format!("no TLS: {error}"))?;
                self.send_over(stream).await
            }
        }
    }

    /// Sends it until the answer has this status, in several requests in a row: on all workers.
    pub async fn until(&self, status: u16) -> Answer {
        let what = format!("{} {} gives {status}", self.method, self.path);
        eventually(&what, || self.consistently(status)).await
    }

    /// Sends it several times; every answer must have this status.
    ///
    /// # Errors
    /// The first answer that does not.
    pub async fn consistently(&self, status: u16) -> Result<Answer, String> {
        let mut last = None;
        for _ in 0..ALL_WORKERS {
            let answer = self.clone().try_send().await?;
            if answer.status != status {
                return Err(format!("{answer:?}"));
            }
            last = Some(answer);
        }
        last.ok_or_else(|| "nothing was sent".to_owned())
    }

    async fn send_over<S>(self, stream: S) -> Result<Answer, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(stream);
        match self.client.version {
            Version::Http1 => {
                let (mut sender, connection) =
                    http1::handshake(io).await.map_err(|error| failed(&error))?;
                let _connection = Connection(tokio::spawn(async move {
                    // What ends the connection also ends the request, which says so.
                    let _ = connection.await;
                }));
                answer(sender.send_request(self.http1()).await).await
            }
            Version::Http2 => {
                let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io)
                    .await
                    .map_err(|error| failed(&error))?;
                let _connection = Connection(tokio::spawn(async move {
                    let _ = connection.await;
                }));
                answer(sender.send_request(self.http2()).await).await
            }
        }
    }

    fn http1(mut self) -> Request<Full<Bytes>> {
        if !self.headers.contains_key("host") {
            let host = HeaderValue::from_str(&self.client.host).expect("a host");
            self.headers.insert("host", host);
        }
        let uri = self.path.parse().expect("a path");
        self.request(uri)
    }

    fn http2(self) -> Request<Full<Bytes>> {
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.client.host.as_str())
            .path_and_query(self.path.as_str())
            .build()
            .expect("an address");
        self.request(uri)
    }

    fn request(self, uri: Uri) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body));
        *request.method_mut() = self.method.parse().expect("a method");
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        request
    }
}

async fn answer(response: hyper::Result<hyper::Response<Incoming>>) -> Result<Answer, String> {
    let (head, body) = response.map_err(|error| failed(&error))?.into_parts();
    let body = body.collect().await.map_err(|error| failed(&error))?;
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        trailers: body.trailers().cloned().unwrap_or_default(),
        body: body.to_bytes(),
    })
}

fn failed(error: &hyper::Error) -> String {
    format!("no answer: {error:?}")
}

/// The task that drives a connection; it ends with the request.
#[derive(Debug)]
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The value of `Authorization` for HTTP Basic.
pub fn basic(username: &str, password: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!(
        "Basic {}",
        STANDARD.encode(format!("{username}:{password}"))
    )
}
