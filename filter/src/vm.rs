//! The state of one VM: its root contexts, the feeds they follow, and the requests that wait for an answer.
//!
//! Envoy gives listeners and plugins with an equal `vm_config` one VM for each thread, and while a listener is replaced
//! its old and new root contexts live side by side. So policies belong to roots, and what is followed belongs to feeds.

use filter_core::{
    config::{Config, Registry, TokenSource},
    decide::Question,
    denial::Reason,
};

use crate::{
    abi::{self, Buffer},
    callbacks::{self, Flow},
    feed::{Feed, answer::Answer, leader},
    metrics::Metrics,
    request::{self, Verdict},
    roots::{Root, Roots},
    waiting::{Asker, Pending, Waiting},
    word,
};

/// Everything that one VM knows.
#[derive(Debug, Default)]
pub(crate) struct Vm {
    roots: Roots,
    feeds: Vec<(u32, Feed)>,
    feeds_made: u32,
    metrics: Metrics,
    waiting: Waiting,
}

fn find(feeds: &mut [(u32, Feed)], number: u32) -> Option<&mut Feed> {
    feeds
        .iter_mut()
        .find(|(known, _)| *known == number)
        .map(|(_, feed)| feed)
}

impl Vm {
    /// Takes a root's configuration, or says what is wrong with it.
    pub(crate) fn configure(&mut self, id: u32, length: usize) -> Result<(), String> {
        let json = abi::buffer(Buffer::PluginConfiguration, length)
            .map_err(|failure| format!("cannot be read: {failure:?}"))?;
        let config = Config::parse(&json).map_err(|error| error.to_string())?;
        refuse_guessable_names(&config.registry.token)?;
        self.metrics.define();
        let max_staleness_ms = config
            .registry
            .max_staleness
            .map(|longest| u64::try_from(longest.as_millis()).unwrap_or(u64::MAX));
        let (number, feed) = self.feed_for(config.registry)?;
        for name in config.policy.anonymous_applications() {
            feed.snapshot.watch_application(name);
        }
        self.roots.put(Root {
            id,
            policy: config.policy,
            max_staleness_ms,
            feed: number,
            period_ms: leader::BUSY_TICK_MS,
            ticked_ms: abi::monotonic_ms(),
        });
        // The first tick comes soon, because nothing can be decided before it.
        abi::set_tick_period(leader::BUSY_TICK_MS);
        Ok(())
    }

    /// The feed of this registry, group and token: one that is followed already, or a new one.
    fn feed_for(&mut self, registry: Registry) -> Result<(u32, &mut Feed), String> {
        let names = Feed::names(&registry)?;
        let known = self.feeds.iter().position(|(_, feed)| feed.is(&names));
        let at = known.unwrap_or(self.feeds.len());
        if known.is_none() {
            let feed = Feed::new(registry.clone(), names, self.metrics.of_feeds)?;
            self.feeds_made += 1;
            self.feeds.push((self.feeds_made, feed));
        }
        let (number, feed) = self.feeds.get_mut(at).ok_or("there is no feed")?;
        feed.reconfigure(registry)?;
        Ok((*number, feed))
    }

    pub(crate) fn tick(&mut self, id: u32) {
        let now_ms = abi::monotonic_ms();
        self.roots.tick(id, now_ms);
        let roots = &self.roots;
        let Some(number) = roots.get(id).map(|root| root.feed) else {
            return;
        };
        self.feeds.retain(|(number, _)| roots.follow(*number));
        let Some(feed) = find(&mut self.feeds, number) else {
            return;
        };
        feed.client.max_staleness_seconds = roots.max_staleness_ms(number).map(|ms| ms / 1000);
        feed.tick(id, now_ms, |other| roots.is_alive(other, now_ms));
        self.roots.set_period(id, feed.tick_period(now_ms));
        self.metrics.flush();
        let roots = &self.roots;
        let overdue = self
            .waiting
            .overdue(now_ms, |root| roots.is_alive(root, now_ms));
        for pending in overdue {
            self.resume(&pending, None, now_ms);
        }
    }

    pub(crate) fn queue_ready(&mut self, root: u32, queue: u32) {
        let now_ms = abi::monotonic_ms();
        let roots = &self.roots;
        let is_alive = |other| roots.is_alive(other, now_ms);
        let mut feeds = self.feeds.iter_mut().map(|(_, feed)| feed);
        if let Some(feed) =
            feeds.find_map(|feed| feed.woken(root, queue, now_ms, is_alive).then_some(&*feed))
        {
            let period_ms = feed.tick_period(now_ms);
            self.roots.set_period(root, period_ms);
        }
    }

