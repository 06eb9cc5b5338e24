//! What is shown of usage.

use std::time::Duration;

use filter_core::usage::UseOutcome;

use super::{MAX_COUNT, UsageCount, is_use};
use crate::{clock::Timestamp, credential::secrets_of_version, secret::Part};

/// How often something was used in all, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageTotals {
    /// Requests that passed.
    pub allowed: u64,
    /// Requests with a good credential that may not.
    pub forbidden: u64,
    /// Requests with a known credential that is disabled, expired or not yet valid.
    pub refused: u64,
    /// When the first of them was.
    pub since: Option<Timestamp>,
}

impl UsageTotals {
    /// Of these counts.
    #[must_use]
    pub fn of<'a>(counts: impl IntoIterator<Item = &'a UsageCount>) -> Self {
        let mut totals = Self::default();
        for one in counts {
            let total = match one.outcome {
                UseOutcome::Allowed => &mut totals.allowed,
                UseOutcome::Forbidden => &mut totals.forbidden,
                UseOutcome::Refused => &mut totals.refused,
            };
            *total = sum(*total, one.count);
            let since = totals.since.unwrap_or(one.first);
            totals.since = Some(since.min(one.first));
        }
        totals
    }
}

/// How often one secret was used, with a good credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecretUse {
    /// How often.
    pub count: u64,
    /// When last, by the gateways' clocks.
    pub last: Option<Timestamp>,
    /// When the registry last heard of one.
    pub received: Option<Timestamp>,
}

impl SecretUse {
    /// Of those counts that are uses.
    #[must_use]
    pub fn of<'a>(counts: impl IntoIterator<Item = &'a UsageCount>) -> Self {
        let mut uses = Self::default();
        for one in counts.into_iter().filter(|one| is_use(one.outcome)) {
            uses.count = sum(uses.count, one.count);
            uses.last = uses.last.max(Some(one.last));
            uses.received = uses.received.max(Some(one.received));
        }
        uses
    }
}

impl SecretUse {
    /// Of those counts that are uses of this secret of the credential they belong to.
    #[must_use]
    pub fn of_secret(counts: &[UsageCount], is_paired: bool, part: Part, version: u32) -> Self {
        Self::of(counts.iter().filter(|one| {
            let (value, shared) = secrets_of_version(is_paired, one.version);
            match part {
                Part::Value => value == version,
                Part::Shared => shared == Some(version),
            }
        }))
    }
}

/// Whether a credential's new secret has taken over from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// When the last of the retiring secrets ends.
    pub until: Timestamp,
    /// Which was used last; `None` while neither was.
    pub last_used: Option<Successor>,
    /// How often retiring secrets were used, and when last.
    pub retiring: SecretUse,
    /// For how long no retiring secret was used, since it has a successor.
    pub quiet_for: Duration,
}

/// A secret, and whether there is a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Successor {
    /// It is the current one.
    Current,
    /// There is a newer one, and it still works.
    Retiring,
}

/// One living secret, as [`Grace::of`] looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Contender {
    /// Until when it works, if there is a newer one.
    pub retiring_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it was used for.
    pub uses: SecretUse,
}

impl Grace {
    /// Of the living secrets of one part of a credential: `None` while none is retiring.
    #[must_use]
    pub fn of(secrets: &[Contender], now: Timestamp) -> Option<Self> {
        let until = secrets.iter().filter_map(|one| one.retiring_until).max()?;
        let (retiring, current): (Vec<&Contender>, Vec<&Contender>) =
            secrets.iter().partition(|one| one.retiring_until.is_some());
        let count = retiring.iter().fold(0, |all, one| sum(all, one.uses.count));
        let last = retiring.iter().filter_map(|one| one.uses.last).max();
        let received = retiring.iter().filter_map(|one| one.uses.received).max();
        let current_last = current.iter().filter_map(|one| one.uses.last).max();
        let succeeded_at = current.iter().map(|one| one.created_at).max();
        Some(Self {
            until,
            // In doubt the older one: somebody still depends on it.
            last_used: match (current_last, last) {
                (None, None) => None,
                (current, retiring) if current > retiring => Some(Successor::Current),
                _ => Some(Successor::Retiring),
            },
            retiring: SecretUse {
                count,
                last,
                received,
            },
            quiet_for: last
                .max(succeeded_at)
                .map_or(Duration::ZERO, |since| now.since(since)),
        })
    }

    /// The more pressing of two: for a key and its shared secret, when both have a newer one.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        let worse = if other.quiet_for < self.quiet_for {
            other
        } else {
            self
        };
        Self {
            until: self.until.max(other.until),
            ..worse
        }
    }
}

fn sum(one: u64, other: u64) -> u64 {
    one.saturating_add(other).min(MAX_COUNT)
}
