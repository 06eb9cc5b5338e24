//! Successful answers.

use std::time::Duration;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::version::etag;

/// The position in the log of what a request has changed.
pub(crate) const REVISION: HeaderName = HeaderName::from_static("keysmith-revision");

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// An answer with a JSON body, as values: it can be kept and given again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    status: u16,
    location: Option<String>,
    version: Option<u64>,
    #[serde(default)]
    revision: Option<u64>,
    /// Seconds that the caller wished to wait, if that was granted. Not kept: who repeats the request wishes anew.
    #[serde(skip)]
    waited: Option<u64>,
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
            waited: None,
            body: serde_json::to_vec(body)?,
        })
    }

    /// 202 with this body: what was asked for has begun.
    pub(crate) fn accepted(body: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut answer = Self::ok(body)?;
        answer.status = StatusCode::ACCEPTED.as_u16();
        Ok(answer)
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

    /// 201 where it was created and 200 where it was replaced, with this body.
    pub(crate) fn put(created: bool, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut answer = Self::ok(body)?;
        if created {
            answer.status = StatusCode::CREATED.as_u16();
        }
        Ok(answer)
    }

    /// 204.
    pub(crate) fn none() -> Self {
        Self {
            status: StatusCode::NO_CONTENT.as_u16(),
            location: None,
            version: None,
            revision: None,
            waited: None,
            body: Vec::new(),
        }
    }

    /// The revision that it is of, if any.
    pub(crate) const fn revision(&self) -> Option<u64> {
        self.revision
    }

    /// With one more field at the end of its JSON object. An answer without a body gets one.
    pub(crate) fn with(
        mut self,
        name: &str,
        value: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        if self.body.is_empty() {
            self.status = StatusCode::OK.as_u16();
            self.body = b"{}".to_vec();
        }
        // The body is not read for this: it may hold a secret.
        self.body.pop();
        if self.body.len() > 1 {
            self.body.push(b',');
        }
        serde_json::to_writer(&mut self.body, name)?;
        self.body.push(b':');
        serde_json::to_writer(&mut self.body, value)?;
        self.body.push(b'}');
        Ok(self)
    }

    /// 200 with this object, and after its fields those that this answer has.
    pub(crate) fn around(mut self, object: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut body = serde_json::to_vec(object)?;
        if let [b'{', rest @ ..] = self.body.as_slice() {
            body.pop();
            body.push(b',');
            body.extend_from_slice(rest);
        }
        self.status = StatusCode::OK.as_u16();
        self.body = body;
        Ok(self)
    }

    /// The caller's wish to wait so long was granted.
    pub(crate) fn after_waiting(mut self, longest: Duration) -> Self {
        self.waited = Some(longest.as_secs());
        self
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
        let has_body = !self.body.is_empty();
        let mut response = (status, self.body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.waited
            && let Ok(value) = HeaderValue::try_from(format!("wait={seconds}"))
        {
            headers.insert(PREFERENCE_APPLIED, value);
        }
        if has_body {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        } else {
            headers.remove(header::CONTENT_TYPE);
        }
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
