//! Assertions by which clients prove themselves with keys of their own (RFC 7523 section 3, `OpenID` Connect Core section 9).

use std::time::Duration;

use filter_core::jwt::{Algorithm, Claims, Signed, Token, key};
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
    let subject = subject(&token.signed.payload)?;
    let is_own = subject == client.client_id;
    let ends_at = check(env, client, &token.claims).filter(|_| is_own)?;
    Some(Proof {
        digest: digest(&token.signed),
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

/// What gateways have no use for. The claims are read strictly before, so nothing is there twice.
fn subject(payload: &[u8]) -> Option<String> {
    let claims: serde_json::Value = serde_json::from_slice(payload).ok()?;
    Some(claims.get("sub")?.as_str()?.to_owned())
}

/// One signature of ECDSA can be written in two ways, so what is signed is what counts.
fn digest(signed: &Signed<'_>) -> [u8; 32] {
    Sha256::digest(&signed.payload).into()
}
