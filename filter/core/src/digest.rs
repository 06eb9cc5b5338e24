//! From a secret to what a gateway may hold of it.
//!
//! A gateway of one group holds `HMAC-SHA-256(K[group, version], SHA-256(secret))`, truncated to 128 bits. The registry
//! keeps the inner SHA-256 sealed, so it can re-key every credential without ever seeing a secret again.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The inner hash of a secret: what the registry keeps, sealed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of an API key, a bearer token or another value presented alone.
    #[must_use]
    pub fn of_value(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Of a generated password, bound to its user name: the bytes that HTTP Basic carries (RFC 7617 section 2).
    #[must_use]
    pub fn of_basic(username: &[u8], password: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(username);
        hasher.update(b":");
        hasher.update(password);
        Self(hasher.finalize().into())
    }

    /// Under which a chosen password's credential is found. The leading NUL keeps it apart from every secret, which are
    /// visible ASCII; nothing secret goes in.
    #[must_use]
    pub fn of_username(username: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"\0basic-username\0");
        hasher.update(username);
        Self(hasher.finalize().into())
    }

    /// Of a key and the secret that it shares with its caller, where neither is good without the other. The leading text
    /// with its NUL keeps it apart from the hash of every value presented alone.
    #[must_use]
    pub fn of_pair(value: &Self, shared: &Self) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"keysmith pair\0");
        hasher.update(value.0);
        hasher.update(shared.0);
        Self(hasher.finalize().into())
    }

    /// Under which an OAuth client's credential is found: its id at its issuer, both as tokens name them. The leading NUL
    /// keeps it apart from every secret, and the issuer's length from every other pair; nothing secret goes in.
    #[must_use]
    pub fn of_client(issuer: &str, client_id: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"\0oauth-client\0");
        hasher.update(
            u64::try_from(issuer.len())
                .unwrap_or(u64::MAX)
                .to_be_bytes(),
        );
        hasher.update(issuer);
        hasher.update(client_id);
        Self(hasher.finalize().into())
    }

    /// Restores a hash that was kept sealed.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For sealing.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

/// A group's key for digests, as it travels in the feed and lies in the gateway's memory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct DigestKey([u8; 32]);

impl DigestKey {
    /// From 32 uniformly random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For sealing and for the feed.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey")
    }
}

/// A [`DigestKey`] ready for use: both HMAC midstates are computed once.
#[derive(Clone)]
pub struct Digester(Hmac<Sha256>);

impl Digester {
    /// Absorbs the key.
    #[must_use]
    pub fn new(key: &DigestKey) -> Self {
        let block = {
            let mut block = [0_u8; 64];
            for (place, byte) in block.iter_mut().zip(key.expose()) {
                *place = *byte;
            }
            block
        };
        // A key padded with zeros to the block is the same HMAC key (RFC 2104 section 2), and cannot fail.
        Self(Hmac::new(&block.into()))
    }

    /// What a gateway of this key's group holds for the secret.
    #[must_use]
    pub fn digest(&self, hash: &SecretHash) -> Digest {
        let mut mac = self.0.clone();
        mac.update(hash.expose());
        let full = mac.finalize().into_bytes();
        let mut truncated = [0_u8; 16];
        for (place, byte) in truncated.iter_mut().zip(full.iter()) {
            *place = *byte;
        }
        Digest(truncated)
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digester")
    }
}

/// The keyed, truncated digest a gateway holds. Useless without the group's key.
#[derive(Clone, Copy, Serialize, Deserialize, PartialOrd, Ord)]
pub struct Digest(pub [u8; 16]);

impl PartialEq for Digest {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl core::hash::Hash for Digest {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest")
    }
}
