//! Assertions by which clients prove themselves with keys of their own (RFC 7523 section 3, `OpenID` Connect Core section 9).

use std::time::Duration;

use filter_core::jwt::{Algorithm, Claims, Signed, Token, key};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::AuthorizationClient;
use crate::{
    clock::Timestamp,
    environment::Environment,
    jwks::{KeySet, Ring},
};

/// For how long an assertion may be good at most.
const LONGEST: Duration = Duration::from_mins(10);

/// How far clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(30);

/// An assertion that is good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof {
    /// By what it is recognised when it comes again: its `jti`, or all that is signed where it has none.
    pub(super) digest: [u8; 32],
    /// Until when it must be recognised.
    pub(super) ends_at: Timestamp,
}

/// The client that an assertion is about, before it is believed.
pub(super) fn client(assertion: &str) -> Option<String> {
    let token = Token::parse(assertion.as_bytes()).ok()?;
    token.claims.issuer
}

/// Whether the client's own key signed it, for this server, and lately.
pub(super) fn verify(
    env: &Environment,
    client: &AuthorizationClient,
    assertion: &str,
) -> Option<Proof> {
    let token = Token::parse(assertion.as_bytes()).ok()?;
    let keys = client.metadata.jwks.as_ref()?.to_string();
    let rsa = [Algorithm::Rs256, Algorithm::Ps256];
    let keys = KeySet::read(keys.as_bytes(), &rsa).ok()?.keys;
    let key = key::find(&keys, &token.signed.header).ok()?;
    token.signed.verify(key, &Ring).ok()?;
    let payload: Value = serde_json::from_slice(&token.signed.payload).ok()?;
    let subject = payload.get("sub")?.as_str()?;
    let is_own = subject == client.client_id;
    let ends_at = check(env, client, &token.claims).filter(|_| is_own)?;
    Some(Proof {
        digest: digest(&token.signed, payload.get("jti")),
        ends_at,
    })
}

fn check(env: &Environment, client: &AuthorizationClient, claims: &Claims) -> Option<Timestamp> {
    let issuer = env.public_url.as_deref()?;
    let endpoint = format!("{issuer}/oauth2/token");
    let name = Some(client.client_id.as_str());
    let is_for_us = |audience: &String| *audience == endpoint || *audience == issuer;
    let names_client = claims.issuer.as_deref() == name;
    if !names_client || !claims.audiences.iter().any(is_for_us) {
        return None;
    }
    let now = env.now();
    let ends_at = Timestamp::from_millis(claims.expires_at?).after(LEEWAY);
    let begins = [claims.not_before, claims.issued_at].into_iter().flatten();
    let latest = now.after(LEEWAY).as_millis();
    let is_now = ends_at > now
        && ends_at <= now.after(LONGEST).after(LEEWAY)
        && begins.into_iter().all(|begin| begin <= latest);
    is_now.then_some(ends_at)
}

/// One signature of ECDSA can be written in two ways, so where there is no name what is signed is what counts.
fn digest(signed: &Signed<'_>, name: Option<&Value>) -> [u8; 32] {
    match name.and_then(Value::as_str) {
        Some(name) => Sha256::new()
            .chain_update("jti\0")
            .chain_update(name)
            .finalize()
            .into(),
        None => Sha256::digest(&signed.payload).into(),
    }
}
