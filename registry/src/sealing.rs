//! How values lie in the database: encrypted, and bound to the place they were written to.

use std::fmt;

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// The layout of a sealed value: this byte, the nonce, the ciphertext with its tag.
const VERSION: u8 = 1;
const NONCE_LENGTH: usize = 12;

/// A value could not be sealed or unsealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It was sealed under another key, in another place, or was altered.
    #[error(
        "a sealed value in {0} cannot be opened: it was altered, moved, or sealed under another master key"
    )]
    Open(&'static str),
    /// The cipher refused.
    #[error("a value for {0} cannot be sealed")]
    Seal(&'static str),
    /// No random bytes for the nonce.
    #[error(transparent)]
    Entropy(#[from] crate::entropy::EntropyError),
}

/// Where a sealed value lies. It cannot be opened anywhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Table and column.
    pub column: &'static str,
    /// What identifies the row.
    pub row: &'a str,
}

impl Place<'_> {
    fn associated_data(&self) -> Vec<u8> {
        // A column's name has no NUL, so no two places read alike.
        [self.column.as_bytes(), b"\0", self.row.as_bytes()].concat()
    }
}

/// Seals and opens under one key with AES-256-GCM-SIV.
#[derive(Clone)]
pub struct Sealer(Aes256GcmSiv);

impl Sealer {
    /// Seals under `key`.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Aes256GcmSiv::new(key.into()))
    }

    /// Seals `plain` for `place`, under a random nonce.
    pub fn seal(
        &self,
        place: Place<'_>,
        plain: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, SealError> {
        let nonce = entropy.bytes::<NONCE_LENGTH>()?;
        let payload = Payload {
            msg: plain,
            aad: &place.associated_data(),
        };
        let ciphertext = self
            .0
            .encrypt(&nonce.into(), payload)
            .map_err(|_| SealError::Seal(place.column))?;
        Ok([&[VERSION], nonce.as_slice(), &ciphertext].concat())
    }

    /// Opens what was sealed for `place`.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let refused = || SealError::Open(place.column);
        let rest = sealed.strip_prefix(&[VERSION]).ok_or_else(refused)?;
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or_else(refused)?;
        let payload = Payload {
            msg: ciphertext,
            aad: &place.associated_data(),
        };
        self.0
            .decrypt(nonce.into(), payload)
            .map(Zeroizing::new)
            .map_err(|_| refused())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    const HERE: Place<'_> = Place {
        column: "secrets.sealed",
        row: "sec_1",
    };

    fn example() -> (Sealer, Vec<u8>) {
        let sealer = Sealer::new(&[7; 32]);
        let value = sealer.seal(HERE, b"plain", &SeededEntropy::new(1)).unwrap();
        (sealer, value)
    }

    #[test]
    fn a_sealed_value_opens_where_it_was_written() {
        let (sealer, value) = example();
        assert_eq!(sealer.open(HERE, &value).unwrap().as_slice(), b"plain");
        assert!(!value.windows(5).any(|window| window == b"plain"));
    }

    #[test]
    fn a_sealed_value_does_not_open_in_another_row_or_column() {
        let (sealer, value) = example();
        assert!(
            sealer
                .open(
                    Place {
                        row: "sec_2",
                        ..HERE
                    },
                    &value
                )
                .is_err()
        );
        let elsewhere = Place {
            column: "digest_keys.sealed",
            ..HERE
        };
        assert!(sealer.open(elsewhere, &value).is_err());
    }

    #[test]
    fn a_sealed_value_does_not_open_under_another_key_or_altered() {
        let (sealer, mut value) = example();
        assert!(Sealer::new(&[8; 32]).open(HERE, &value).is_err());
        for index in 0..value.len() {
            value[index] ^= 1;
            assert!(sealer.open(HERE, &value).is_err(), "byte {index}");
            value[index] ^= 1;
        }
        assert!(sealer.open(HERE, &value[..5]).is_err());
        assert!(sealer.open(HERE, &[]).is_err());
    }
}
