//! What happens around every request: an id, a time limit, a log line, counters, and the body of errors.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

use super::{
    apisix, prefer,
    problem::{Explained, Kind, MEDIA_TYPE, Problem},
};
use crate::{entropy::Entropy, listener::Peer, telemetry::Metrics};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What the feed may wait on top of the time that every request gets.
const FEED_ROUTE: &str = "/v1/feed";
const FEED_WAIT: Duration = Duration::from_mins(1);

/// What the layer needs.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) request_timeout: Duration,
}

/// The layer.
pub(crate) async fn wrap(
    State(envelope): State<Envelope>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = envelope.request_id();
    // A standard method only: an invented one would be a label, and a log field, of the caller's making.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => {
            known.to_owned()
        }
        _ => "other".to_owned(),
    };
    // The pattern, not the path: what no route knows may be a secret in the wrong place.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let client = request.extensions().get::<Peer>().map(|peer| peer.0);
    let span = tracing::info_span!("request", request.id = id, method, route);
    let limit = envelope.limit(&route, request.headers());
    let apisix = apisix::Asked::of(&request);
    async {
        let mut response = bounded(limit, next.run(request)).await;
        finish(&mut response, &id, apisix.as_ref());
        let took = started.elapsed();
        let status = response.status().as_u16();
        envelope.metrics.request(&method, &route, status, took);
        tracing::info!(
            status,
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            client.address = client.map(tracing::field::display),
            "answered"
        );
        response
    }
    .instrument(span)
    .await
}

/// The answer, or a problem when it takes too long. A panic is a bug, and ends only its own request.
async fn bounded(limit: Duration, answer: impl Future<Output = Response>) -> Response {
    match timeout(limit, AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a handler panicked");
            Problem::new(Kind::Internal).into_response()
        }
        Err(_) => {
            tracing::warn!("the request took too long");
            Problem::new(Kind::Overloaded)
                .retry_after(Duration::from_secs(1))
                .into_response()
        }
    }
}

/// Adds the headers that every answer has, and writes the body of a problem.
fn finish(response: &mut Response, id: &str, apisix: Option<&apisix::Asked>) {
    let explained = response.extensions_mut().remove::<Explained>().is_some();
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = problem.or_else(|| unexplained(response.status()).filter(|_| !explained));
    if let Some(problem) = problem {
        let (kind, body) = match apisix {
            None => (MEDIA_TYPE, problem.clone().render(id)),
            Some(asked) => ("application/json", asked.body(&problem)),
        };
        let mut explained = problem.into_response();
        let media_type = HeaderValue::from_static(kind);
        explained
            .headers_mut()
            .insert(header::CONTENT_TYPE, media_type);
        // Such as `Allow`, which the router has set.
        for (name, value) in response.headers() {
            if name != header::CONTENT_LENGTH && !explained.headers().contains_key(name) {
                explained.headers_mut().append(name, value.clone());
            }
        }
        *explained.body_mut() = body;
        explained.extensions_mut().clear();
        *response = explained;
    }
    if apisix.is_some() {
        apisix::Asked::finish(response);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, value);
    }
    // What this surface says is for the caller alone: some of it is a secret, all of it needs a token.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let no_sniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, no_sniff);
}

/// An error that something below answered in its own way.
fn unexplained(status: StatusCode) -> Option<Problem> {
    let kind = match status {
        StatusCode::METHOD_NOT_ALLOWED => Kind::MethodNotAllowed,
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        status if status.is_client_error() => Kind::Malformed,
        status if status.is_server_error() => Kind::Internal,
        _ => return None,
    };
    Some(Problem::new(kind))
}

impl Envelope {
    fn request_id(&self) -> String {
        // Without random bytes the request will fail for better reasons than its id.
        let bytes: [u8; 16] = self.entropy.bytes().unwrap_or_default();
        filter_core::ids::ObjectId(bytes).with_prefix("req_")
    }

    fn limit(&self, route: &str, headers: &HeaderMap) -> Duration {
        if route == FEED_ROUTE {
            return self.request_timeout + FEED_WAIT;
        }
        self.request_timeout + prefer::longest(headers).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error_of_its_request() {
        let response = bounded(Duration::from_mins(1), async { panic!("a bug") }).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.extensions().get::<Problem>().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_takes_too_long_is_given_up() {
        let response = bounded(Duration::from_mins(1), std::future::pending()).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }

    #[test]
    fn an_error_of_something_below_gets_a_body_and_keeps_its_headers() {
        let mut response = (
            StatusCode::METHOD_NOT_ALLOWED,
            [(header::ALLOW, "GET")],
            "text",
        )
            .into_response();
        finish(&mut response, "req_1", None);
        assert_eq!(response.headers()[header::ALLOW], "GET");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(response.headers()[REQUEST_ID], "req_1");
    }
}
