//! Requests that wait while the registry verifies a chosen password.

use filter_core::{
    decide::Question,
    denial::Reason,
    gateway::{Verification, Verified},
    verdicts::Verdicts,
};

use crate::{
    abi,
    feed::{
        answer::Answer,
        calls::{Call, Client},
    },
};

/// Requests of one VM that wait at most; beyond, they are refused at once.
const MAX_WAITING: usize = 64;

/// Renewals under way at most: they must not take the places of requests that wait.
const MAX_RENEWALS: usize = 16;

/// The pause after a renewal that the registry could not answer, in milliseconds.
const RENEWAL_PAUSE_MS: u64 = 10_000;

/// The requests that wait, and the renewals that nobody waits for.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pending: Vec<Pending>,
    renew_from_ms: u64,
}

/// A request that waits, and what for.
#[derive(Debug)]
pub(crate) struct Pending {
    call: Call,
    /// The stream that waits; `None` when a verdict is renewed and nobody does.
    pub(crate) stream: Option<u32>,
    /// The root whose rules it is under, and whose call it is: no answer comes when its listener goes.
    pub(crate) root: u32,
    /// What was asked.
    pub(crate) question: Question,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// It answered yes or no.
    Verified(Verified),
    /// The registry has too much to do.
    Overloaded,
    /// The registry did not answer.
    Unavailable,
}

impl Waiting {
    /// Asks the registry.
    pub(crate) fn ask(
        &mut self,
        client: &Client,
        root: u32,
        stream: Option<u32>,
        question: Question,
        now_ms: u64,
    ) -> Result<(), Reason> {
        if self.pending.len() >= MAX_WAITING {
            return Err(Reason::VerificationOverloaded);
        }
        let verification = Verification {
            username: &question.username,
            password: &question.password,
            source: &source_address(),
        };
        let call = client
            .verify(&verification, now_ms)
            .map_err(|_| Reason::VerificationUnavailable)?;
        self.pending.push(Pending {
            call,
            stream,
            root,
            question,
        });
        Ok(())
    }

    /// Asks again about a password that is known to be right, unless that is being done.
    pub(crate) fn renew(&mut self, client: &Client, root: u32, question: Question, now_ms: u64) {
        let renewals = || {
            self.pending
                .iter()
                .filter(|pending| pending.stream.is_none())
        };
        let is_asked = renewals().any(|pending| pending.question.hash == question.hash);
        if is_asked || renewals().count() >= MAX_RENEWALS || now_ms < self.renew_from_ms {
            return;
        }
        if self.ask(client, root, None, question, now_ms).is_err() {
            self.pause_renewals(now_ms);
        }
    }

    /// After a renewal without an answer: there is time until the verdict runs out.
    pub(crate) fn pause_renewals(&mut self, now_ms: u64) {
        self.renew_from_ms = now_ms.saturating_add(RENEWAL_PAUSE_MS);
    }

    /// The request that waited for this call.
    pub(crate) fn take(&mut self, call: u32) -> Option<Pending> {
        let at = self
            .pending
            .iter()
            .position(|pending| pending.call.id == call)?;
        Some(self.pending.swap_remove(at))
    }

    /// Those whose answer will not come any more.
    pub(crate) fn overdue(&mut self, now_ms: u64, is_alive: impl Fn(u32) -> bool) -> Vec<Pending> {
        self.pending
            .extract_if(.., |pending| {
                pending.call.deadline_ms <= now_ms || !is_alive(pending.root)
            })
            .collect()
    }
}

impl Word {
    /// Lets the VM remember a yes or a no; returns why there is neither.
    pub(crate) fn take(
        self,
        question: &Question,
        verdicts: &mut Verdicts,
        now_ms: u64,
    ) -> Option<Reason> {
        match self {
            Self::Verified(verified) => match verified.answer(question, abi::wall_clock_ms()) {
                Some(answer) => {
                    verdicts.answer(&question.hash, &answer, now_ms);
                    None
                }
                None => Some(Reason::VerificationUnavailable),
            },
            Self::Overloaded => Some(Reason::VerificationOverloaded),
            Self::Unavailable => Some(Reason::VerificationUnavailable),
        }
    }

    /// Reads the registry's answer.
    pub(crate) fn read(answer: &Answer) -> Self {
        match (answer.status, Verified::decode(&answer.body)) {
            (200, Some(verified)) => Self::Verified(verified),
            (429 | 503, _) => Self::Overloaded,
            _ => Self::Unavailable,
        }
    }
}

/// The client's address, for the registry's limits.
fn source_address() -> String {
    abi::property(b"source\0address")
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.parse::<std::net::SocketAddr>().ok())
        .map(|address| address.ip().to_string())
        .unwrap_or_default()
}
