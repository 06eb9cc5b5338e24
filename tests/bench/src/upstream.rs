//! What Envoy proxies to where a request is not answered by Envoy itself.

use std::{convert::Infallible, fmt::Write as _, net::SocketAddr};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming};

use crate::{report::Failed, server};

/// Under this path the answer is the request's headers, one a line: so it is verified what each variant sends upstream.
pub const ECHO: &str = "/proxied/echo";

/// Serves at `listen` until the process is ended.
pub async fn serve(listen: SocketAddr) -> Result<(), Failed> {
    server::serve(listen, |request| Ok::<_, Infallible>(answer(&request))).await
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() != ECHO {
        return Response::new(Full::new(Bytes::from_static(b"ok")));
    }
    let mut seen = format!("target: {}\n", request.uri());
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        writeln!(seen, "{name}: {value}").expect("a text takes every line");
    }
    Response::new(Full::new(Bytes::from(seen)))
}
