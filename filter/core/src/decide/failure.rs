//! What is said when no method of a rule succeeds.

use crate::{
    denial::{Method, Reason},
    usage::Used,
};

/// What every accepted method together came to.
#[derive(Clone, Copy)]
pub(super) struct Failure {
    pub(super) reason: Reason,
    pub(super) method: Method,
    /// Whether a bearer token was presented, and is bad.
    pub(super) bad_token: bool,
    /// The use of a credential that is known, but not good now: of the first that was presented.
    pub(super) used: Option<Used>,
}

/// What the tried methods said, none of which succeeded.
#[derive(Default)]
pub(super) struct Failures {
    tried: u8,
    first: Option<(Method, Reason)>,
    invalid: Option<(Method, Reason)>,
    bad_token: bool,
}

impl Failures {
    pub(super) fn note(&mut self, method: Method, reason: Reason) {
        let is_missing = matches!(
            reason,
            Reason::KeyMissing | Reason::AuthorizationMissing | Reason::TokenMissing
        );
        self.tried = self.tried.saturating_add(1);
        self.first = self.first.or(Some((method, reason)));
        if !is_missing {
            self.invalid = self.invalid.or(Some((method, reason)));
            self.bad_token |= method == Method::Bearer;
        }
    }

    /// A wrong credential says more than a missing one.
    pub(super) fn sum(self, used: Option<Used>) -> Failure {
        let nothing = (Method::None, Reason::CredentialMissing);
        let alone = self.first.filter(|_| self.tried == 1);
        let (method, reason) = self.invalid.or(alone).unwrap_or(nothing);
        Failure {
            reason,
            method,
            bad_token: self.bad_token,
            used,
        }
    }
}
