//! Requests in one line.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use counting_host::pairs::Pair;

/// What a client library sends beside the credential.
const USUAL: [(&str, &str); 5] = [
    (":scheme", "https"),
    ("user-agent", "curl/8.5.0"),
    ("accept", "*/*"),
    ("x-forwarded-proto", "https"),
    ("x-request-id", "c1b0b0b2-7ff5-4bd4-9cbb-9a1e6f0f6a7e"),
];

/// `GET /` with these headers.
pub(crate) fn with(headers: &[(&str, &str)]) -> Vec<Pair> {
    let target = [(":method", "GET"), (":path", "/"), (":authority", "api")];
    target
        .iter()
        .chain(&USUAL)
        .chain(headers)
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}

/// With this key.
pub(crate) fn key(key: &str) -> Vec<Pair> {
    with(&[("apikey", key)])
}

/// With this token.
pub(crate) fn bearer(token: &str) -> Vec<Pair> {
    with(&[("authorization", &format!("Bearer {token}"))])
}

/// With this user name and password.
pub(crate) fn basic(username: &str, password: &str) -> Vec<Pair> {
    let credentials = STANDARD.encode(format!("{username}:{password}"));
    with(&[("authorization", &format!("Basic {credentials}"))])
}
