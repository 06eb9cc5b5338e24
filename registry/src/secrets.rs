//! The master key, what is derived from it, and secrets on their way through.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use filter_core::digest::SecretHash;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    entropy::{Entropy, EntropyError},
    sealing::Sealer,
};

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

const FIRST_AUDIT_KEY: u32 = 1;

/// What is derived from the master key, one key for each purpose.
#[derive(Clone)]
pub struct Keys {
    sealer: Sealer,
    fingerprints: Hmac<Sha256>,
    tokens: Hmac<Sha256>,
    password_salts: Hmac<Sha256>,
    foreign_passwords: Hmac<Sha256>,
    idempotency_rows: Hmac<Sha256>,
    journal: Hmac<Sha256>,
    audit: Hmac<Sha256>,
    idempotency_answers: Hkdf<Sha256>,
}

impl Keys {
    /// Derives them all.
    #[must_use]
    pub fn derive(master: &MasterKey) -> Self {
        let mac = |purpose| keyed(&master.derive(purpose));
        Self {
            sealer: Sealer::new(&master.derive("keysmith/v1/sealing")),
            fingerprints: mac("keysmith/v1/fingerprints"),
            tokens: mac("keysmith/v1/token-digests"),
            password_salts: mac("keysmith/v1/password-fingerprint-salts"),
            foreign_passwords: mac("keysmith/v1/foreign-passwords"),
            idempotency_rows: mac("keysmith/v1/idempotency-rows"),
            journal: mac("keysmith/v1/revocation-journal"),
            audit: mac("keysmith/v1/audit"),
            idempotency_answers: Hkdf::new(
                None,
                master.derive("keysmith/v1/idempotency-answers").as_slice(),
            ),
        }
    }

    /// For everything that is kept sealed.
    #[must_use]
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// By which the store refuses a value that is or was a secret.
    #[must_use]
    pub fn fingerprint(&self, hash: &SecretHash) -> Fingerprint {
        tag(&self.fingerprints, &[b"value\0", hash.expose()])
    }

    /// The same for a chosen password, from its slow hash. For one who has the database and this key, guessing costs what
    /// that hash costs, which is fixed: it does not follow the setting for the hash that is verified.
    #[must_use]
    pub fn password_fingerprint(&self, slow_hash: &[u8; 32]) -> Fingerprint {
        tag(&self.fingerprints, &[b"password\0", slow_hash])
    }

    /// The salt of that slow hash: the same user name with the same password must give the same fingerprint.
    #[must_use]
    pub fn password_salt(&self, username: &str) -> [u8; 32] {
        tag(&self.password_salts, &[username.as_bytes()])
    }

    /// Stands for that slow hash where only another program's hash of the password is known: the same user name with the
    /// same text of a hash gives the same fingerprint, also once the hash was made anew.
    #[must_use]
    pub fn foreign_password_hash(&self, username: &str, hash: &str) -> [u8; 32] {
        let length = (username.len() as u64).to_be_bytes();
        let parts = [
            b"hash\0".as_slice(),
            &length,
            username.as_bytes(),
            hash.as_bytes(),
        ];
        tag(&self.foreign_passwords, &parts)
    }

    /// What is kept of a token for the registry's API.
    #[must_use]
    pub fn token_digest(&self, token: &str) -> [u8; 32] {
        tag(&self.tokens, &[token.as_bytes()])
    }

    /// By which an idempotent request is found. The parts are told apart by their lengths.
    #[must_use]
    pub fn idempotency_row(&self, parts: [&[u8]; 3]) -> [u8; 32] {
        let lengths = parts.map(|part| (part.len() as u64).to_be_bytes());
        let [a, b, c] = parts;
        let [la, lb, lc] = &lengths;
        tag(&self.idempotency_rows, &[la, a, lb, b, lc, c])
    }

    /// The tag of a line in the journal of revocations, which follows the line with the tag `before`.
    #[must_use]
    pub fn journal_tag(&self, before: &[u8; 32], line: &[u8]) -> [u8; 32] {
        tag(&self.journal, &[before, line])
    }

    /// Under which version of the audit log's key its records are MACed from now on.
    #[must_use]
    pub const fn audit_key_version(&self) -> u32 {
        FIRST_AUDIT_KEY
    }

    /// Authenticates what is said of the audit log; `None` if there is no key of this version.
    #[must_use]
    pub fn audit_mac(&self, version: u32, message: &[u8]) -> Option<[u8; 32]> {
        (version == FIRST_AUDIT_KEY).then(|| tag(&self.audit, &[message]))
    }

    /// Seals the answer to an idempotent request: only the one who knows the request's key can have it opened.
    #[must_use]
    pub fn idempotency_sealer(&self, idempotency_key: &str) -> Sealer {
        Sealer::new(&expand(
            &self.idempotency_answers,
            &[idempotency_key.as_bytes()],
        ))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

fn expand(hkdf: &Hkdf<Sha256>, info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    // Fails only for outputs over 8160 bytes; a key that stayed zero would be found by the test below.
    let _ = hkdf.expand_multi_info(info, key.as_mut_slice());
    key
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0_u8; 64]);
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    // A key padded with zeros to the block is the same HMAC key (RFC 2104 section 2), and cannot fail.
    Hmac::new((&*block).into())
}

fn tag(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
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
    fn every_purpose_has_a_key_of_its_own() {
        let master = MasterKey([1; 32]);
        let keys = Keys::derive(&master);
        let same = [9; 32];
        let results = [
            keys.password_salt("x"),
            keys.token_digest("x"),
            keys.journal_tag(&same, b"x"),
            keys.foreign_password_hash("", "x"),
            keys.audit_mac(keys.audit_key_version(), b"x").unwrap(),
            keys.password_fingerprint(&same),
            keys.fingerprint(&SecretHash::from_bytes(same)),
            *expand(&keys.idempotency_answers, &[b"x"]),
            *expand(&keys.idempotency_answers, &[b"y"]),
            [0; 32],
        ];
        for (index, one) in results.iter().enumerate() {
            assert!(!results[..index].contains(one), "{index}");
        }
        let other = Keys::derive(&MasterKey([2; 32]));
        assert_ne!(keys.token_digest("x"), other.token_digest("x"));
    }

    #[test]
    fn the_parts_of_an_idempotent_request_do_not_run_together() {
        let keys = Keys::derive(&MasterKey([1; 32]));
        assert_ne!(
            keys.idempotency_row([b"a", b"bc", b"d"]),
            keys.idempotency_row([b"ab", b"c", b"d"])
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let text = SecretText::new("hush".to_owned());
        let master = MasterKey([1; 32]);
        let shown = format!("{text:?} {master:?} {:?}", Keys::derive(&master));
        assert_eq!(shown, "SecretText MasterKey Keys");
    }
}
