//! What is remembered between questions, all of it bounded.

use std::{collections::HashMap, time::Duration};

use futures_util::future::{BoxFuture, Shared};

use super::{
    Outcome,
    limit::Limiter,
    memory::Memory,
    tag::{Tag, Tags},
};
use crate::{clock::Timestamp, config::Passwords, credential::Verdict, ids::CredentialId};

/// Verdicts, questions, names and addresses that are remembered at most, each.
const REMEMBERED: usize = 16_384;
/// For how long a user name with its password has its reserved place after it proved itself.
const RECENT: Duration = Duration::from_hours(24);

/// The credentials and versions that a user name stood for.
pub(super) type Basis = Vec<(CredentialId, u32)>;

/// An outcome that is being computed, for everybody who asked.
pub(super) type Answer = Shared<BoxFuture<'static, Outcome>>;

/// Verdicts, limits, and what is being computed.
pub(super) struct State {
    verdicts: Memory<Tag, Remembered>,
    /// Questions, and pairs of address and name, that proved themselves, and until when that counts.
    proven: Memory<Tag, Timestamp>,
    sources: Limiter,
    usernames: Limiter,
    running: HashMap<Tag, (Basis, Answer)>,
    remember: Duration,
}

/// A verdict, and the secrets it was made of: it holds as long as they are the same.
struct Remembered {
    basis: Basis,
    verdict: Verdict,
    until: Timestamp,
}

impl State {
    pub(super) fn new(limits: &Passwords) -> Self {
        Self {
            verdicts: Memory::new(REMEMBERED),
            proven: Memory::new(REMEMBERED),
            sources: Limiter::per_minute(limits.per_source, REMEMBERED),
            usernames: Limiter::per_minute(limits.per_username, REMEMBERED),
            running: HashMap::new(),
            remember: limits.remember,
        }
    }

    /// The verdict on the same question about the same secrets.
    pub(super) fn verdict(&self, tags: &Tags, basis: &Basis, now: Timestamp) -> Option<Verdict> {
        self.verdicts
            .get(&tags.question)
            .filter(|known| known.until > now && known.basis == *basis)
            .map(|known| known.verdict)
    }

    /// The computation that answers the same question about the same secrets.
    pub(super) fn running(&self, tags: &Tags, basis: &Basis) -> Option<Answer> {
        self.running
            .get(&tags.question)
            .filter(|(known, _)| known == basis)
            .map(|(_, answer)| answer.clone())
    }

    pub(super) fn begun(&mut self, tags: &Tags, basis: Basis, answer: Answer) {
        self.running.insert(tags.question, (basis, answer));
    }

    pub(super) fn ended(&mut self, question: &Tag) {
        self.running.remove(question);
    }

    /// Counts an attempt; answers how long to wait when there were too many.
    pub(super) fn limited(&mut self, tags: &Tags, now: Timestamp) -> Option<Duration> {
        // Whoever knows the password is slowed by nobody who does not, wherever they are.
        if self.is_proven(&tags.question, now) {
            return self.usernames.take(tags.question, now);
        }
        let source = tags
            .source
            .and_then(|source| self.sources.take(source, now));
        // A name that came from this address before, as with a new password, is not slowed by others elsewhere.
        let username = if self.is_proven(&tags.visitor, now) {
            tags.visitor
        } else {
            tags.username
        };
        source.or_else(|| self.usernames.take(username, now))
    }

    /// Whether this question or visitor proved itself not long ago.
    pub(super) fn is_proven(&self, tag: &Tag, now: Timestamp) -> bool {
        self.proven.get(tag).is_some_and(|until| *until > now)
    }

    pub(super) fn remember(&mut self, tags: &Tags, basis: Basis, verdict: Verdict, now: Timestamp) {
        let mut until = now.after(self.remember);
        if let Verdict::Verified { until: end, .. } = verdict {
            until = end.map_or(until, |end| end.min(until));
            self.proven.insert(tags.question, now.after(RECENT));
            self.proven.insert(tags.visitor, now.after(RECENT));
        } else if self.is_proven(&tags.question, now) {
            // The password was right once, and is not any more.
            self.proven.insert(tags.question, now);
        }
        let remembered = Remembered {
            basis,
            verdict,
            until,
        };
        self.verdicts.insert(tags.question, remembered);
    }
}