    pub(crate) fn call_answered(&mut self, root: u32, call: u32, body_length: usize) {
        let answer = Answer::read(body_length);
        let now_ms = abi::monotonic_ms();
        if let Some(pending) = self.waiting.take(call) {
            self.resume(&pending, Some(&answer), now_ms);
            return;
        }
        let roots = &self.roots;
        let mut feeds = self.feeds.iter_mut().map(|(_, feed)| feed);
        if let Some(feed) = feeds.find(|feed| feed.owns(call)) {
            feed.answered(root, call, &answer, now_ms, |other| {
                roots.is_alive(other, now_ms)
            });
            let period_ms = feed.tick_period(now_ms);
            self.roots.set_period(root, period_ms);
        }
    }

    pub(crate) fn request_headers(&mut self, stream: u32, root: Option<u32>) -> Flow {
        let Self {
            roots,
            feeds,
            metrics,
            waiting,
            ..
        } = self;
        let root = root.and_then(|root| roots.get(root));
        let Some((root, feed)) = root.and_then(|root| Some((root, find(feeds, root.feed)?))) else {
            return callbacks::refuse_unknown();
        };
        let verdict = request::handle(root, feed, metrics);
        let flow = verdict.flow();
        let asker = Asker {
            root: root.id,
            feed: root.feed,
        };
        match verdict {
            Verdict::Asks(question) => {
                let now_ms = abi::monotonic_ms();
                let Feed {
                    client, snapshot, ..
                } = feed;
                let asked = waiting.ask(client, snapshot, asker, stream, question, now_ms);
                if let Err(reason) = asked {
                    request::refuse_unanswered(reason, metrics);
                }
            }
            Verdict::Passed(Some(question)) => {
                waiting.renew(&feed.client, asker, question, abi::monotonic_ms());
            }
            Verdict::Passed(None) | Verdict::Answered => {}
        }
        flow
    }

    /// Takes up the requests that waited for an answer, of which there may be none; or what came of a renewal.
    fn resume(&mut self, pending: &Pending, answer: Option<&Answer>, now_ms: u64) {
        let Self {
            roots,
            feeds,
            metrics,
            waiting,
            ..
        } = self;
        let Some(feed) = find(feeds, pending.feed) else {
            return;
        };
        let reason = word::take(&pending.question, answer, &mut feed.snapshot, now_ms);
        if pending.streams.is_empty() && reason.is_some() {
            waiting.pause_renewals(now_ms);
        }
        for stream in &pending.streams {
            // When the client has left, its context is gone, and the host would take what follows for another's request.
            if let Some(root) = roots.get(stream.root)
                && abi::set_effective_context(stream.context).is_ok()
            {
                decide_again(root, feed, metrics, &pending.question, reason);
            }
        }
        feed.snapshot.verdicts.forget_answer();
    }
}

/// Decides about a request that waited, whose context is current; `reason` says why that cannot be done.
fn decide_again(
    root: &Root,
    feed: &mut Feed,
    metrics: &mut Metrics,
    question: &Question,
    reason: Option<Reason>,
) {
    let verdict = match reason {
        None => request::handle(root, feed, metrics),
        Some(reason) => {
            request::refuse_unanswered(reason, metrics);
            Verdict::Answered
        }
    };
    match verdict {
        Verdict::Passed(_) => {
            // When even this fails the request stays where it is, and does not pass.
            let _ = abi::continue_request();
        }
        Verdict::Answered => {}
        // What it was asked about has changed since: one question is enough for one request.
        Verdict::Asks(_) => request::refuse_unanswered(question.unanswered(), metrics),
    }
}

/// Names in shared data are derived from the gateway token. Where the filter does not know it they can be guessed, and
/// an empty `vm_id` would open them to every other module that has none: such as all of Istio's.
fn refuse_guessable_names(token: &TokenSource) -> Result<(), String> {
    let has_no_id = abi::property(b"plugin_vm_id").is_ok_and(|id| id.is_empty());
    if matches!(token, TokenSource::Injected) && has_no_id {
        return Err(
            "registry.token: \"injected\" needs a vm_config.vm_id: without one other Wasm modules could guess where the \
             digests lie"
                .to_owned(),
        );
    }
    Ok(())
}
