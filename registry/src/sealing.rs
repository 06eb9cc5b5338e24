//! How values lie in the database: encrypted, and bound to the place they were written to.

use std::fmt;

use aes_gcm_siv::{
    Aes256GcmSiv, KeyInit,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// The layout of a sealed value: this byte, the key's id, the nonce, the ciphertext with its tag.
const WITH_KEY_ID: u8 = 2;
/// The layout in which earlier versions wrote: without the key's id.
const WITHOUT_KEY_ID: u8 = 1;
const NONCE_LENGTH: usize = 12;
const ID_LENGTH: usize = 4;

/// Every column that is sealed under the master key. What is not on this list is lost with the next one: a test insists
/// that every column that could be sealed is here, or said not to be.
pub const COLUMNS: [&str; 9] = [
    "secrets.sealed",
    "secrets.recoverable",
    "digest_keys.sealed",
    "data_keys.sealed",
    "identity_providers.sealed",
    "oauth_clients.sealed",
    "provider_operations.sealed",
    "signing_keys.sealed",
    "access_tokens.sealed",
];

/// Tells keys apart, and says nothing of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; ID_LENGTH]);

impl KeyId {
    /// Bytes that everything sealed under the key begins with.
    pub(crate) const PREFIX_LENGTH: usize = ID_LENGTH + 1;

    /// Under which key the value is sealed; `None` if an earlier version wrote it, or it is no sealed value.
    #[must_use]
    pub fn of(sealed: &[u8]) -> Option<Self> {
        let rest = sealed.strip_prefix(&[WITH_KEY_ID])?;
        rest.first_chunk().copied().map(Self)
    }

    /// What everything sealed under the key begins with.
    #[must_use]
    pub(crate) fn prefix(self) -> [u8; Self::PREFIX_LENGTH] {
        let [a, b, c, d] = self.0;
        [WITH_KEY_ID, a, b, c, d]
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// The text is not the id of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a key")]
pub struct InvalidKeyId;

impl std::str::FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, InvalidKeyId> {
        let number = u32::from_str_radix(text, 16).map_err(|_| InvalidKeyId)?;
        let id = Self(number.to_be_bytes());
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(InvalidKeyId)
        }
    }
}

/// A value could not be sealed or unsealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It was sealed under another key, in another place, or was altered.
    #[error(
        "a sealed value in {0} cannot be opened: it was altered, moved, or sealed under another master key"
    )]
    Open(&'static str),
    /// It was sealed under a master key that this process was not given.
    #[error(
        "a sealed value in {column} is under the master key {key}, which this registry was not given: set next_master_key, \
         or put the key into data_dir/master.key.next, and start it again"
    )]
    UnknownKey {
        /// Table and column.
        column: &'static str,
        /// Which one.
        key: KeyId,
    },
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
pub struct Sealer {
    cipher: Aes256GcmSiv,
    id: KeyId,
}

impl Sealer {
    /// Seals under `key`.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let mut id = [0; ID_LENGTH];
        // Fails only for outputs over 8160 bytes.
        let _ = Hkdf::<Sha256>::new(None, key).expand(b"keysmith/v1/key-id", &mut id);
        Self {
            cipher: Aes256GcmSiv::new(key.into()),
            id: KeyId(id),
        }
    }

    /// Which key it is.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
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
            .cipher
            .encrypt(&nonce.into(), payload)
            .map_err(|_| SealError::Seal(place.column))?;
        Ok([&self.id.prefix(), nonce.as_slice(), &ciphertext].concat())
    }

    /// Opens what was sealed for `place`.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let refused = || SealError::Open(place.column);
        let rest = match sealed.split_first() {
            Some((&WITH_KEY_ID, _)) => sealed.strip_prefix(&self.id.prefix()),
            Some((&WITHOUT_KEY_ID, rest)) => Some(rest),
            _ => None,
        };
        let rest = rest.ok_or_else(refused)?;
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE_LENGTH>()
            .ok_or_else(refused)?;
        let payload = Payload {
            msg: ciphertext,
            aad: &place.associated_data(),
        };
        self.cipher
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
    fn a_sealed_value_names_its_key() {
        let (sealer, value) = example();
        assert_eq!(KeyId::of(&value), Some(sealer.id()));
        assert_eq!(sealer.id().to_string().parse(), Ok(sealer.id()));
        assert!(value.starts_with(&sealer.id().prefix()));
        assert_ne!(Sealer::new(&[8; 32]).id(), sealer.id());
    }

    #[test]
    fn what_an_earlier_version_sealed_still_opens() {
        let (sealer, value) = example();
        let rest = value.strip_prefix(&sealer.id().prefix()).unwrap();
        let earlier = [&[WITHOUT_KEY_ID], rest].concat();
        assert_eq!(KeyId::of(&earlier), None);
        assert_eq!(sealer.open(HERE, &earlier).unwrap().as_slice(), b"plain");
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
