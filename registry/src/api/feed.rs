//! `/v1/feed`: what a gateway group may know, by long poll.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use filter_core::feed::MEDIA_TYPE;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::Gateway,
    extract, hex,
    problem::{Kind, Problem, ProblemBody},
};
use crate::{feed::Answer, gateway, telemetry::Metrics, token};

mod body;
mod readable;

const MAX_WAIT: u64 = 60;
const JSON: &str = "application/json";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(follow))
}

/// From where a gateway follows, and who it is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FeedQuery {
    /// `next` of the page before. Without it, or when it does not match this log exactly, a full snapshot begins.
    #[param(nullable = false)]
    after: Option<String>,
    /// Seconds to wait for a change when there is none.
    #[param(minimum = 0, maximum = 60, default = 0, nullable = false)]
    wait: Option<u64>,
    /// The gateway group that the gateway expects. Another one than its token's is answered 409.
    #[param(nullable = false)]
    group: Option<String>,
    /// The gateway's name, for `GET /v1/gateways`.
    #[param(nullable = false)]
    gateway: Option<String>,
    /// The start of the gateway's process: 32 hexadecimal digits.
    #[param(nullable = false)]
    instance: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for FeedQuery {
    type Rejection = Problem;

    /// Whatever a cursor is that was not given out here, it begins a snapshot: a gateway that holds such a one goes on.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        extract::query(parts, &["after"])
    }
}

/// Follow the feed
///
/// A page of the snapshot or of the changes after a cursor, in the binary form that gateways read
/// (`application/vnd.keysmith.feed.v3`), or as JSON for people, then without the key of the digests.
#[utoipa::path(get, path = "/v1/feed", tag = "gateway protocol", operation_id = "follow_feed", security(("Gateway" = [])), params(FeedQuery), responses(
    (status = 200, description = "A page", content(
        (Vec<u8> = "application/vnd.keysmith.feed.v3"), (serde_json::Value = "application/json"))),
    (status = 409, description = "The token belongs to another gateway group", body = ProblemBody,
        content_type = "application/problem+json"),
))]
async fn follow(
    caller: Gateway,
    State(app): State<AppState>,
    query: FeedQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wait = query.wait.unwrap_or(0);
    if wait > MAX_WAIT {
        return Err(Problem::invalid("wait", format!("must be 0 to {MAX_WAIT}")));
    }
    if let Some(expected) = &query.group {
        check_group(&app, caller, expected).await?;
    }
    note_poll(&app, caller, &query, Duration::from_secs(wait))?;
    let page = {
        let _waiter = Waiter::new(app.metrics());
        let after = query.after.as_deref();
        let wait = Duration::from_secs(wait);
        let shutdown = app.shutdown().wait();
        app.feed()
            .follow(caller.group, after, wait, shutdown)
            .await?
    };
    // Revoked while the poll waited: the page is not for it any more.
    if !token::is_valid(app.environment(), caller.token).await? {
        return Err(Problem::new(Kind::Unauthorized));
    }
    answer(&page, &headers)
}

/// Refuses a gateway that was given another group's token.
async fn check_group(app: &AppState, caller: Gateway, expected: &str) -> Result<(), Problem> {
    let groups = gateway::groups(app.environment()).await?;
    let own = groups.iter().find(|group| group.id == caller.group);
    if own.is_some_and(|group| group.name == expected) {
        return Ok(());
    }
    let detail = "the gateway is configured for another group than its token's";
    Err(Problem::new(Kind::GatewayGroupMismatch)
        .field("group")
        .detail(detail))
}

/// Notes who polls, for `GET /v1/gateways`.
fn note_poll(
    app: &AppState,
    caller: Gateway,
    query: &FeedQuery,
    wait: Duration,
) -> Result<(), Problem> {
    let name = query.gateway.as_deref().unwrap_or_default();
    let Some(instance) = &query.instance else {
        return Ok(());
    };
    let instance = check_hex("instance", instance)?;
    let now = app.environment().now();
    Ok(app
        .gateways()
        .polled(caller.group, name, instance, wait, now)?)
}

pub(super) fn check_hex(field: &str, text: &str) -> Result<[u8; 16], Problem> {
    hex::decode(text)
        .ok_or_else(|| Problem::invalid(field, "must be 32 lower-case hexadecimal digits"))
}

fn answer(page: &Answer, headers: &HeaderMap) -> Result<Response, Problem> {
    if wants_json(headers) {
        let page = page.decode().map_err(|error| Problem::internal(&error))?;
        let body = readable::page(&page).map_err(|error| Problem::internal(&error))?;
        return Ok(([(header::CONTENT_TYPE, JSON)], body).into_response());
    }
    let body = body::shared(page.parts());
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response())
}

/// Only who asks for JSON, and not for the binary form as well, gets it.
fn wants_json(headers: &HeaderMap) -> bool {
    let accepts = |media_type: &str| {
        headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.contains(media_type))
    };
    accepts(JSON) && !accepts(MEDIA_TYPE)
}

/// Counts a poll while it waits.
struct Waiter(Arc<Metrics>);

impl Waiter {
    fn new(metrics: &Arc<Metrics>) -> Self {
        metrics.feed_waiters.inc();
        Self(Arc::clone(metrics))
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.feed_waiters.dec();
    }
}
