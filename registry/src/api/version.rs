//! Versions of a thing as entity tags: `ETag` out, `If-Match` in.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};

use super::problem::{Kind, Problem};

/// The version that a change expects; none when it may be any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IfMatch(pub(crate) Option<u64>);

/// The tag of a version.
pub(crate) fn etag(version: u64) -> HeaderValue {
    // Digits and quotes are always a header's value.
    HeaderValue::try_from(format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(header::IF_MATCH).iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        if values.next().is_some() {
            return Err(Problem::invalid("If-Match", "must be one entity tag"));
        }
        match value.as_bytes() {
            b"*" => Ok(Self(None)),
            value => version(value)
                .map(|version| Self(Some(version)))
                .ok_or_else(|| Problem::new(Kind::PreconditionFailed).field("If-Match")),
        }
    }
}

/// What is not a tag of ours is the tag of no version.
fn version(value: &[u8]) -> Option<u64> {
    let digits = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
