//! What a VM remembers of access tokens in the form of a JWT: what they claim, and that their signature is good.
//!
//! A token that is remembered costs no signature any more, and nothing else is spared: its issuer, audience and times and
//! its client are looked at for each request. Only good tokens are remembered, so that bad ones do not push them out.

use core::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher24};

use crate::{
    digest::{Digest, DigestKey, Digester, SecretHash},
    jwt::{Claims, Header, Token, TokenDigest, VerificationKey, signature::Verifier},
    memory::{Id, Memory, Weight},
    snapshot::KeysVersion,
};

/// Tokens remembered at most; beyond, the oldest go.
pub const CAPACITY: usize = 16_384;

/// Bytes of the claims that are remembered at most, roughly; beyond, the oldest go.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A bounded memory of good tokens, keyed under a random key that never leaves the VM.
#[derive(Debug)]
pub struct Tokens {
    /// A token is as long as ten blocks of SHA-256, and is looked up for every request. What comes out never leaves the VM, so
    /// that nobody can look for two tokens with one id.
    key: SipHasher24,
    known: Memory<Remembered>,
    refused: Option<(Id, KeysVersion)>,
}

/// A good token.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    /// Its header.
    pub header: Header,
    /// What it claims.
    pub claims: Claims,
    /// Under which its client is found: with another issuer, or another claim that names it, the keys are others too.
    pub client: SecretHash,
    /// By which its issuer would say that it is revoked.
    pub digest: TokenDigest,
    /// Among which keys the one was that signed it.
    pub keys: KeysVersion,
}

/// By what a token is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenId(Id);

/// A token whose signature is to be checked.
#[derive(Debug)]
pub struct SignatureCheck<'a> {
    pub(crate) id: TokenId,
    pub(crate) token: Token<'a>,
    pub(crate) key: VerificationKey,
    pub(crate) keys: KeysVersion,
    pub(crate) client: SecretHash,
}

/// What came of a [`SignatureCheck`].
#[derive(Clone, Debug)]
pub struct Checked {
    id: TokenId,
    keys: KeysVersion,
    good: Option<Remembered>,
}

impl SignatureCheck<'_> {
    /// Checks the signature.
    #[must_use]
    pub fn run(self, verifier: &dyn Verifier) -> Checked {
        let is_good = self.token.signed.verify(&self.key, verifier).is_ok();
        Checked {
            id: self.id,
            keys: self.keys,
            good: is_good.then(|| Remembered {
                client: self.client,
                digest: self.token.signed.digest(),
                header: self.token.signed.header,
                claims: self.token.claims,
                keys: self.keys,
            }),
        }
    }
}

impl Tokens {
    /// An empty memory under a random key.
    #[must_use]
    pub fn new(key: &DigestKey) -> Self {
        Self {
            key: SipHasher24::new_with_key(&subkey(key)),
            known: Memory::new(CAPACITY, MAX_BYTES),
            refused: None,
        }
    }

    /// By what this token is remembered.
    #[must_use]
    pub fn id(&self, token: &[u8]) -> TokenId {
        let mut hasher = self.key;
        hasher.write(token);
        TokenId(hasher.finish128().as_bytes())
    }

    /// The token, where it is remembered.
    #[must_use]
    pub fn find(&self, id: TokenId) -> Option<&Remembered> {
        self.known.get(id.0)
    }

    /// Whether its signature was just found to be wrong with these keys.
    #[must_use]
    pub fn is_refused(&self, id: TokenId, keys: KeysVersion) -> bool {
        self.refused == Some((id.0, keys))
    }

    /// Takes what came of a check: for the decision that is made again now, and, where it was good, for later ones.
    pub fn take(&mut self, checked: Checked) {
        let Checked {
            id: TokenId(id),
            keys,
            good,
        } = checked;
        match good {
            Some(good) => self.known.put(id, good),
            None => self.refused = Some((id, keys)),
        }
    }
}

/// The VM's key for nothing but this.
fn subkey(key: &DigestKey) -> [u8; 16] {
    let Digest(subkey) = Digester::new(key).digest(&SecretHash::of_value(b"tokens"));
    subkey
}

impl Weight for Remembered {
    fn weight(&self) -> usize {
        self.claims.weight()
    }
}
