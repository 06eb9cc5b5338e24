//! The names of a feed's values in shared data.
//!
//! Shared data is open to every Wasm module of the process that uses the same `vm_id`. Names cannot be listed from Wasm,
//! so names derived from the gateway token cannot be found by a stranger. Filters that follow another registry, group or
//! token get other names.

use alloc::{format, string::String, vec::Vec};

use crate::{
    digest::{DigestKey, Digester, SecretHash},
    gateway::hex,
    segment::{LAYOUT, Part},
};

/// Names under one prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Names {
    prefix: String,
}

impl Names {
    /// Derives the prefix. `token` is empty where Envoy adds the token by itself; then the names can be guessed by who
    /// knows the rest.
    #[must_use]
    pub fn new(token: &[u8], identity: &[&str]) -> Self {
        let key = DigestKey::from_bytes(*SecretHash::of_value(token).expose());
        let identity = SecretHash::of_value(identity.join("\0").as_bytes());
        let digest = hex(&Digester::new(&key).digest(&identity).0);
        Self {
            prefix: format!("keysmith/{LAYOUT}/{digest}"),
        }
    }

    /// Of a part of the snapshot. On the request path: no formatting.
    #[must_use]
    pub fn part(&self, part: Part) -> Vec<u8> {
        let [high, low] = part.number().to_be_bytes();
        let mut name = Vec::with_capacity(self.prefix.len().saturating_add(3));
        name.extend(self.prefix.as_bytes());
        name.extend([b'p', high, low]);
        name
    }

    /// Of the [`crate::head::Head`].
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        self.with(b"/head")
    }

    /// Of the [`crate::lease::Lease`].
    #[must_use]
    pub fn lease(&self) -> Vec<u8> {
        self.with(b"/lease")
    }

    /// Of the [`crate::slots::Slots`].
    #[must_use]
    pub fn slots(&self) -> Vec<u8> {
        self.with(b"/slots")
    }

    /// Of the time at which the registry last gave a complete answer.
    #[must_use]
    pub fn contact(&self) -> Vec<u8> {
        self.with(b"/contact")
    }

    /// Of the random id of this start of the process.
    #[must_use]
    pub fn instance(&self) -> Vec<u8> {
        self.with(b"/instance")
    }

    /// Of a [`crate::usage::Lane`].
    #[must_use]
    pub fn usage(&self, lane: u8) -> Vec<u8> {
        self.with(format!("/usage/{lane}").as_bytes())
    }

    /// Of the queue by which a VM is woken.
    #[must_use]
    pub fn queue(&self, vm: u64) -> Vec<u8> {
        self.with(format!("/queue/{vm:016x}").as_bytes())
    }

    fn with(&self, rest: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), rest].concat()
    }
}
