//! An HTTP/1.1 server on one thread, for the processes that stand around Envoy in the benchmark.

use std::{error::Error, net::SocketAddr};

use bytes::Bytes;
use hyper::{
    Request, Response, body::Body, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::report::Failed;

/// Answers every request at `listen` with what `answer` makes of it, until the process is ended.
pub async fn serve<A, B, E>(listen: SocketAddr, answer: A) -> Result<(), Failed>
where
    A: Fn(Request<Incoming>) -> Result<Response<B>, E> + Clone + Send + 'static,
    B: Body<Data = Bytes, Error: Error + Send + Sync> + Send + 'static,
    E: Error + Send + Sync + 'static,
{
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| std::future::ready(answer(request)));
            // A gateway that goes away is no concern of the server.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
