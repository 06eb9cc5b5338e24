//! The state of one VM: its root contexts, the feeds they follow, and the requests that wait for an answer.
//!
//! Envoy gives listeners and plugins with an equal `vm_config` one VM for each thread, and while a listener is replaced
//! its old and new root contexts live side by side. So policies belong to roots, and what is followed belongs to feeds.

use filter_core::{
    config::{Config, Policy},
    denial::Reason,
};

use crate::{
    abi::{self, Buffer},
    callbacks::{self, Flow},
    feed::{Feed, answer::Answer, leader},
    metrics::Metrics,
    request::{self, Verdict},
    verify::{Pending, Waiting, Word},
};

/// A root that has not ticked for this long has lost its listener: its calls are gone, in milliseconds.
const GONE_AFTER_MS: u64 = 1500;
/// After this long its rules are dropped too; until then streams of a draining listener may come.
const FORGOTTEN_AFTER_MS: u64 = 3_600_000;

/// Everything that one VM knows.
#[derive(Debug, Default)]
pub(crate) struct Vm {
    roots: Vec<Root>,
    feeds: Vec<Feed>,
    metrics: Metrics,
    waiting: Waiting,
}

/// One configured plugin.
#[derive(Debug)]
pub(crate) struct Root {
    id: u32,
    pub(crate) policy: Policy,
    pub(crate) max_staleness_ms: Option<u64>,
    feed: usize,
    ticked_ms: u64,
    period: u32,
}

/// Whether the root still ticks.
fn is_alive(roots: &[Root], id: u32, now_ms: u64) -> bool {
    roots
        .iter()
        .any(|root| root.id == id && root.ticked_ms.saturating_add(GONE_AFTER_MS) > now_ms)
}

impl Vm {
    /// Takes a root's configuration, or says what is wrong with it.
    pub(crate) fn configure(&mut self, id: u32, length: usize) -> Result<(), String> {
        let json = abi::buffer(Buffer::PluginConfiguration, length)
            .map_err(|failure| format!("cannot be read: {failure:?}"))?;
        if abi::property(b"plugin_vm_id").is_ok_and(|id| id.is_empty()) {
            return Err(
                "vm_config.vm_id must be set: an empty one is shared with every other Wasm filter"
                    .to_owned(),
            );
        }
        let config = Config::parse(&json).map_err(|error| error.to_string())?;
        self.metrics.define();
        let max_staleness_ms = config
            .registry
            .max_staleness
            .map(|longest| u64::try_from(longest.as_millis()).unwrap_or(u64::MAX));
        let names = Feed::names(&config.registry)?;
        let known = self.feeds.iter().position(|feed| feed.is(&names));
        let feed = known.unwrap_or(self.feeds.len());
        if known.is_none() {
            let feed = Feed::new(config.registry, names, self.metrics.gauges)?;
            self.feeds.push(feed);
        }
        if let Some(feed) = self.feeds.get_mut(feed) {
            for name in config.policy.anonymous_applications() {
                feed.snapshot.watch_application(name);
            }
        }
        let now_ms = abi::monotonic_ms();
        self.roots.retain(|root| root.id != id);
        self.roots.push(Root {
            id,
            policy: config.policy,
            max_staleness_ms,
            feed,
            ticked_ms: now_ms,
            period: leader::BUSY_TICK_MS,
        });
        // The first tick comes soon, because nothing can be decided before it.
        abi::set_tick_period(leader::BUSY_TICK_MS);
        Ok(())
    }

    pub(crate) fn tick(&mut self, id: u32) {
        let now_ms = abi::monotonic_ms();
        self.roots.retain(|root| {
            root.id == id || root.ticked_ms.saturating_add(FORGOTTEN_AFTER_MS) > now_ms
        });
        let Some(root) = self.roots.iter_mut().find(|root| root.id == id) else {
            return;
        };
        root.ticked_ms = now_ms;
        let feed = root.feed;
        let Some(feed) = self.feeds.get_mut(feed) else {
            return;
        };
        let roots = &self.roots;
        feed.tick(id, now_ms, |other| is_alive(roots, other, now_ms));
        let period = feed.tick_period(now_ms);
        if let Some(root) = self.roots.iter_mut().find(|root| root.id == id)
            && root.period != period
        {
            root.period = period;
            abi::set_tick_period(period);
        }
        self.metrics.flush();
        let overdue = self
            .waiting
            .overdue(now_ms, |root| is_alive(&self.roots, root, now_ms));
        for pending in overdue {
            self.resume(&pending, Word::Unavailable, now_ms);
        }
    }

