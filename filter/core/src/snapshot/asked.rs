//! Keys of issuers that the registry was asked for, until the feed brings them.

use alloc::{string::String, vec::Vec};

use super::{
    Snapshot,
    issuers::{KeysVersion, Unpacked},
};
use crate::{
    feed::MAX_ISSUERS,
    gateway::access_tokens::{IssuerKeysAnswer, IssuerKeysQuestion},
    jwt::VerificationKey,
};

/// For how long after a question no other one is asked about the same issuer, in milliseconds: anybody can make up names of
/// keys.
pub const PAUSE_MS: u64 = 10_000;

/// What is to be done about a token whose key is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKey {
    /// Ask for it, or wait for the answer that is under way.
    Ask,
    /// Refuse it: the issuer was asked about a moment ago.
    Unknown,
    /// It cannot be told: the registry had no answer a moment ago.
    Unavailable,
}

/// The questions of the last while, and the keys that came of them.
#[derive(Debug, Default)]
pub(super) struct Asked(Vec<AboutIssuer>);

/// One issuer: there is one entry for each at most.
#[derive(Debug)]
struct AboutIssuer {
    issuer: String,
    at_ms: u64,
    state: State,
    /// Among which snapshot's issuers it was when it was asked about.
    generation: u32,
    answer: Option<Answered>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Answered,
    Unanswered,
}

#[derive(Debug)]
struct Answered {
    revision: u64,
    keys: Vec<VerificationKey>,
}

impl Asked {
    fn find(&self, issuer: &str) -> Option<&AboutIssuer> {
        self.0.iter().find(|asked| asked.issuer == issuer)
    }

    fn find_mut(&mut self, issuer: &str) -> Option<&mut AboutIssuer> {
        self.0.iter_mut().find(|asked| asked.issuer == issuer)
    }

    /// The keys that the registry told, where the feed has brought nothing since: never instead of newer ones.
    pub(super) fn keys(
        &self,
        issuer: &str,
        known: &Unpacked,
    ) -> Option<(&[VerificationKey], KeysVersion)> {
        let asked = self.find(issuer)?;
        let answer = asked.answer.as_ref()?;
        let is_newer = asked.generation == known.generation && answer.revision >= known.revision;
        is_newer.then(|| {
            let version = KeysVersion {
                answer: Some(answer.revision),
                ..known.version()
            };
            (answer.keys.as_slice(), version)
        })
    }

    /// Lets answers go that the feed has overtaken.
    pub(super) fn overtaken_by(&mut self, known: &Unpacked) {
        for asked in &mut self.0 {
            let is_older = |answer: &mut Answered| {
                asked.generation != known.generation || answer.revision < known.revision
            };
            asked.answer.take_if(is_older);
        }
    }
}

impl Snapshot {
    /// What is to be done about a token of this issuer whose key is not among those that are known.
    #[must_use]
    pub fn missing_key(&self, issuer: &str) -> MissingKey {
        let recent = self
            .asked
            .find(issuer)
            .filter(|asked| self.now_ms < asked.at_ms.saturating_add(PAUSE_MS));
        match recent.map(|asked| asked.state) {
            None | Some(State::Open) => MissingKey::Ask,
            Some(State::Answered) => MissingKey::Unknown,
            Some(State::Unanswered) => MissingKey::Unavailable,
        }
    }

    /// Notes that the registry is being asked for an issuer's keys, at `now_ms` of the monotonic clock.
    pub fn note_asked(&mut self, question: &IssuerKeysQuestion, now_ms: u64) {
        let generation = self.generation();
        if let Some(asked) = self.asked.find_mut(&question.issuer) {
            asked.at_ms = now_ms;
            asked.state = State::Open;
            // What it was told of an earlier snapshot says nothing about this one.
            if asked.generation != generation {
                asked.generation = generation;
                asked.answer = None;
            }
            return;
        }
        let asked = &mut self.asked.0;
        if asked.len() >= MAX_ISSUERS {
            asked.remove(0);
        }
        asked.push(AboutIssuer {
            issuer: question.issuer.clone(),
            at_ms: now_ms,
            state: State::Open,
            generation,
            answer: None,
        });
    }

    /// Takes the registry's answer; `None` when it knows no such issuer. Of the issuer in it the keys alone count: what is
    /// revoked, and how it names clients, comes by the feed.
    pub fn take_issuer_keys(
        &mut self,
        question: &IssuerKeysQuestion,
        answer: Option<IssuerKeysAnswer>,
    ) {
        let Some(asked) = self.asked.find_mut(&question.issuer) else {
            return;
        };
        asked.state = State::Answered;
        if let Some(answer) = answer
            && answer.issuer.name == asked.issuer
        {
            asked.answer = Some(Answered {
                revision: answer.revision,
                keys: answer.issuer.keys,
            });
        }
    }

    /// Notes that the registry has no answer.
    pub fn note_unanswered(&mut self, question: &IssuerKeysQuestion) {
        if let Some(asked) = self.asked.find_mut(&question.issuer) {
            asked.state = State::Unanswered;
        }
    }
}
