//! The keys with which the registry finds and recognises things. What was made with them cannot be made again from what is
//! kept, so they outlive master keys: they lie in the database, sealed like everything else.

use std::{collections::BTreeMap, fmt};

use filter_core::digest::SecretHash;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Fingerprint, Keys, MasterKey, expand};
use crate::{
    entropy::{Entropy, EntropyError},
    sealing::{Place, SealError, Sealer},
    store::SealedDataKey,
};

/// The version that every data key begins with.
const FIRST: u32 = 1;

/// What a data key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Recognising values that are or were secrets.
    Fingerprints,
    /// Finding tokens for the registry's API.
    TokenDigests,
    /// Salts by which a chosen password is recognised.
    PasswordSalts,
    /// Recognising passwords of which only another program's hash is known.
    ForeignPasswords,
    /// Finding idempotent requests.
    IdempotencyRows,
    /// Sealing the answers to idempotent requests.
    IdempotencyAnswers,
    /// Chaining the lines of journals of revocations.
    RevocationJournals,
    /// Chaining the entries of the audit log. The only one of which there is more than one version: each master key brings
    /// another.
    AuditMacs,
}

impl Purpose {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Fingerprints,
        Self::TokenDigests,
        Self::PasswordSalts,
        Self::ForeignPasswords,
        Self::IdempotencyRows,
        Self::IdempotencyAnswers,
        Self::RevocationJournals,
        Self::AuditMacs,
    ];

    /// The word under which it is kept. Never changed.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fingerprints => "fingerprints",
            Self::TokenDigests => "token-digests",
            Self::PasswordSalts => "password-fingerprint-salts",
            Self::ForeignPasswords => "foreign-passwords",
            Self::IdempotencyRows => "idempotency-rows",
            Self::IdempotencyAnswers => "idempotency-answers",
            Self::RevocationJournals => "revocation-journal",
            Self::AuditMacs => "audit",
        }
    }
}

/// One data key.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; 32]);

impl DataKey {
    /// A new one.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        entropy.bytes().map(Self)
    }

    /// The first of its purpose in a database of a version that kept no data keys, and derived them from the master key
    /// each time: such a database goes on with the same ones.
    #[must_use]
    pub fn derived(master: &MasterKey, purpose: Purpose) -> Self {
        Self(*master.derive(&format!("keysmith/v1/{}", purpose.word())))
    }

    /// Seals it.
    pub fn seal(
        &self,
        purpose: Purpose,
        version: u32,
        sealer: &Sealer,
        entropy: &dyn Entropy,
    ) -> Result<SealedDataKey, SealError> {
        let row = row(purpose, version);
        Ok(SealedDataKey {
            purpose,
            version,
            sealed: sealer.seal(place(&row), &self.0, entropy)?,
        })
    }

    /// The message authentication code under it.
    #[must_use]
    pub fn mac(&self) -> Hmac<Sha256> {
        keyed(&self.0)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

impl SealedDataKey {
    /// Opens it.
    pub fn open(&self, keys: &Keys) -> Result<DataKey, SealError> {
        let row = row(self.purpose, self.version);
        let plain = keys.open(place(&row), &self.sealed)?;
        let bytes = plain.as_slice().try_into();
        bytes.map(DataKey).map_err(|_| SealError::Open(COLUMN))
    }
}

const COLUMN: &str = "data_keys.sealed";

fn row(purpose: Purpose, version: u32) -> String {
    format!("{}/{version}", purpose.word())
}

const fn place(row: &str) -> Place<'_> {
    Place {
        column: COLUMN,
        row,
    }
}

/// Those that are used all the time, ready for use.
#[derive(Clone)]
pub struct DataKeys {
    fingerprints: Hmac<Sha256>,
    tokens: Hmac<Sha256>,
    password_salts: Hmac<Sha256>,
    foreign_passwords: Hmac<Sha256>,
    idempotency_rows: Hmac<Sha256>,
    idempotency_answers: Hkdf<Sha256>,
    journals: Hmac<Sha256>,
    audit: BTreeMap<u32, Hmac<Sha256>>,
    audit_version: u32,
}

