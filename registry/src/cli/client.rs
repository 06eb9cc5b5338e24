//! Requests to the registry's REST API: retries, pages, and what a refusal means.

use std::time::Duration;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header},
};
use http_body_util::{BodyExt as _, Full, Limited};
use serde_json::{Map, Value};

use super::{
    console::Console,
    failure::Failure,
    transport::{Broken, Transport},
};

/// How often a request that may be repeated is sent at most.
const ATTEMPTS: u32 = 4;
/// Before the second attempt; doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest `Retry-After` that is waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Longer than the registry takes for a request and the longest `Prefer: wait`, so that it is the one that gives up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);
/// An answer that is larger is none of the registry's.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// Items on a page.
const PAGE: usize = 500;

/// A request that is put together.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    repeatable: bool,
}

impl Ask {
    fn new(method: Method, path: impl Into<String>, repeatable: bool) -> Self {
        Self {
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeatable,
        }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, true)
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path, false)
    }

    pub(super) fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path, true)
    }

    pub(super) fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path, false)
    }

    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, false)
    }

    /// With a JSON body.
    pub(super) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string().into())
    }

    /// With a body of another type.
    pub(super) fn body(mut self, media_type: &'static str, body: Bytes) -> Self {
        let value = HeaderValue::from_static(media_type);
        self.headers.insert(header::CONTENT_TYPE, value);
        self.body = body;
        self
    }

    /// With `Idempotency-Key`, so that it can be sent again when its answer is lost.
    pub(super) fn once(self, console: &Console<'_>) -> Result<Self, Failure> {
        let random: [u8; 16] = console
            .entropy
            .bytes()
            .map_err(|error| Failure::Other(error.to_string()))?;
        let key = filter_core::gateway::hex(&random);
        let mut ask = self.header(HeaderName::from_static("idempotency-key"), &key)?;
        ask.repeatable = true;
        Ok(ask)
    }

    /// Says that sending it twice is as good as once.
    pub(super) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Failure> {
        let value = HeaderValue::from_str(value)
            .map_err(|_| Failure::Usage(format!("{name}: not a header's value")))?;
        self.headers.insert(name, value);
        Ok(self)
    }
}

/// What came back, with a good status.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    /// The body; an empty object where there is none.
    pub(super) fn json(&self) -> Result<Value, Failure> {
        if self.body.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        serde_json::from_slice(&self.body).map_err(|_| {
            Failure::Other("the answer is not JSON: is this address a registry's?".to_owned())
        })
    }

    fn into_result(self) -> Result<Self, Failure> {
        if self.status.is_success() {
            return Ok(self);
        }
        let body = self.json().ok().filter(|body| body.get("type").is_some());
        match body {
            Some(body) => Err(Failure::Refused {
                status: self.status,
                body,
            }),
            None => Err(Failure::Refused {
                status: self.status,
                body: serde_json::json!({"title": format!("the answer was {}", self.status)}),
            }),
        }
    }

    /// Whether the same may succeed in a moment.
    fn is_busy(&self) -> bool {
        let status = self.status;
        status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS
    }

    /// For how long the registry asks to be left alone.
    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
        seconds.parse().ok().map(Duration::from_secs)
    }
}

/// Talks to one registry with one token.
pub(super) struct Client {
    transport: Transport,
    authorization: HeaderValue,
    organization: Option<HeaderValue>,
}

impl Client {
    pub(super) const fn new(
        transport: Transport,
        authorization: HeaderValue,
        organization: Option<HeaderValue>,
    ) -> Self {
        Self {
            transport,
            authorization,
            organization,
        }
    }

    pub(super) fn get(&mut self, path: impl Into<String>) -> Result<Value, Failure> {
        self.send(&Ask::get(path))?.json()
    }

    /// Lets `wait` pass.
    pub(super) fn pause(&self, wait: Duration) {
        self.transport.pause(wait);
    }

