//! How often clients may come: bounds on attempts to prove oneself, and on tokens.

use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::error::{Code, OauthError};
use crate::{clock::Timestamp, verification::limit::Limiter};

/// Clients and addresses that are counted at a time.
const COUNTED: usize = 65_536;

/// Failures a minute, for each address and each client.
const FAILURES: u32 = 60;

/// Counts. One for each process.
#[derive(Debug)]
pub struct Desk(Mutex<Counts>);

#[derive(Debug)]
struct Counts {
    tokens: Limiter,
    failures: Limiter,
}

impl Desk {
    /// Nobody has come yet. Each client gets so many tokens a minute.
    #[must_use]
    pub fn new(tokens_per_minute: u32) -> Self {
        Self(Mutex::new(Counts {
            tokens: Limiter::per_minute(tokens_per_minute, COUNTED),
            failures: Limiter::per_minute(FAILURES, COUNTED),
        }))
    }

    /// Counts a token.
    ///
    /// # Errors
    /// When the client has had its share.
    pub fn count_token(&self, client_id: &str, now: Timestamp) -> Result<(), OauthError> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = counts.tokens.take_many(tag("client", client_id), 1, now);
        wait.map_or(Ok(()), |wait| Err(OauthError::Limited { wait }))
    }

    /// Counts a failed attempt of a client to prove itself, and says what it is answered: its failure, or, once there were
    /// too many from where it comes, that it has to wait. What succeeds is not counted.
    pub fn count_failure(&self, source: &str, failure: OauthError, now: Timestamp) -> OauthError {
        let is_attempt = matches!(
            failure,
            OauthError::Refused {
                code: Code::InvalidClient,
                ..
            }
        );
        if !is_attempt {
            return failure;
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.failures.take_many(tag("source", source), 1, now) {
            Some(wait) => OauthError::Limited { wait },
            None => failure,
        }
    }

    /// Refuses an address from which too many failures came, before anything is looked at.
    ///
    /// # Errors
    /// When it has to wait.
    pub fn check_source(&self, source: &str, now: Timestamp) -> Result<(), OauthError> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = counts.failures.wait(&tag("source", source), now);
        wait.map_or(Ok(()), |wait| Err(OauthError::Limited { wait }))
    }
}

fn tag(what: &str, name: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(what)
        .chain_update([0])
        .chain_update(name)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn a_client_gets_its_share_of_tokens_and_others_theirs() {
        let desk = Desk::new(2);
        desk.count_token("a", NOW).unwrap();
        desk.count_token("a", NOW).unwrap();
        let refused = desk.count_token("a", NOW);
        assert!(matches!(refused, Err(OauthError::Limited { .. })));
        desk.count_token("b", NOW).unwrap();
    }

    #[test]
    fn whoever_guesses_has_to_wait_and_others_have_not() {
        let desk = Desk::new(2);
        let failure = || Code::InvalidClient.because("no");
        for _ in 0..FAILURES {
            let answer = desk.count_failure("192.0.2.1", failure(), NOW);
            assert!(matches!(answer, OauthError::Refused { .. }));
        }
        let answer = desk.count_failure("192.0.2.1", failure(), NOW);
        assert!(matches!(answer, OauthError::Limited { .. }));
        let refused = desk.check_source("192.0.2.1", NOW);
        assert!(matches!(refused, Err(OauthError::Limited { .. })));
        desk.check_source("192.0.2.2", NOW).unwrap();
        let later = NOW.after(std::time::Duration::from_secs(1));
        desk.check_source("192.0.2.1", later).unwrap();
    }
}