    pub(crate) fn queue_ready(&mut self, queue: u32) {
        let now_ms = abi::monotonic_ms();
        for feed in &mut self.feeds {
            if feed.woken(queue, now_ms) {
                return;
            }
        }
    }

    pub(crate) fn call_answered(&mut self, root: u32, call: u32, body_length: usize) {
        let answer = Answer::read(body_length);
        let now_ms = abi::monotonic_ms();
        if let Some(pending) = self.waiting.take(call) {
            self.resume(&pending, Word::read(&answer), now_ms);
            return;
        }
        let roots = &self.roots;
        if let Some(feed) = self.feeds.iter_mut().find(|feed| feed.owns(call)) {
            feed.answered(root, call, &answer, now_ms, |other| {
                is_alive(roots, other, now_ms)
            });
        }
    }

    pub(crate) fn request_headers(&mut self, stream: u32, root: Option<u32>) -> Flow {
        let Self {
            roots,
            feeds,
            metrics,
            waiting,
        } = self;
        let root = roots.iter().find(|known| Some(known.id) == root);
        let Some((root, feed)) = root.and_then(|root| Some((root, feeds.get_mut(root.feed)?)))
        else {
            return callbacks::refuse_unknown();
        };
        let verdict = request::handle(root, feed, metrics);
        let flow = verdict.flow();
        match verdict {
            Verdict::Asks(question) => {
                let now_ms = abi::monotonic_ms();
                let asked = waiting.ask(&feed.client, root.id, Some(stream), question, now_ms);
                if let Err(reason) = asked {
                    request::refuse_unverified(reason, metrics);
                }
            }
            Verdict::Passed(Some(question)) => {
                waiting.renew(&feed.client, root.id, question, abi::monotonic_ms());
            }
            Verdict::Passed(None) | Verdict::Answered => {}
        }
        flow
    }

    /// Takes up a request that waited for a verification.
    fn resume(&mut self, pending: &Pending, word: Word, now_ms: u64) {
        let Self {
            roots,
            feeds,
            metrics,
            ..
        } = self;
        let root = roots.iter().find(|known| known.id == pending.root);
        let Some((root, feed)) = root.and_then(|root| Some((root, feeds.get_mut(root.feed)?)))
        else {
            return;
        };
        let reason = match word {
            Word::Verified(verified) => {
                let answer = verified.answer(&pending.question, abi::wall_clock_ms());
                let verdicts = &mut feed.snapshot.verdicts;
                verdicts.answer(&pending.question.hash, &answer, now_ms);
                None
            }
            Word::Overloaded => Some(Reason::VerificationOverloaded),
            Word::Unavailable => Some(Reason::VerificationUnavailable),
        };
        // When the client has left, its context is gone, and the host would take what follows for another's request.
        let stream = pending
            .stream
            .filter(|stream| abi::set_effective_context(*stream).is_ok());
        if stream.is_some() {
            let verdict = match reason {
                Some(reason) => {
                    request::refuse_unverified(reason, metrics);
                    Verdict::Answered
                }
                None => request::handle(root, feed, metrics),
            };
            match verdict {
                Verdict::Passed(_) => {
                    let _ = abi::continue_request();
                }
                Verdict::Answered => {}
                // The credential has changed since it was asked about: one question is enough for one request.
                Verdict::Asks(_) => {
                    request::refuse_unverified(Reason::VerificationUnavailable, metrics);
                }
            }
        }
        feed.snapshot.verdicts.forget_answer();
    }
}
