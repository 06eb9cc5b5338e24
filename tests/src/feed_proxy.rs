//! Stands between a gateway and its registry, and can be told to misbehave.

use std::{
    error::Error,
    fmt, future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Frame, Incoming, SizeHint},
    client::conn::http1,
    header::{HOST, HeaderName, HeaderValue},
    service::service_fn,
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
pub enum Conduct {
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
    /// Passes it on late.
    Slow(Duration),
    /// Passes on the first half of its body, and closes the connection.
    Cut,
    /// Closes the connection instead.
    Resetting,
    /// Never answers, and says so to nobody.
    Losing,
}

/// Why a connection is closed in the middle.
#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection breaks here")
    }
}

impl Error for Broken {}

/// A running proxy. It stops when this is dropped.
#[derive(Debug)]
pub struct FeedProxy {
    address: SocketAddr,
    conduct: watch::Sender<Conduct>,
    held: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl FeedProxy {
    /// Starts it before this registry.
    pub async fn start(registry: SocketAddr) -> Self {
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
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Behaves like this from now on.
    pub fn conduct(&self, conduct: Conduct) {
        self.conduct.send_replace(conduct);
    }

    /// How many answers it keeps back.
    pub fn held(&self) -> usize {
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
                async move { relay(request, registry, conduct, &held).await }
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
) -> Result<Response<Body>, Broken> {
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
    let answer = answer.unwrap_or_else(|_| plain(502));
    match conduct {
        Conduct::Honest | Conduct::Holding => Ok(whole(answer)),
        Conduct::ManyHeaders => Ok(whole(with_many_headers(answer))),
        Conduct::Failing(status) => Ok(whole(plain(status))),
        Conduct::Garbled => Ok(whole(Response::new(Bytes::from_static(
            b"\x01no page at all",
        )))),
        Conduct::Slow(pause) => {
            tokio::time::sleep(pause).await;
            Ok(whole(answer))
        }
        Conduct::Cut => Ok(answer.map(|body| Body::cut(&body))),
        Conduct::Resetting => Err(Broken),
        // It ends when the caller gives up and closes the connection.
        Conduct::Losing => future::pending().await,
    }
}

fn whole(answer: Response<Bytes>) -> Response<Body> {
    answer.map(Body::whole)
}

fn with_many_headers(mut answer: Response<Bytes>) -> Response<Bytes> {
    for number in 0..80 {
        let name = format!("x-many-{number}").parse::<HeaderName>();
        let value = HeaderValue::from_static("1");
        answer.headers_mut().insert(name.expect("a name"), value);
    }
    answer
}

/// A body that may break off before its announced end.
struct Body {
    announced: u64,
    next: Option<Bytes>,
    breaks: bool,
}

impl Body {
    fn whole(bytes: Bytes) -> Self {
        Self {
            announced: bytes.len() as u64,
            next: Some(bytes).filter(|bytes| !bytes.is_empty()),
            breaks: false,
        }
    }

    fn cut(bytes: &Bytes) -> Self {
        Self {
            // One byte that never comes, also of an empty body.
            announced: bytes.len() as u64 + 1,
            next: Some(bytes.slice(..bytes.len() / 2)),
            breaks: true,
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        Poll::Ready(match self.next.take() {
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None => self.breaks.then_some(Err(Broken)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_none() && !self.breaks
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}

async fn ask(
    request: Request<Incoming>,
    registry: SocketAddr,
) -> Result<Response<Bytes>, Box<dyn Error + Send + Sync>> {
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
    let mut answer = Response::new(body);
    *answer.status_mut() = head.status;
    for name in ["content-type", "retry-after", "www-authenticate"] {
        if let Some(value) = head.headers.get(name) {
            let name = HeaderName::from_static(name);
            answer.headers_mut().insert(name, value.clone());
        }
    }
    Ok(answer)
}

fn plain(status: u16) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = hyper::StatusCode::from_u16(status).expect("a status");
    answer
}
