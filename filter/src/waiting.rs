//! Requests that wait for the registry's word: about a chosen password, an issuer's keys, or a token.

use std::mem::discriminant;

use filter_core::{
    decide::{PasswordQuestion, Question},
    denial::Reason,
    gateway::{Verification, encode},
    snapshot::Snapshot,
};

use zeroize::Zeroizing;

use crate::{
    abi,
    feed::calls::{Call, Client},
};

/// Requests of one VM that wait at most for answers of one kind; beyond, they are refused at once. Each kind has its own
/// places, so that nobody can keep those with a password waiting by making up tokens.
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

/// A question, and who waits for the answer.
#[derive(Debug)]
pub(crate) struct Pending {
    call: Call,
    /// The root whose call it is: no answer comes when its listener goes.
    pub(crate) root: u32,
    /// The feed that the answer is for, by the VM's number for it.
    pub(crate) feed: u32,
    /// What was asked.
    pub(crate) question: Question,
    /// The streams that wait; none when a verdict is renewed.
    pub(crate) streams: Vec<Stream>,
}

/// A request that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    /// Its context.
    pub(crate) context: u32,
    /// The root whose rules it is under.
    pub(crate) root: u32,
}

/// Who asks: a root, and the feed that it follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    /// The root's number.
    pub(crate) root: u32,
    /// The feed's.
    pub(crate) feed: u32,
}

impl Waiting {
    /// Lets a request wait for the registry's answer, which may be asked for already.
    pub(crate) fn ask(
        &mut self,
        client: &Client,
        snapshot: &mut Snapshot,
        asker: Asker,
        context: u32,
        question: Question,
        now_ms: u64,
    ) -> Result<(), Reason> {
        if self.waiting_for(&question) >= MAX_WAITING {
            return Err(question.overloaded());
        }
        let root = asker.root;
        let stream = Stream { context, root };
        let asked = self.pending.iter_mut().find(|pending| {
            pending.feed == asker.feed && pending.question.is_answered_with(&question)
        });
        if let Some(asked) = asked {
            asked.streams.push(stream);
            return Ok(());
        }
        if let Question::IssuerKeys(question) = &question {
            snapshot.note_asked(question, now_ms);
        }
        let Some(call) = call(client, &question, now_ms) else {
            if let Question::IssuerKeys(question) = &question {
                snapshot.note_unanswered(question);
            }
            return Err(question.unanswered());
        };
        self.put(call, asker, question, vec![stream]);
        Ok(())
    }

    fn put(&mut self, call: Call, asker: Asker, question: Question, streams: Vec<Stream>) {
        self.pending.push(Pending {
            call,
            root: asker.root,
            feed: asker.feed,
            question,
            streams,
        });
    }

    /// How many requests wait for answers to questions of this kind.
    fn waiting_for(&self, question: &Question) -> usize {
        let kind = discriminant(question);
        self.pending
            .iter()
            .filter(|pending| discriminant(&pending.question) == kind)
            .map(|pending| pending.streams.len())
            .sum()
    }

    /// Asks again about a password that is known to be right, unless that is being done.
    pub(crate) fn renew(
        &mut self,
        client: &Client,
        asker: Asker,
        password: Box<PasswordQuestion>,
        now_ms: u64,
    ) {
        let mut renewals = 0;
        let mut is_asked = false;
        for pending in self.pending.iter().filter(|one| one.streams.is_empty()) {
            renewals += 1;
            is_asked |=
                matches!(&pending.question, Question::Password(one) if one.hash == password.hash);
        }
        if is_asked || renewals >= MAX_RENEWALS || now_ms < self.renew_from_ms {
            return;
        }
        let question = Question::Password(password);
        match call(client, &question, now_ms) {
            Some(call) => self.put(call, asker, question, Vec::new()),
            None => self.pause_renewals(now_ms),
        }
    }

    /// After a renewal without an answer: there is time until the verdict runs out.
    pub(crate) fn pause_renewals(&mut self, now_ms: u64) {
        self.renew_from_ms = now_ms.saturating_add(RENEWAL_PAUSE_MS);
    }

    /// What this call was made for.
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

/// Makes the call that asks the question; `None` when that is not possible.
fn call(client: &Client, question: &Question, now_ms: u64) -> Option<Call> {
    let (path, body) = match question {
        Question::Password(question) => {
            let verification = Verification {
                username: &question.username,
                password: &question.password,
                source: &source_address(),
            };
            ("/v1/gateway/verify", encode(&verification))
        }
        Question::IssuerKeys(question) => ("/v1/gateway/issuer-keys", encode(&**question)),
        Question::Introspection(token) => ("/v1/gateway/introspect", encode(&token.question)),
    };
    client.ask(path, &Zeroizing::new(body), now_ms).ok()
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
