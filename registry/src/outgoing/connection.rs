//! One connection for one request.

use std::{io, net::SocketAddr};

use axum::http::{HeaderValue, Request, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{Address, Answer, Call, MAX_ANSWER_BYTES, OutgoingError};

/// Headers of an answer, in bytes, at most.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// A connection that a request can be sent on.
pub(super) struct Sender(http1::SendRequest<Full<Bytes>>);

/// Connects to one of the addresses: the first that answers, in their order.
pub(super) async fn open(
    address: &Address,
    at: &[SocketAddr],
    tls: &TlsConnector,
) -> io::Result<Sender> {
    let stream = TcpStream::connect(at).await?;
    stream.set_nodelay(true)?;
    if !address.is_https() {
        return shake_hands(stream).await;
    }
    let name = ServerName::try_from(address.host().to_owned()).map_err(io::Error::other)?;
    shake_hands(tls.connect(name, stream).await?).await
}

async fn shake_hands<S>(stream: S) -> io::Result<Sender>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    // It ends with the sender, and what went wrong is told to whoever waits for the answer.
    tokio::spawn(connection);
    Ok(Sender(sender))
}

/// Sends the request and reads the answer.
pub(super) async fn exchange(
    mut sender: Sender,
    call: Call,
    host: &str,
) -> Result<Answer, OutgoingError> {
    let broken = |error: &dyn std::error::Error| OutgoingError::Broken {
        host: host.to_owned(),
        reason: error.to_string(),
    };
    let request = request(call).map_err(|error| broken(&error))?;
    let answered = sender.0.send_request(request).await;
    let (head, body) = answered.map_err(|error| broken(&error))?.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            OutgoingError::TooLong {
                host: host.to_owned(),
            }
        } else {
            broken(error.as_ref())
        }
    })?;
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: body.to_bytes(),
    })
}

fn request(call: Call) -> Result<Request<Full<Bytes>>, axum::http::Error> {
    let mut request = Request::builder()
        .method(call.method)
        .uri(call.address.target())
        .header(header::HOST, call.address.authority())
        .header(
            header::USER_AGENT,
            concat!("keysmith/", env!("CARGO_PKG_VERSION")),
        )
        .header(header::CONNECTION, HeaderValue::from_static("close"));
    for (name, value) in call.headers {
        request = request.header(name, value);
    }
    request.body(Full::new(call.body))
}
