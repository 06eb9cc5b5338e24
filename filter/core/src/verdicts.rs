//! What a VM remembers of verified chosen passwords.
//!
//! Only successes are remembered: a stream of wrong guesses must not push them out. The table is keyed under a random
//! key that never leaves the VM, so a look at its memory gives nothing to try elsewhere.

use alloc::collections::{BTreeMap, VecDeque};

use crate::{
    digest::{Digest, DigestKey, Digester, SecretHash},
    ids::ObjectId,
};

/// Verdicts remembered at most; beyond, the oldest go.
pub const CAPACITY: usize = 4096;

/// For how long a verdict is remembered, in milliseconds: one hour.
pub const LIFETIME_MS: u64 = 3_600_000;

/// A bounded memory of verified passwords.
#[derive(Debug)]
pub struct Verdicts {
    key: Digester,
    known: BTreeMap<[u8; 16], Verdict>,
    order: VecDeque<[u8; 16]>,
    answer: Option<([u8; 16], Verdict, bool)>,
}

/// Its age from which a verdict is renewed while it still holds, in milliseconds: so that a request of an active user never
/// waits for it.
pub const RENEW_AFTER_MS: u64 = 2_700_000;

/// What is known of a presented password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is the password, of the secret with this version.
    Right(u32),
    /// It is the password, of the secret with this version, and the registry should be asked again without making the
    /// request wait.
    RightButAging(u32),
    /// It is not the password.
    Wrong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Verdict {
    credential: ObjectId,
    version: u32,
    secret_version: u32,
    at_ms: u64,
    until_ms: u64,
}

/// The registry's word on a chosen password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whose password was asked about.
    pub credential: ObjectId,
    /// The version of the secret that was known here when it was asked.
    pub asked_version: u32,
    /// The version that the registry knows.
    pub version: u32,
    /// The version of the secret that it is: that of the retiring one, during a grace period.
    pub secret_version: u32,
    /// Whether it is the password.
    pub verified: bool,
    /// How much longer it is, in milliseconds: a retiring password ends with its grace period. `u64::MAX` for no end.
    pub remaining_ms: u64,
}

impl Verdicts {
    /// An empty memory under a random key.
    #[must_use]
    pub fn new(key: &DigestKey) -> Self {
        Self {
            key: Digester::new(key),
            known: BTreeMap::new(),
            order: VecDeque::new(),
            answer: None,
        }
    }

    /// Takes the registry's answer: for the decision that is made again now, and, where it was yes, for later ones.
    pub fn answer(&mut self, hash: &SecretHash, answer: &Answer, now_ms: u64) {
        let Digest(key) = self.key.digest(hash);
        let verdict = Verdict {
            credential: answer.credential,
            version: answer.version,
            secret_version: answer.secret_version,
            at_ms: now_ms,
            until_ms: now_ms.saturating_add(answer.remaining_ms),
        };
        let now = Verdict {
            version: answer.asked_version,
            ..verdict
        };
        self.answer = Some((key, now, answer.verified));
        if self.known.remove(&key).is_some() {
            self.order.retain(|known| *known != key);
        }
        if answer.verified {
            self.known.insert(key, verdict);
            self.order.push_back(key);
            while self.order.len() > CAPACITY {
                if let Some(oldest) = self.order.pop_front() {
                    self.known.remove(&oldest);
                }
            }
        }
    }

    /// Forgets the answer itself once the decision is made; what was verified stays.
    pub fn forget_answer(&mut self) {
        self.answer = None;
    }

    /// What is known of the pair of user name and password with this hash, for this secret of the credential.
    /// `outlive` keeps verdicts beyond their lifetime, while nobody can be asked.
    #[must_use]
    pub fn verdict(
        &self,
        hash: &SecretHash,
        credential: ObjectId,
        version: u32,
        now_ms: u64,
        outlive: bool,
    ) -> Option<Known> {
        let Digest(key) = self.key.digest(hash);
        let fits =
            |verdict: &Verdict| verdict.credential == credential && verdict.version == version;
        if let Some((answered, verdict, verified)) = &self.answer
            && *answered == key
            && fits(verdict)
        {
            return Some(if *verified {
                Known::Right(verdict.secret_version)
            } else {
                Known::Wrong
            });
        }
        let verdict = self.known.get(&key).filter(|verdict| fits(verdict))?;
        let age = now_ms.saturating_sub(verdict.at_ms);
        let holds = now_ms < verdict.until_ms && (outlive || age < LIFETIME_MS);
        let known = if age < RENEW_AFTER_MS {
            Known::Right(verdict.secret_version)
        } else {
            Known::RightButAging(verdict.secret_version)
        };
        holds.then_some(known)
    }
}
