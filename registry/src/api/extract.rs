//! Extractors whose failures are problems that name the field.

use std::str::FromStr;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::{
    object::Object,
    problem::{Kind, Problem},
};

/// A JSON body, complete and without unknown fields.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body with its bytes, by which a repeated request is recognised.
#[derive(Debug)]
pub(crate) struct Body<T> {
    pub(crate) value: T,
    pub(crate) bytes: Bytes,
}

/// The same where the body may be missing.
#[derive(Debug)]
pub(crate) struct OptionalBody<T>(pub(crate) Body<T>);

/// The query parameters.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

/// The one variable part of the path.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

/// The two variable parts of the path.
#[derive(Debug)]
pub(crate) struct PathPair<T, U>(pub(crate) T, pub(crate) U);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Body::from_request(request, state)
            .await
            .map(|body| Self(body.value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(Kind::UnsupportedMediaType).field("Content-Type"));
        }
        let bytes = read(request, state).await?;
        let value = parse(&bytes)?;
        Ok(Self { value, bytes })
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if is_json(request.headers()) {
            return Body::from_request(request, state).await.map(Self);
        }
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            let value = T::default();
            return Ok(Self(Body { value, bytes }));
        }
        Err(Problem::new(Kind::UnsupportedMediaType).field("Content-Type"))
    }
}

/// The whole body, if it is not too large.
pub(crate) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::new(Kind::TooLarge)
            } else {
                Problem::new(Kind::Malformed).detail("the body ended early")
            }
        })
}

/// Reads a JSON object; the problem names the place, and says nothing of the value there.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let Object(value) = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => {
                Problem::invalid(path, describe(&inner.to_string()))
            }
            _ => malformed_json(&inner).field(path),
        }
    })?;
    deserializer.end().map_err(|error| malformed_json(&error))?;
    Ok(value)
}

/// The same for JSON that was read as a value, or made from something else.
pub(crate) fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        Problem::invalid(path, describe(&error.into_inner().to_string()))
    })
}

fn malformed_json(error: &serde_json::Error) -> Problem {
    let detail = format!(
        "not JSON at line {} column {}",
        error.line(),
        error.column()
    );
    Problem::new(Kind::Malformed).detail(detail)
}

/// Serde's message without the value it quotes, which may be a secret in the wrong place.
fn describe(message: &str) -> String {
    let message = message
        .rsplit_once(" at line ")
        .map_or(message, |(message, _)| message);
    let quotes_the_value = ["invalid ", "unknown variant "]
        .iter()
        .any(|beginning| message.starts_with(beginning));
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if quotes_the_value => format!("expected {expected}"),
        _ => message.to_owned(),
    }
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    let essence = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        query(parts, &[]).map(Self)
    }
}

/// The query parameters. None may hold a NUL, which no database keeps as text, but for the `opaque` ones: they are never
/// kept, and are compared with what was given out.
pub(crate) fn query<T: DeserializeOwned>(parts: &Parts, opaque: &[&str]) -> Result<T, Problem> {
    let pairs = parts.uri.query().unwrap_or_default();
    for (name, value) in form_urlencoded::parse(pairs.as_bytes()) {
        if value.contains('\0') && !opaque.contains(&name.as_ref()) {
            return Err(Problem::invalid(name, "must not contain a NUL"));
        }
    }
    let deserializer =
        serde_urlencoded::Deserializer::new(form_urlencoded::parse(pairs.as_bytes()));
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        Problem::invalid(path, describe(&error.into_inner().to_string()))
    })
}

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let variables = variables(parts, state).await?;
        match variables.as_slice() {
            [only] => segment(only).map(Self),
            _ => Err(Problem::new(Kind::NotFound)),
        }
    }
}

impl<S: Send + Sync, T: FromStr, U: FromStr> FromRequestParts<S> for PathPair<T, U> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let variables = variables(parts, state).await?;
        match variables.as_slice() {
            [first, second] => Ok(Self(segment(first)?, segment(second)?)),
            _ => Err(Problem::new(Kind::NotFound)),
        }
    }
}

async fn variables<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Vec<String>, Problem> {
    let params = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| Problem::new(Kind::NotFound))?;
    Ok(params.iter().map(|(_, value)| value.to_owned()).collect())
}

/// What is not even an id names nothing, and neither does what no database can hold.
fn segment<T: FromStr>(text: &str) -> Result<T, Problem> {
    if text.contains('\0') {
        return Err(Problem::new(Kind::NotFound));
    }
    text.parse().map_err(|_| Problem::new(Kind::NotFound))
}
