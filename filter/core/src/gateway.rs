//! What a gateway tells and asks the registry, as JSON.

pub mod access_tokens;

use alloc::{string::String, vec::Vec};
use core::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::{
    decide::PasswordQuestion, ids::CREDENTIAL_PREFIX, usage::UsageBatch, verdicts::Answer,
};

/// `POST /v1/gateway/report`: how far a gateway has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report<'a> {
    /// The gateway's configured name or node id; may be empty.
    pub gateway: &'a str,
    /// The random id of this start of the process, in hexadecimal.
    pub instance: &'a str,
    /// Rises with every report of this start.
    pub sequence: u64,
    /// The log's identity, in hexadecimal.
    pub epoch: &'a str,
    /// The lowest position in the log over the VMs that serve.
    pub revision: u64,
    /// Whether there is a complete snapshot.
    pub complete: bool,
    /// How many VMs serve.
    pub workers: usize,
    /// For how long its workers go on without the registry, in seconds; `None` for ever.
    pub max_staleness_seconds: Option<u64>,
    /// What its credentials were used for, at most [`MAX_BATCHES`](crate::usage::MAX_BATCHES).
    #[serde(skip_serializing_if = "<[UsageBatch]>::is_empty")]
    pub usage: &'a [UsageBatch],
}

/// `POST /v1/gateway/verify`: is this the password?
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Verification<'a> {
    /// The user name.
    pub username: &'a str,
    /// The password as presented.
    pub password: &'a str,
    /// The address that presented it, for limits; may be empty.
    pub source: &'a str,
}

impl fmt::Debug for Verification<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The answer to a [`Verification`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Verified {
    /// Whether it is.
    pub verified: bool,
    /// The credential's id, where it is.
    #[serde(default)]
    pub credential: Option<String>,
    /// The credential's version, where it is.
    #[serde(default)]
    pub version: Option<u32>,
    /// The version of the secret that it is, where it is not the newest.
    #[serde(default)]
    pub secret_version: Option<u32>,
    /// Until when the password holds, in Unix milliseconds, where it has an end: the end of its grace period.
    #[serde(default)]
    pub until: Option<u64>,
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Encodes a message; empty when memory does not suffice, which the registry refuses.
#[must_use]
pub fn encode(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_default()
}

impl Verified {
    /// Reads the registry's answer.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// What follows for the question that was asked; `None` when the password is that of another credential: the user
    /// name has changed hands, and this gateway does not know it yet. `now_ms` is Unix time.
    #[must_use]
    pub fn answer(&self, question: &PasswordQuestion, now_ms: u64) -> Option<Answer> {
        let asked_about = question.credential.with_prefix(CREDENTIAL_PREFIX);
        if self.verified && self.credential.as_ref() != Some(&asked_about) {
            return None;
        }
        let version = self.version.unwrap_or(question.version);
        Some(Answer {
            credential: question.credential,
            asked_version: question.version,
            version,
            secret_version: self.secret_version.unwrap_or(version),
            verified: self.verified,
            remaining_ms: self
                .until
                .map_or(u64::MAX, |until| until.saturating_sub(now_ms)),
        })
    }
}
