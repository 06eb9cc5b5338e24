//! Replacing a group's digest key while its gateways go on deciding.
//!
//! Nobody can be refused, because at every moment everything is found under the key that a gateway looks up with:
//!
//! 1. **Adding**: each record is added under the next key, as ordinary changes. A gateway does not care under which key a digest
//!    was made; it looks up under the old one. What is deployed meanwhile is deployed under both.
//! 2. **Switched**: one revision tells gateways the new key. Everything before it is told before it, so a gateway that goes over
//!    holds all records under the new key. Those under the old one stay, for gateways and workers that have not gone over.
//! 3. **Removing**, once every gateway that may admit requests has acknowledged that revision: the records under the old key go,
//!    and at last the key itself. A gateway that comes back after that with a position before the switch begins anew.
//!
//! Each step is one transaction that also notes how far it has come. It does not matter who does the next one, when, or whether two
//! try at once.

mod begin;
mod progress;
mod step;

#[cfg(test)]
mod tests;

pub use begin::begin;
pub use progress::{DigestKeyState, Replacement, digest_keys, of_key};
pub use step::{Step, advance, step};
