//! One connection to the registry: HTTP/1.1, with TLS where the address says so.

use std::{io, time::Duration};

use axum::{
    body::Bytes,
    http::{Request, Response},
};
use http_body_util::Full;
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime::Runtime,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{connection::Origin, failure::Failure};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The registry was never reached, so nothing happened there.
    #[error("cannot connect to {0}: {1}")]
    Connect(String, io::Error),
    /// The connection ended before the answer did: whether anything happened is not known.
    #[error("the connection to {0} was lost before the answer was complete: {1}")]
    Lost(String, String),
    /// The answer did not come in time.
    #[error("{0} did not answer in time")]
    Late(String),
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        Self::Unreachable(broken.to_string())
    }
}

/// A connection that is made when it is needed, and used again while it lasts.
pub(super) struct Transport {
    origin: Origin,
    tls: Option<TlsConnector>,
    runtime: Option<Runtime>,
    sender: Option<http1::SendRequest<Full<Bytes>>>,
}

impl Transport {
    pub(super) fn new(origin: Origin, tls: Option<TlsConnector>) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::io("the runtime"))?;
        Ok(Self {
            origin,
            tls,
            runtime: Some(runtime),
            sender: None,
        })
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Sends a request and hands the answer to `read`, all within `limit`.
    pub(super) fn exchange<T>(
        &mut self,
        request: Request<Full<Bytes>>,
        limit: Duration,
        read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, hyper::Error>,
    ) -> Result<T, Broken> {
        let authority = self.origin.authority.clone();
        let Some(runtime) = self.runtime.take() else {
            return Err(Broken::Late(authority));
        };
        let result = runtime.block_on(async {
            let sender = self.connected().await?;
            let exchange = async { read(sender.send_request(request).await?).await };
            match timeout(limit, exchange).await {
                Ok(answer) => answer.map_err(|error| Broken::Lost(authority, error.to_string())),
                Err(_) => Err(Broken::Late(authority)),
            }
        });
        self.runtime = Some(runtime);
        if result.is_err() {
            self.sender = None;
        }
        result
    }

    /// Lets `wait` pass, before what the registry could not answer is sent again.
    pub(super) fn pause(&self, wait: Duration) {
        if let Some(runtime) = &self.runtime {
            // Made inside the runtime, whose clock it needs.
            runtime.block_on(async { tokio::time::sleep(wait).await });
        }
    }

    async fn connected(&mut self) -> Result<&mut http1::SendRequest<Full<Bytes>>, Broken> {
        let usable = match self.sender.take() {
            Some(mut sender) => sender.ready().await.is_ok().then_some(sender),
            None => None,
        };
        let sender = match usable {
            Some(sender) => sender,
            None => (timeout(CONNECT_TIMEOUT, self.connect()).await)
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))
                .flatten()
                .map_err(|error| Broken::Connect(self.origin.authority.clone(), error))?,
        };
        Ok(self.sender.insert(sender))
    }

    async fn connect(&self) -> io::Result<http1::SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect((self.origin.host.as_str(), self.origin.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => shake_hands(stream).await,
            Some(tls) => {
                let name =
                    ServerName::try_from(self.origin.host.clone()).map_err(io::Error::other)?;
                shake_hands(tls.connect(name, stream).await?).await
            }
        }
    }
}

async fn shake_hands<S>(stream: S) -> io::Result<http1::SendRequest<Full<Bytes>>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    // Its end shows in the answers.
    tokio::spawn(connection);
    Ok(sender)
}
