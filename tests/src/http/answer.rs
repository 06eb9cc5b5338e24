//! What comes back.

use bytes::Bytes;
use hyper::header::HeaderMap;
use serde_json::Value;

use crate::echo::Echoed;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The trailers, when there were any.
    pub trailers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// A header's only value; empty when there is none.
    ///
    /// # Panics
    /// When it occurs more than once.
    pub fn header(&self, name: &str) -> &str {
        let values = self.all(name);
        assert!(values.len() <= 1, "{name} occurs as {values:?}");
        values.first().copied().unwrap_or("")
    }

    /// Every value of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().expect("a printable header"))
            .collect()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.text()))
    }

    /// The request that the upstream received, as it answered.
    ///
    /// # Panics
    /// When this is not the upstream's answer.
    pub fn echoed(&self) -> Echoed {
        assert_eq!(self.status, 200, "{}", self.text());
        Echoed::from_json(&self.json())
    }

    /// Asserts the status, and gives the answer back.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Asserts a refusal by the filter: its status and the `message` of its JSON body.
    #[track_caller]
    pub fn refused(self, status: u16, message: &str) -> Self {
        assert_eq!(
            (self.status, self.text().trim_end()),
            (status, format!(r#"{{"message":"{message}"}}"#).as_str()),
        );
        assert_eq!(self.header("content-type"), "application/json");
        self
    }
}
