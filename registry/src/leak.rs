//! Secrets that were found where they do not belong: reported by scanners and people, and ended as configured.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use filter_core::digest::SecretHash;

use crate::{
    caller::Caller,
    change::Changed,
    clock::Timestamp,
    environment::Environment,
    error::Error,
    ids::{ApplicationId, CredentialId, LeakId, OrganizationId, SecretId, TokenId},
    secret::Secret,
    secrets::SecretText,
    store::ReadTransaction,
    verification::limit::Limiter,
};

mod record;

#[cfg(test)]
mod tests;

/// Reports at most in one request.
pub const MAX_REPORTS: usize = 100;
/// Tokens whose reports are counted at a time.
const COUNTED: usize = 1024;

/// What becomes of a secret that leaked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It is marked, and works on.
    Record,
    /// It retires, and its credential has to be rotated until it ends.
    Grace(Duration),
    /// Its credential is disabled. Of a credential that cannot be disabled because it is its application's default, and of
    /// one that has another secret by now, the leaked secret alone is revoked.
    Disable,
}

/// Takes reports, so many a minute from each token.
#[derive(Debug)]
pub struct LeakDesk {
    policy: Policy,
    limiter: Mutex<Limiter>,
}

/// A value that was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// What may be a secret.
    pub value: SecretText,
    /// Where it was found.
    pub url: String,
    /// Who found it, or how.
    pub source: String,
}

/// What came of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is no secret; or a password, of which nothing is said.
    Unknown,
    /// It is or was one, and is marked from now on.
    Known {
        /// What was done.
        taken: Taken,
        /// Whose it is or was.
        credential: CredentialId,
        /// `None` if the credential is gone.
        application: Option<ApplicationId>,
        /// Which of the credential's secrets.
        version: u32,
        /// When it was first reported.
        leaked_at: Timestamp,
    },
}

/// What was done about a leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nothing: it did not work any more, or it was reported before.
    Nothing,
    /// It was marked.
    Record,
    /// It retires.
    Grace,
    /// Its credential was disabled.
    Disable,
    /// It was revoked by itself.
    Revoke,
}

/// A report that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// Its id.
    pub id: LeakId,
    /// For which organization.
    pub organization: OrganizationId,
    /// Of which credential.
    pub credential: CredentialId,
    /// Which secret.
    pub secret: SecretId,
    /// Who reported it.
    pub token: Option<TokenId>,
    /// Who found it, or how.
    pub source: String,
    /// Where it was found.
    pub url: String,
    /// What was done: [`Taken::word`].
    pub action: &'static str,
    /// When.
    pub reported_at: Timestamp,
}

impl LeakDesk {
    /// Nothing was reported yet.
    #[must_use]
    pub fn new(policy: Policy, reports_per_minute: u32) -> Self {
        Self {
            policy,
            limiter: Mutex::new(Limiter::per_minute(reports_per_minute, COUNTED)),
        }
    }

    /// Counts the reports of a token; answers how long to wait when there were too many.
    pub fn limited(&self, token: TokenId, reports: usize, now: Timestamp) -> Option<Duration> {
        let mut who = [0; 32];
        for (place, byte) in who.iter_mut().zip(token.object_id().0) {
            *place = byte;
        }
        // Every change is complete before the next can panic, so a poisoned state is a good one.
        let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        limiter.take_many(who, u32::try_from(reports).unwrap_or(u32::MAX), now)
    }

    /// Takes reports in one transaction, and answers each, in order. To report the same again changes nothing.
    ///
    /// Once begun it is done, also when nobody waits for it any more.
    pub async fn report(
        &self,
        env: &Environment,
        caller: Caller,
        reports: Vec<Report>,
    ) -> Result<Changed<Vec<Outcome>>, Error> {
        let policy = self.policy;
        env.complete(async move |env| report_in_full(&env, caller, policy, &reports).await)
            .await
    }
}

async fn report_in_full(
    env: &Environment,
    caller: Caller,
    policy: Policy,
    reports: &[Report],
) -> Result<Changed<Vec<Outcome>>, Error> {
    // Who reports what is no secret of ours keeps nobody from writing.
    let mut known = false;
    let mut read = env.store.read().await?;
    for report in reports {
        known |= find(env, read.as_mut(), report).await?.is_some();
    }
    drop(read);
    if !known {
        return Ok(Changed {
            value: vec![Outcome::Unknown; reports.len()],
            revision: None,
        });
    }
    let mut write = env.store.write().await?;
    let mut outcomes = Vec::with_capacity(reports.len());
    for report in reports {
        let outcome = match find(env, write.as_mut(), report).await? {
            Some(secret) => {
                record::record(env, write.as_mut(), caller, policy, report, &secret).await?
            }
            None => Outcome::Unknown,
        };
        outcomes.push(outcome);
    }
    let changed = Changed::of(write.as_mut(), outcomes).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// The secret with this value, whichever organization's it is: who finds one does not know whose it is. Passwords are not found: what is kept of them is made from
/// their user names too.
async fn find(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    report: &Report,
) -> Result<Option<Secret>, Error> {
    let hash = SecretHash::of_value(report.value.expose().as_bytes());
    Ok(read.secret_known_by(&env.keys.fingerprint(&hash)).await?)
}

impl Taken {
    /// The word for it in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Record => "record",
            Self::Grace => "grace",
            Self::Disable => "disable",
            Self::Revoke => "revoke",
        }
    }
}
