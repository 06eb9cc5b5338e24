//! Chosen passwords: Argon2id at rest, and until they are first used what other programs made of those that were imported.
//!
//! Hashing is slow on purpose, so it is never done on a thread that serves requests: use cases hand it to a
//! [`PasswordWork`], which bounds how much of it goes on.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
};
use async_trait::async_trait;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{error::Error, secrets::SecretText};

mod foreign;

use foreign::ForeignHash;

/// What Argon2id costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Cost {
    /// OWASP's first choice for Argon2id (password storage cheat sheet, 2024).
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

/// The costs are out of range.
#[derive(Debug, thiserror::Error)]
#[error("Argon2id refuses its parameters: {0}")]
pub struct InvalidCost(String);

/// Hashes and verifies passwords, on the calling thread.
#[derive(Clone, Debug)]
pub struct PasswordHasher {
    argon: Argon2<'static>,
    fingerprint: Argon2<'static>,
}

/// A password's hash as a PHC string, or as another program wrote it. Kept sealed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PhcString(String);

/// What is kept of a chosen password.
#[derive(Clone, Debug)]
pub struct HashedPassword {
    /// For verifying.
    pub phc: PhcString,
    /// For recognising the same password of the same user name again: a hash under a fixed salt.
    pub slow_hash: SlowHash,
}

/// A slow hash under a salt that follows from the user name. Kept sealed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SlowHash(pub [u8; 32]);

/// The two salts of a [`HashedPassword`].
#[derive(Clone, Debug)]
pub struct Salts {
    /// Random.
    pub phc: [u8; 16],
    /// From [`crate::secrets::Keys::password_salt`].
    pub slow_hash: [u8; 32],
}

/// Does the slow work somewhere else, and bounds it.
#[async_trait]
pub trait PasswordWork: fmt::Debug + Send + Sync {
    /// [`PasswordHasher::hash`]; [`Error::Busy`] when too much is waiting.
    async fn hash(&self, password: SecretText, salts: Salts) -> Result<HashedPassword, Error>;

    /// [`PasswordHasher::verify`]; [`Error::Busy`] when too much is waiting.
    async fn verify(&self, password: SecretText, phc: PhcString) -> Result<bool, Error>;

    /// [`PasswordHasher::is_outdated`], which is quick.
    fn is_outdated(&self, phc: &PhcString) -> bool;
}

impl PasswordHasher {
    /// A hasher that makes hashes of this cost, and verifies those of any.
    pub fn new(cost: Cost) -> Result<Self, InvalidCost> {
        Ok(Self {
            argon: argon(cost)?,
            // Must never change: a fingerprint is compared with those made before. The cost of the hash that is
            // verified may rise.
            fingerprint: argon(Cost {
                memory_kib: 19 * 1024,
                passes: 2,
                lanes: 1,
            })?,
        })
    }

    /// A hasher as cheap as Argon2id allows, for tests.
    pub fn cheapest() -> Result<Self, InvalidCost> {
        let cheap = Cost {
            memory_kib: 8,
            passes: 1,
            lanes: 1,
        };
        Ok(Self {
            argon: argon(cheap)?,
            fingerprint: argon(cheap)?,
        })
    }

    #[cfg(test)]
    pub(crate) fn at_cost(mut self, cost: Cost) -> Result<Self, InvalidCost> {
        self.argon = argon(cost)?;
        Ok(self)
    }

    /// Hashes a password twice: for verifying, and for recognising it.
    pub fn hash(&self, password: &SecretText, salts: &Salts) -> Result<HashedPassword, Error> {
        let password = password.expose().as_bytes();
        let phc = self
            .argon
            .hash_password_with_salt(password, &salts.phc)
            .map_err(|error| Error::Password(error.to_string()))?;
        let mut slow_hash = SlowHash([0; 32]);
        self.fingerprint
            .hash_password_into(password, &salts.slow_hash, &mut slow_hash.0)
            .map_err(|error| Error::Password(error.to_string()))?;
        Ok(HashedPassword {
            phc: PhcString(phc.to_string()),
            slow_hash,
        })
    }

    /// Whether this is the password.
    pub fn verify(&self, password: &SecretText, phc: &PhcString) -> Result<bool, Error> {
        if let Some(foreign) = ForeignHash::parse(&phc.0) {
            return Ok(foreign.verify(password));
        }
        let hash = PasswordHash::new(&phc.0).map_err(|error| Error::Password(error.to_string()))?;
        Ok(self
            .argon
            .verify_password(password.expose().as_bytes(), &hash)
            .is_ok())
    }

    /// Whether the hash was made by another program, or at a lower cost than hashes are made now. One of a higher cost is not
    /// weakened.
    #[must_use]
    pub fn is_outdated(&self, phc: &PhcString) -> bool {
        PasswordHash::new(&phc.0)
            .ok()
            .and_then(|hash| Params::try_from(&hash).ok())
            .is_none_or(|params| {
                let now = self.argon.params();
                params.m_cost() < now.m_cost()
                    || params.t_cost() < now.t_cost()
                    || params.p_cost() < now.p_cost()
            })
    }
}

impl PhcString {
    /// Restores a string that was kept sealed.
    #[must_use]
    pub const fn from_sealed(text: String) -> Self {
        Self(text)
    }

    /// For sealing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PhcString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhcString")
    }
}

impl fmt::Debug for SlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlowHash")
    }
}

fn argon(cost: Cost) -> Result<Argon2<'static>, InvalidCost> {
    Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .map(|params| Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
        .map_err(|error| InvalidCost(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALTS: Salts = Salts {
        phc: [1; 16],
        slow_hash: [2; 32],
    };

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    #[test]
    fn only_the_password_that_was_hashed_verifies() {
        let hasher = PasswordHasher::cheapest().unwrap();
        let kept = hasher.hash(&secret("correct horse"), &SALTS).unwrap();
        assert!(hasher.verify(&secret("correct horse"), &kept.phc).unwrap());
        assert!(!hasher.verify(&secret("correct horsf"), &kept.phc).unwrap());
        assert!(!hasher.verify(&secret(""), &kept.phc).unwrap());
    }

    #[test]
    fn a_hash_is_outdated_when_the_cost_rose() {
        let cheap = PasswordHasher::cheapest().unwrap();
        let dear = PasswordHasher::new(Cost::default()).unwrap();
        let hashed = cheap.hash(&secret("correct horse"), &SALTS).unwrap();
        assert!(!cheap.is_outdated(&hashed.phc));
        assert!(dear.is_outdated(&hashed.phc));
        let hashed = dear.hash(&secret("correct horse"), &SALTS).unwrap();
        assert!(!dear.is_outdated(&hashed.phc));
        assert!(!cheap.is_outdated(&hashed.phc), "it would be weakened");
    }

    #[test]
    fn a_hash_of_another_cost_still_verifies() {
        let hashed = PasswordHasher::cheapest()
            .unwrap()
            .hash(&secret("correct horse"), &SALTS)
            .unwrap();
        let now = PasswordHasher::new(Cost::default()).unwrap();
        assert!(now.verify(&secret("correct horse"), &hashed.phc).unwrap());
    }
}
