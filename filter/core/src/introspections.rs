//! What a VM remembers of tokens that it had an issuer asked about: for a short while, and never the token itself.
//!
//! Only what the issuer said is remembered. The client, its application and what is revoked are looked at for each request.

use alloc::string::String;

use crate::{
    digest::{Digest, DigestKey, Digester, SecretHash},
    gateway::access_tokens::{ActiveToken, IntrospectionAnswer},
    jwt::Claims,
    memory::{Id, Memory, Weight},
};

/// For how long an issuer's yes is remembered at most, in milliseconds; never beyond the token's own end.
pub const ACTIVE_MS: u64 = 60_000;

/// For how long its no is, in milliseconds.
pub const INACTIVE_MS: u64 = 10_000;

/// Tokens remembered at most that are good, and roughly the bytes that they take.
pub const MAX_ACTIVE: usize = 16_384;
const MAX_ACTIVE_BYTES: usize = 8 * 1024 * 1024;

/// Tokens remembered at most that are not: so that these do not push out the good ones, they are remembered apart.
pub const MAX_INACTIVE: usize = 4096;

/// A bounded memory of issuers' answers, keyed under a random key that never leaves the VM.
#[derive(Debug)]
pub struct Introspections {
    key: Digester,
    active: Memory<Remembered>,
    inactive: Memory<Inactive>,
}

/// By what a token is remembered: by itself and by who was asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntrospectionId(Id);

/// A token that an issuer vouches for.
#[derive(Clone, Debug, PartialEq)]
pub struct Active {
    /// What the issuer says of it.
    pub claims: Claims,
    /// Under which its client is found.
    pub client: SecretHash,
}

#[derive(Debug)]
struct Remembered {
    token: Active,
    until_ms: u64,
}

#[derive(Debug)]
struct Inactive {
    until_ms: u64,
}

impl Weight for Remembered {
    fn weight(&self) -> usize {
        self.token.claims.weight()
    }
}

impl Weight for Inactive {
    /// All are of one size: their number bounds them.
    fn weight(&self) -> usize {
        0
    }
}

/// What is known of a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Known<'s> {
    /// An issuer vouches for it.
    Active(&'s Active),
    /// None does.
    Inactive,
}

impl Introspections {
    /// An empty memory under a random key.
    #[must_use]
    pub fn new(key: &DigestKey) -> Self {
        Self {
            key: Digester::new(key),
            active: Memory::new(MAX_ACTIVE, MAX_ACTIVE_BYTES),
            inactive: Memory::new(MAX_INACTIVE, usize::MAX),
        }
    }

    /// By what a token is remembered where these issuers are asked, as [`of_issuers`] has it.
    #[must_use]
    pub fn id(&self, token: &SecretHash, issuers: &SecretHash) -> IntrospectionId {
        let Digest(id) = self.key.digest(&SecretHash::of_pair(token, issuers));
        IntrospectionId(id)
    }

    /// What is known at `now_ms` of the monotonic clock.
    #[must_use]
    pub fn find(&self, id: IntrospectionId, now_ms: u64) -> Option<Known<'_>> {
        let holds = |until_ms: u64| now_ms < until_ms;
        if let Some(known) = self.active.get(id.0).filter(|known| holds(known.until_ms)) {
            return Some(Known::Active(&known.token));
        }
        let inactive = self.inactive.get(id.0);
        inactive
            .filter(|known| holds(known.until_ms))
            .map(|_| Known::Inactive)
    }

    /// Takes the registry's answer at `now_ms` of the monotonic clock.
    pub fn take(&mut self, id: IntrospectionId, answer: IntrospectionAnswer, now_ms: u64) {
        match answer {
            IntrospectionAnswer::Active(token) => self.active.put(
                id.0,
                Remembered {
                    token: Active::of(token),
                    until_ms: now_ms.saturating_add(ACTIVE_MS),
                },
            ),
            IntrospectionAnswer::Inactive => self.inactive.put(
                id.0,
                Inactive {
                    until_ms: now_ms.saturating_add(INACTIVE_MS),
                },
            ),
        }
    }
}

/// Who is asked, in one hash.
#[must_use]
pub fn of_issuers(issuers: &[String]) -> SecretHash {
    // No issuer's name has a space.
    SecretHash::of_value(issuers.join(" ").as_bytes())
}

impl Active {
    fn of(token: ActiveToken) -> Self {
        Self {
            client: SecretHash::of_client(&token.issuer, &token.client_id),
            claims: claims(token),
        }
    }
}

/// What an issuer says of a token, as a JWT would.
fn claims(token: ActiveToken) -> Claims {
    let millis = |seconds: Option<u64>| seconds.map(|seconds| seconds.saturating_mul(1000));
    let scope = token.scope.unwrap_or_default();
    Claims {
        issuer: Some(token.issuer),
        audiences: token.audiences,
        client_id: Some(token.client_id),
        authorized_party: None,
        scopes: scope
            .split(' ')
            .filter(|scope| !scope.is_empty())
            .map(String::from)
            .collect(),
        expires_at: millis(token.expires_at),
        not_before: millis(token.not_before),
        issued_at: millis(token.issued_at),
        is_bound: false,
    }
}
