//! The service that `ext_authz` asks in the comparison: the least a checker in Rust can do. One thread, no framework; a key
//! is hashed and looked up in a table. It runs as a process of its own, so that its processor time is counted apart.

use std::{collections::HashMap, convert::Infallible, fs, net::SocketAddr, path::Path};

use bytes::Bytes;
use filter_core::digest::SecretHash;
use http_body_util::Empty;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{HeaderName, HeaderValue},
};

use crate::{report::Failed, server};

const KEY: &str = "apikey";
const USERNAME: HeaderName = HeaderName::from_static("x-consumer-username");
/// By this header of a checker's answer Envoy takes headers out of the request.
const REMOVED: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

/// Whom each key belongs to, by the hash of the key.
type Owners = HashMap<[u8; 32], HeaderValue>;

/// Serves at `listen` until the process is ended. `keys` holds one key a line.
pub async fn serve(listen: SocketAddr, keys: &Path) -> Result<(), Failed> {
    let owners: &'static Owners = Box::leak(Box::new(owners(&fs::read(keys)?)));
    server::serve(listen, move |request| {
        Ok::<_, Infallible>(answer(owners, &request))
    })
    .await
}

fn owners(keys: &[u8]) -> Owners {
    let keys = keys
        .split(|byte| *byte == b'\n')
        .filter(|key| !key.is_empty());
    keys.enumerate()
        .map(|(number, key)| {
            let name = HeaderValue::from_str(&crate::variant::username(number));
            (
                *SecretHash::of_value(key).expose(),
                name.expect("a printable name"),
            )
        })
        .collect()
}

fn answer(owners: &Owners, request: &Request<Incoming>) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    let owner = key(request).and_then(|key| owners.get(SecretHash::of_value(key).expose()));
    if let Some(owner) = owner {
        let headers = response.headers_mut();
        headers.insert(USERNAME, owner.clone());
        headers.insert(REMOVED, HeaderValue::from_static(KEY));
    } else {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    response
}

/// From the header, or else from the query.
fn key(request: &Request<Incoming>) -> Option<&[u8]> {
    if let Some(key) = request.headers().get(KEY) {
        return Some(key.as_bytes());
    }
    let pairs = request.uri().query()?.split('&');
    let key = pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == KEY)?;
    Some(key.1.as_bytes())
}
