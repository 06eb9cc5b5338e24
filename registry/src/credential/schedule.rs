//! When a credential's next secret is due, and how that is announced.

use std::time::Duration;

use super::Credential;
use crate::{clock::Timestamp, error::InvalidField};

/// The shortest time between two rotations that can be asked for.
const MIN_EVERY: Duration = Duration::from_hours(1);
/// The longest: ten years.
const MAX_EVERY: Duration = Duration::from_hours(24 * 3650);

/// What a deployment decides about rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// The longest grace period.
    pub max_grace: Duration,
    /// Retiring secrets at most. With more, the oldest end.
    pub max_retiring: usize,
    /// After what time a new secret is due, for credentials that do not say it themselves; `None` for never.
    pub every: Option<Duration>,
    /// How long before that it is announced, but not in the first half of the time.
    pub warning: Duration,
}

impl Default for RotationPolicy {
    fn default() -> Self {
        Self {
            max_grace: Duration::from_hours(90 * 24),
            max_retiring: 1,
            every: None,
            warning: Duration::from_hours(14 * 24),
        }
    }
}

/// A credential's next rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// After what time a new secret is due, by the credential or else by the policy.
    pub every: Option<Duration>,
    /// When that is.
    pub due_at: Option<Timestamp>,
    /// How things stand.
    pub state: RotationState,
}

/// How a credential's next rotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationState {
    /// None is wanted, or the credential has expired and cannot have one.
    None,
    /// There is time.
    Fresh,
    /// It comes within the time of warning.
    DueSoon,
    /// It is time, until the owner rotates.
    Due,
}

impl RotationPolicy {
    /// When the credential's next secret is due.
    #[must_use]
    pub fn schedule(&self, credential: &Credential, now: Timestamp) -> Schedule {
        let every = credential.rotate_every.or(self.every);
        Schedule {
            every,
            due_at: every.map(|every| credential.rotated_at.after(every)),
            state: if credential.is_expired(now) {
                RotationState::None
            } else {
                self.age(credential, now)
            },
        }
    }

    /// How the age of the credential's secret stands, whether or not the credential has expired.
    pub(super) fn age(&self, credential: &Credential, now: Timestamp) -> RotationState {
        let Some(every) = credential.rotate_every.or(self.every) else {
            return RotationState::None;
        };
        let due = credential.rotated_at.after(every);
        if due <= now {
            RotationState::Due
        } else if due.before(self.warning_of(every)) <= now {
            RotationState::DueSoon
        } else {
            RotationState::Fresh
        }
    }

    /// How long before it is due a rotation is announced.
    #[must_use]
    pub fn warning_of(&self, every: Duration) -> Duration {
        self.warning.min(every / 2)
    }
}

/// Checks after what time a credential wants new secrets.
pub(super) fn every(every: Option<Duration>) -> Result<Option<Duration>, InvalidField> {
    if every.is_some_and(|every| !(MIN_EVERY..=MAX_EVERY).contains(&every)) {
        let (least, most) = (MIN_EVERY.as_secs(), MAX_EVERY.as_secs());
        return Err(InvalidField::new(
            "rotate_every",
            format!("must be {least} to {most} seconds"),
        ));
    }
    Ok(every)
}