impl DataKeys {
    /// As versions without a table of data keys had them.
    pub(super) fn derived(master: &MasterKey) -> Self {
        let mac = |purpose| DataKey::derived(master, purpose).mac();
        let answers = DataKey::derived(master, Purpose::IdempotencyAnswers);
        Self {
            fingerprints: mac(Purpose::Fingerprints),
            tokens: mac(Purpose::TokenDigests),
            password_salts: mac(Purpose::PasswordSalts),
            foreign_passwords: mac(Purpose::ForeignPasswords),
            idempotency_rows: mac(Purpose::IdempotencyRows),
            idempotency_answers: Hkdf::new(None, &answers.0),
            journals: mac(Purpose::RevocationJournals),
            audit: BTreeMap::from([(FIRST, mac(Purpose::AuditMacs))]),
            audit_version: FIRST,
        }
    }

    /// Opens those that the database keeps; `None` if one is missing.
    pub(crate) fn open(sealed: &[SealedDataKey], keys: &Keys) -> Result<Option<Self>, SealError> {
        let opened = sealed.iter().map(|one| {
            let key = one.open(keys)?;
            Ok(((one.purpose, one.version), key))
        });
        Ok(Self::opened(&opened.collect::<Result<_, SealError>>()?))
    }

    fn opened(opened: &BTreeMap<(Purpose, u32), DataKey>) -> Option<Self> {
        let first = |purpose| opened.get(&(purpose, FIRST));
        let mac = |purpose| first(purpose).map(DataKey::mac);
        let audit = opened
            .iter()
            .filter(|((purpose, _), _)| *purpose == Purpose::AuditMacs)
            .map(|((_, version), key)| (*version, key.mac()));
        let audit: BTreeMap<u32, Hmac<Sha256>> = audit.collect();
        Some(Self {
            fingerprints: mac(Purpose::Fingerprints)?,
            tokens: mac(Purpose::TokenDigests)?,
            password_salts: mac(Purpose::PasswordSalts)?,
            foreign_passwords: mac(Purpose::ForeignPasswords)?,
            idempotency_rows: mac(Purpose::IdempotencyRows)?,
            idempotency_answers: Hkdf::new(None, &first(Purpose::IdempotencyAnswers)?.0),
            journals: mac(Purpose::RevocationJournals)?,
            audit_version: *audit.keys().last()?,
            audit,
        })
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
        tag(&self.journals, &[before, line])
    }

    /// Under which version of the audit log's key its records are MACed from now on.
    #[must_use]
    pub const fn audit_key_version(&self) -> u32 {
        self.audit_version
    }

    /// Authenticates what is said of the audit log; `None` if there is no key of this version.
    #[must_use]
    pub fn audit_mac(&self, version: u32, message: &[u8]) -> Option<[u8; 32]> {
        self.audit.get(&version).map(|key| tag(key, &[message]))
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

impl fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKeys")
    }
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

    fn keys(seed: u64) -> DataKeys {
        let master = MasterKey::generate(&SeededEntropy::new(seed)).unwrap();
        DataKeys::derived(&master)
    }

    #[test]
    fn every_purpose_has_a_key_of_its_own() {
        let keys = keys(1);
        let same = [9; 32];
        let results = [
            keys.password_salt("x"),
            keys.token_digest("x"),
            keys.journal_tag(&same, b"x"),
            keys.audit_mac(keys.audit_key_version(), b"x").unwrap(),
            keys.foreign_password_hash("", "x"),
            keys.password_fingerprint(&same),
            keys.fingerprint(&SecretHash::from_bytes(same)),
            *expand(&keys.idempotency_answers, &[b"x"]),
            *expand(&keys.idempotency_answers, &[b"y"]),
            [0; 32],
        ];
        for (index, one) in results.iter().enumerate() {
            assert!(!results[..index].contains(one), "{index}");
        }
        assert_ne!(keys.token_digest("x"), self::keys(2).token_digest("x"));
    }

    #[test]
    fn the_parts_of_an_idempotent_request_do_not_run_together() {
        let keys = keys(1);
        assert_ne!(
            keys.idempotency_row([b"a", b"bc", b"d"]),
            keys.idempotency_row([b"ab", b"c", b"d"])
        );
    }

    #[test]
    fn without_one_of_them_nothing_is_found() {
        assert!(DataKeys::opened(&BTreeMap::new()).is_none());
    }
}
