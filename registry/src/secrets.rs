//! The master key, what is derived from it, and secrets on their way through.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    entropy::{Entropy, EntropyError},
    sealing::Sealer,
};

mod data;
mod keys;

pub use data::{DataKey, DataKeys, Purpose};
pub use keys::Keys;

/// A secret's text, on its way in or out. It is zeroised when dropped and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SecretText(String);

impl SecretText {
    /// Takes the text over.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The one way to the text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText")
    }
}

/// The text is not a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 bytes, written in base64")]
pub struct InvalidMasterKey;

/// The key from which all others are derived. It never lies in the database.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// A new one.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        entropy.bytes().map(Self)
    }

    /// Reads 32 bytes in base64; white space around them does not matter.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| InvalidMasterKey)?);
        bytes
            .as_slice()
            .try_into()
            .map(Self)
            .map_err(|_| InvalidMasterKey)
    }

    /// The text that [`Self::parse`] reads, for the file in which a generated key is kept.
    #[must_use]
    pub fn to_text(&self) -> SecretText {
        SecretText::new(STANDARD.encode(self.0))
    }

    /// What seals everything at rest under it.
    #[must_use]
    pub fn sealer(&self) -> Sealer {
        Sealer::new(&self.derive("keysmith/v1/sealing"))
    }

    fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        expand(&Hkdf::new(None, &self.0), &[purpose.as_bytes()])
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// By which a secret's value is known, also after it was revoked. Says nothing without its key.
pub type Fingerprint = [u8; 32];

pub(crate) fn expand(hkdf: &Hkdf<Sha256>, info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    // Fails only for outputs over 8160 bytes; a key that stayed zero would be found by the test below.
    let _ = hkdf.expand_multi_info(info, key.as_mut_slice());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_master_key_is_read_back_from_its_text() {
        let key = MasterKey::generate(&SeededEntropy::new(1)).unwrap();
        let text = format!(" {}\n", key.to_text().expose());
        assert!(MasterKey::parse(&text).unwrap() == key);
    }

    #[test]
    fn what_is_not_32_bytes_is_not_a_master_key() {
        for text in ["", "AAAA", "not base64 at all!", &STANDARD.encode([0; 33])] {
            assert!(MasterKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let text = SecretText::new("hush".to_owned());
        let master = MasterKey([1; 32]);
        let shown = format!("{text:?} {master:?} {:?}", Keys::derive(&master));
        assert_eq!(shown, "SecretText MasterKey Keys");
    }
}
