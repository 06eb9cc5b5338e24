//! Stands between a gateway and its registry, and can be told to misbehave.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, body::Incoming, client::conn::http1, header::HOST, service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What the proxy does to an answer of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// Passes it on.
    Honest,
    /// Passes it on with many more headers: a module that was made fragile traps on it.
    ManyHeaders,
    /// Keeps it back until this ends.
    Holding,
    /// Answers with this status instead.
    Failing(u16),
    /// Answers with bytes that are no page.
    Garbled,
}

/// A running proxy. It stops when this is dropped.
#[derive(Debug)]
pub(crate) struct FeedProxy {
    address: SocketAddr,
    conduct: watch::Sender<Conduct>,
    held: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl FeedProxy {
    /// Starts it before this registry.
    pub(crate) async fn start(registry: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (conduct, seen) = watch::channel(Conduct::Honest);
        let held = Arc::new(AtomicUsize::new(0));
        let server = tokio::spawn(serve(listener, registry, seen, Arc::clone(&held)));
        Self {
            address,
            conduct,
            held,
            server,
        }
    }

    /// Where the gateway is to find it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Behaves like this from now on.
    pub(crate) fn conduct(&self, conduct: Conduct) {
        self.conduct.send_replace(conduct);
    }

    /// How many answers it keeps back.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }
}

impl Drop for FeedProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(
    listener: TcpListener,
    registry: SocketAddr,
    conduct: watch::Receiver<Conduct>,
    held: Arc<AtomicUsize>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (conduct, held) = (conduct.clone(), Arc::clone(&held));
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let (conduct, held) = (conduct.clone(), Arc::clone(&held));
                async move { Ok::<_, Infallible>(relay(request, registry, conduct, &held).await) }
            });
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn relay(
    request: Request<Incoming>,
    registry: SocketAddr,
    mut conduct: watch::Receiver<Conduct>,
    held: &AtomicUsize,
) -> Response<Full<Bytes>> {
    let answer = ask(request, registry).await;
    if *conduct.borrow() == Conduct::Holding {
        held.fetch_add(1, Ordering::SeqCst);
        let released = conduct
            .wait_for(|conduct| *conduct != Conduct::Holding)
            .await;
        drop(released);
        held.fetch_sub(1, Ordering::SeqCst);
    }
    let conduct = *conduct.borrow();
    let mut answer = match (conduct, answer) {
        (Conduct::Failing(status), _) => plain(status),
        (Conduct::Garbled, _) => {
            Response::new(Full::new(Bytes::from_static(b"\x01no page at all")))
        }
        (_, Ok(answer)) => answer,
        (_, Err(_)) => plain(502),
    };
    if conduct == Conduct::ManyHeaders {
        for number in 0..80 {
            let name = format!("x-many-{number}").parse::<hyper::header::HeaderName>();
            answer
                .headers_mut()
                .insert(name.expect("a name"), "1".parse().expect("a value"));
        }
    }
    answer
}

async fn ask(
    request: Request<Incoming>,
    registry: SocketAddr,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let mut request = Request::new(Full::new(body.collect().await?.to_bytes()));
    *request.method_mut() = head.method;
    *request.uri_mut() = head
        .uri
        .path_and_query()
        .map_or("/", hyper::http::uri::PathAndQuery::as_str)
        .parse()?;
    *request.headers_mut() = head.headers;
    request
        .headers_mut()
        .entry(HOST)
        .or_insert("registry".parse()?);
    let stream = TcpStream::connect(registry).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = head.status;
    for name in ["content-type", "retry-after", "www-authenticate"] {
        if let Some(value) = head.headers.get(name) {
            let name = hyper::header::HeaderName::from_static(name);
            answer.headers_mut().insert(name, value.clone());
        }
    }
    Ok(answer)
}

fn plain(status: u16) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = hyper::StatusCode::from_u16(status).expect("a status");
    answer
}
