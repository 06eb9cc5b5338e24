//! Successful answers.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::version::etag;

/// The position in the log of what a request has changed.
pub(crate) const REVISION: HeaderName = HeaderName::from_static("keysmith-revision");

/// An answer with a JSON body, as values: it can be kept and given again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    status: u16,
    location: Option<String>,
    version: Option<u64>,
    #[serde(default)]
    revision: Option<u64>,
    body: Vec<u8>,
}

impl Answer {
    /// 200 with this body.
    pub(crate) fn ok(body: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self {
            status: StatusCode::OK.as_u16(),
            location: None,
            version: None,
            revision: None,
            body: serde_json::to_vec(body)?,
        })
    }

    /// 201 with this body, which is at `location` from now on.
    pub(crate) fn created(
        location: String,
        body: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        let mut answer = Self::ok(body)?;
        answer.status = StatusCode::CREATED.as_u16();
        answer.location = Some(location);
        Ok(answer)
    }

    /// With the version as `ETag`.
    pub(crate) fn at_version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }

    /// With the revision of the log that holds the change, if gateways see one.
    pub(crate) const fn of_revision(mut self, revision: Option<u64>) -> Self {
        self.revision = revision;
        self
    }

    /// For keeping.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// What was kept.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = (status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if let Some(location) = self
            .location
            .and_then(|text| HeaderValue::try_from(text).ok())
        {
            headers.insert(header::LOCATION, location);
        }
        if let Some(version) = self.version {
            headers.insert(header::ETAG, etag(version));
        }
        if let Some(revision) = self.revision {
            headers.insert(REVISION, HeaderValue::from(revision));
        }
        response
    }
}
