//! Accepts connections and serves HTTP on them, each bounded in time and all bounded in number.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request, response::Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::{config::Limits, shutdown::Shutdown};

mod activity;

use activity::{Activity, Patience};

/// Streams at a time on one HTTP/2 connection: a gateway needs a few, its verifications up to 64 more.
const MAX_STREAMS: u32 = 128;
/// Bytes of one request's head.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// After an error of `accept`, such as too many open files, before the next attempt: at once it would fail again, as fast as a
/// core can.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The address of the client, as the connection shows it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Binds `address`; the error names it, so that a taken port is plain to see.
pub async fn bind(setting: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| BindError {
            setting,
            address,
            source,
        })
}

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: cannot listen on {address}: {source}")]
pub struct BindError {
    setting: &'static str,
    address: SocketAddr,
    source: io::Error,
}

/// One listening socket with what is served on it.
pub struct Listener {
    /// The socket.
    pub socket: TcpListener,
    /// Speaks TLS when present.
    pub tls: Option<TlsAcceptor>,
    /// Answers requests.
    pub router: Router,
    /// Bounds the connections.
    pub limits: Limits,
}

impl Listener {
    /// Serves until `shutdown`; then accepts nothing more and gives what was accepted its time to finish.
    pub async fn serve(self, shutdown: Shutdown) {
        let Self {
            socket,
            tls,
            router,
            limits,
        } = self;
        let connection = Arc::new(Connection {
            tls,
            router,
            limits,
            shutdown: shutdown.clone(),
        });
        let permits = Arc::new(Semaphore::new(limits.connections));
        let mut tasks = JoinSet::new();
        let accepting = async {
            loop {
                while tasks.try_join_next().is_some() {}
                // The semaphore is never closed.
                let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                    return;
                };
                let (stream, peer) = accept(&socket).await;
                let connection = Arc::clone(&connection);
                tasks.spawn(async move {
                    connection.run(stream, peer).await;
                    drop(permit);
                });
            }
        };
        tokio::select! {
            () = accepting => {}
            () = shutdown.wait() => {}
        }
        drop(socket);
        let drained = async { while tasks.join_next().await.is_some() {} };
        if timeout(limits.drain, drained).await.is_err() {
            tracing::warn!(
                connections = tasks.len(),
                "connections were cut because they did not finish in time"
            );
        }
    }
}

async fn accept(socket: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What all connections of a listener share.
struct Connection {
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    shutdown: Shutdown,
}

impl Connection {
    async fn run(&self, stream: TcpStream, peer: SocketAddr) {
        // Answers are small and final: waiting to fill a packet would only add delay.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else {
            return self.http(stream, peer).await;
        };
        let handshake = timeout(self.limits.header_timeout, tls.accept(stream));
        tokio::select! {
            result = handshake => match result {
                Ok(Ok(stream)) => self.http(stream, peer).await,
                Ok(Err(error)) => tracing::debug!(client.address = %peer, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(client.address = %peer, "TLS handshake timed out"),
            },
            () = self.shutdown.wait() => {}
        }
    }

    async fn http<S>(&self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(Activity::new());
        let first = self.limits.header_timeout;
        let patience = Patience {
            first,
            between: self.limits.idle_timeout,
        };
        let last = Patience {
            first,
            between: first,
        };
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let router = self.router.clone();
            let busy = Activity::begin(&activity);
            async move {
                let answer = answer(router, request, peer).await;
                drop(busy);
                answer
            }
        });
        let builder = self.builder();
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            result = connection.as_mut() => Some(result),
            () = self.shutdown.wait() => None,
            () = activity.idle(patience) => None,
        };
        let result = if let Some(result) = ended {
            result
        } else {
            connection.as_mut().graceful_shutdown();
            activity.restart();
            tokio::select! {
                // The connection first: it has something to say, that it ends.
                biased;
                result = connection.as_mut() => result,
                // A client that does not even read its last answer.
                () = activity.idle(last) => Ok(()),
            }
        };
        if let Err(error) = result {
            tracing::debug!(client.address = %peer, error, "connection ended");
        }
    }

    fn builder(&self) -> Builder<TokioExecutor> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle_timeout)
            .max_buf_size(MAX_HEAD_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
            .keep_alive_interval(self.limits.idle_timeout / 2)
            .keep_alive_timeout(self.limits.header_timeout);
        builder
    }
}

async fn answer(
    router: Router,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response, Infallible> {
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(Peer(peer));
    router.oneshot(request).await
}