    /// Sends, again where that does no harm, and answers a good reply or a failure.
    pub(super) fn send(&mut self, ask: &Ask) -> Result<Reply, Failure> {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let last = attempt == ATTEMPTS || !ask.repeatable;
            match self.attempt(ask) {
                Ok(reply) if reply.is_busy() && !last => {
                    pause = reply.retry_after().unwrap_or(pause).min(LONGEST_PAUSE);
                }
                Ok(reply) => return reply.into_result(),
                // Nobody there from the beginning: no reason to believe that this changes in a second.
                Err(broken @ Broken::Connect(..)) if attempt == 1 => return Err(broken.into()),
                Err(broken) if last => return Err(broken.into()),
                Err(_) => {}
            }
            self.transport.pause(pause);
            pause *= 2;
            attempt += 1;
        }
    }

    fn attempt(&mut self, ask: &Ask) -> Result<Reply, Broken> {
        let request = self.request(ask)?;
        self.transport
            .exchange(request, ANSWER_TIMEOUT, async |response| {
                let (head, body) = response.into_parts();
                let body = match Limited::new(body, MAX_ANSWER).collect().await {
                    Ok(body) => body.to_bytes(),
                    Err(error) => match error.downcast::<hyper::Error>() {
                        Ok(error) => return Err(*error),
                        Err(_) => Bytes::new(),
                    },
                };
                Ok(Reply {
                    status: head.status,
                    headers: head.headers,
                    body,
                })
            })
    }

    /// Hands the answer's body on as it comes, however long it is.
    pub(super) fn stream(
        &mut self,
        ask: &Ask,
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let request = self.request(ask)?;
        let answer = self
            .transport
            .exchange(request, Duration::MAX, async |response| {
                let (head, mut body) = response.into_parts();
                if !head.status.is_success() {
                    let body = body.collect().await?.to_bytes();
                    return Ok(Err(Reply {
                        status: head.status,
                        headers: head.headers,
                        body,
                    }));
                }
                let mut result = Ok(());
                while let Some(frame) = body.frame().await {
                    if let Ok(data) = frame?.into_data() {
                        result = each(&data);
                    }
                    if result.is_err() {
                        break;
                    }
                }
                Ok(Ok(result))
            })?;
        match answer {
            Ok(result) => result,
            Err(refused) => refused.into_result().map(|_| ()),
        }
    }

    fn request(&self, ask: &Ask) -> Result<Request<Full<Bytes>>, Broken> {
        let origin = self.transport.origin();
        let target = format!("{}{}", origin.prefix, ask.path);
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(target)
            .header(header::HOST, &origin.authority)
            .header(header::AUTHORIZATION, self.authorization.clone())
            .header(
                header::USER_AGENT,
                concat!("keysmith/", env!("CARGO_PKG_VERSION")),
            )
            .body(Full::new(ask.body.clone()))
            .map_err(|error| Broken::Lost(origin.authority.clone(), error.to_string()))?;
        if let Some(organization) = &self.organization {
            let name = HeaderName::from_static("keysmith-organization");
            request.headers_mut().insert(name, organization.clone());
        }
        request.headers_mut().extend(ask.headers.clone());
        Ok(request)
    }

    /// Follows a list's pages to its end, or to `limit` items.
    pub(super) fn list(
        &mut self,
        path: &str,
        query: &[(&str, String)],
        limit: Option<usize>,
    ) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let wanted = limit.map_or(PAGE, |limit| (limit - items.len()).min(PAGE));
            if wanted == 0 {
                return Ok(items);
            }
            let mut pairs = form_urlencoded::Serializer::new(String::new());
            pairs.append_pair("limit", &wanted.to_string());
            for (name, value) in query {
                pairs.append_pair(name, value);
            }
            if let Some(cursor) = &cursor {
                pairs.append_pair("cursor", cursor);
            }
            let page = self.get(format!("{path}?{}", pairs.finish()))?;
            if let Some(Value::Array(more)) = page.get("items") {
                items.extend(more.iter().cloned());
            }
            cursor = page
                .get("next_cursor")
                .and_then(Value::as_str)
                .map(ToOwned::to_owned);
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }

    /// A list that comes whole: its path takes no page.
    pub(super) fn whole(&mut self, path: &str) -> Result<Vec<Value>, Failure> {
        match self.get(path)? {
            Value::Object(mut page) => match page.remove("items") {
                Some(Value::Array(items)) => Ok(items),
                _ => Ok(Vec::new()),
            },
            _ => Ok(Vec::new()),
        }
    }
}
