//! The layer that notes who was refused. It knows of no role: what the surface answered is what counts.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::{AppState, apisix};
use crate::{
    audit::{Reason, Refused},
    clock::Timestamp,
    listener::Peer,
    token::{self, Token},
};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The layer.
pub(crate) async fn watch(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let presented = presented(&request).cloned();
    let address = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(String::new, |path| path.as_str().to_owned());
    let operation = format!("{} {route}", method(request.method()));
    let response = next.run(request).await;
    let is_forbidden = match response.status() {
        StatusCode::UNAUTHORIZED => false,
        StatusCode::FORBIDDEN => true,
        _ => return response,
    };
    let env = app.environment();
    let value = presented.as_ref().and_then(value);
    let token = match value {
        // Who it was is worth a look-up, and not an error: the answer stands.
        Some(value) => token::recognise(env, value).await.ok().flatten(),
        None => None,
    };
    let reason = if is_forbidden {
        Reason::Role
    } else {
        why(value, token.as_ref(), env.now())
    };
    let refused = Refused {
        reason,
        token: token.map(|token| (token.id, token.organization)),
        address: address.map(|address| address.to_canonical()),
        operation,
    };
    app.refusals().add(refused, env.now());
    response
}

/// A standard method only: an invented one would be a text of the caller's in the log.
fn method(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "other",
    }
}

/// What the surface reads a token from, or else what somebody may have mistaken for it.
fn presented(request: &Request) -> Option<&HeaderValue> {
    let headers = request.headers();
    let names = if request.uri().path().starts_with(apisix::PREFIX) {
        [API_KEY, header::AUTHORIZATION]
    } else {
        [header::AUTHORIZATION, API_KEY]
    };
    names.iter().find_map(|name| headers.get(name))
}

/// The token alone, whatever scheme stands before it.
fn value(header: &HeaderValue) -> Option<&str> {
    let text = header.to_str().ok()?.trim_matches(' ');
    let value = text.split_once(' ').map_or(text, |(_, value)| value);
    Some(value.trim_matches(' ')).filter(|value| !value.is_empty())
}

fn why(value: Option<&str>, token: Option<&Token>, now: Timestamp) -> Reason {
    match (value, token) {
        (Some(_), None) => Reason::UnknownToken,
        (Some(_), Some(token)) if token.revoked_at.is_some() => Reason::RevokedToken,
        (Some(_), Some(token)) if !token.is_valid(now) => Reason::ExpiredToken,
        // None; or one that is valid and was not read, because another scheme stood before it.
        (None, _) | (Some(_), Some(_)) => Reason::NoToken,
    }
}
