//! Requests in one line.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use counting_host::{gateway::Gateway, pairs::Pair, registry::owner_of, secrets::api_key};

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

/// A worker refuses this numbered key, or, where the rules let everybody in, lets it pass as another application than the
/// key's: the change that removed the key has arrived.
pub(crate) fn assert_not_admitted(gateway: &mut Gateway, worker: usize, number: u32) {
    let outcome = gateway.request(worker, key(&api_key(number)));
    if outcome.passes {
        let owner = (
            b"x-consumer-username".to_vec(),
            owner_of(number).into_bytes(),
        );
        let is_owner = outcome.stream.headers.contains(&owner);
        assert!(!is_owner, "key {number} at worker {worker} is still good");
    } else {
        assert_eq!(outcome.reply().0, 401, "key {number} at worker {worker}");
    }
}
