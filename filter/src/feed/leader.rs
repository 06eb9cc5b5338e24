//! What the VM that holds the lease does: polls the registry, writes what comes into shared data, wakes the workers,
//! and acknowledges what all of them have.

use filter_core::{
    head::Head,
    lease::{self, Lease, Step},
    names::Names,
    sync,
};

use super::{
    acknowledge::{Acknowledgements, Progress},
    answer::Answer,
    apply::Applying,
    calls::{Call, Client},
    pause,
    usage::reports::UsageReports,
    wake::Wakes,
};
use crate::{
    abi::{self, Level},
    metrics::FeedMetrics,
    shared::{self, Change},
};

/// The first and the longest pause after a failed poll, in milliseconds.
const BACKOFF_MS: (u64, u64) = (250, 5000);
/// How many polls in a row may vanish without an answer before another VM should try.
const MAX_LOST_POLLS: u32 = 2;

/// A VM's part in leading. Every VM has one; it matters while the VM holds the lease.
#[derive(Debug)]
pub(crate) struct Leader {
    vm: u64,
    term: Option<u64>,
    poll: Poll,
    failures: u32,
    lost: u32,
    has_more: bool,
    acknowledgements: Acknowledgements,
    usage: UsageReports,
    /// How many reports were sent in this term.
    reports: u64,
    wakes: Wakes,
    complaint: String,
}

/// What the leader does for the next position in the log: one thing at a time.
#[derive(Debug)]
enum Poll {
    Due(u64),
    Waiting {
        call: Call,
        root: u32,
        cursor: String,
    },
    /// Answered, and not yet all in shared data.
    Applying(Box<Applying>),
}

impl Leader {
    pub(crate) fn new(vm: u64) -> Self {
        Self {
            vm,
            term: None,
            poll: Poll::Due(0),
            failures: 0,
            lost: 0,
            has_more: false,
            acknowledgements: Acknowledgements::default(),
            usage: UsageReports::default(),
            reports: 0,
            wakes: Wakes::default(),
            complaint: String::new(),
        }
    }

    /// Takes or renews the lease. True while this VM leads.
    pub(crate) fn hold_lease(&mut self, names: &Names, now_ms: u64) -> bool {
        let name = names.lease();
        let Ok((value, cas)) = shared::read(&name) else {
            self.step_down(now_ms);
            return false;
        };
        let current = value.as_deref().and_then(Lease::decode);
        let may_renew = self.lost < MAX_LOST_POLLS;
        let held = match Lease::step(current, self.vm, now_ms, may_renew) {
            Step::Follow => None,
            Step::Lead(lease) => Some(lease),
            Step::Write(lease) => abi::set_shared_data(&name, &lease.encode(), cas)
                .is_ok()
                .then_some(lease),
        };
        match held {
            None => self.step_down(now_ms),
            Some(lease) if self.term == Some(lease.term) => {}
            Some(lease) => self.take_over(names, lease.term, now_ms),
        }
        self.term.is_some()
    }

    fn step_down(&mut self, now_ms: u64) {
        self.term = None;
        self.poll = Poll::Due(now_ms);
        // Another VM has had its turn by the time this one may lead again.
        self.lost = 0;
    }

    /// Puts the term into the head, so that an older leader's write fails.
    fn take_over(&mut self, names: &Names, term: u64, now_ms: u64) {
        let change = shared::update(&names.head(), |value| {
            let head = value.and_then(Head::decode).unwrap_or_default();
            (head.term < term).then(|| Head { term, ..head }.encode())
        });
        if change == Change::Written {
            self.term = Some(term);
            self.poll = Poll::Due(now_ms);
            self.acknowledgements = Acknowledgements::default();
            self.usage = UsageReports::default();
            self.reports = 0;
        } else {
            self.term = None;
        }
    }

    /// Polls when it is time, gives up on what is overdue, and acknowledges. `is_alive` tells whether a root still
    /// ticks: the calls of one that does not are gone.
    pub(crate) fn work(
        &mut self,
        client: &Client,
        names: &Names,
        root: u32,
        now_ms: u64,
        is_alive: impl Fn(u32) -> bool,
    ) {
        if let Poll::Waiting {
            call, root: owner, ..
        } = &self.poll
        {
            let overdue = call.deadline_ms <= now_ms;
            if overdue || !is_alive(*owner) {
                self.lost = self.lost.saturating_add(u32::from(overdue));
                self.poll = Poll::Due(now_ms);
            }
        }
        if matches!(self.poll, Poll::Due(at_ms) if at_ms <= now_ms) {
            self.start_poll(client, names, root, now_ms);
        }
        self.acknowledge(client, names, now_ms);
        self.report_usage(client, names, now_ms);
    }

    fn start_poll(&mut self, client: &Client, names: &Names, root: u32, now_ms: u64) {
        let Some((head, _)) = self.own_head(names) else {
            return;
        };
        let waits = !head.is_loading() && !self.has_more;
        match client.poll(&head.cursor, waits, now_ms) {
            Ok(call) => {
                self.poll = Poll::Waiting {
                    call,
                    root,
                    cursor: head.cursor,
                }
            }
            Err(failure) => self.fail(
                &format!("cannot call the registry's cluster: {failure:?}"),
                now_ms,
            ),
        }
    }

    /// The head, while it carries this leader's term.
    fn own_head(&self, names: &Names) -> Option<(Head, u32)> {
        let (value, cas) = shared::read(&names.head()).ok()?;
        let head = value.as_deref().and_then(Head::decode)?;
        (Some(head.term) == self.term).then_some((head, cas))
    }

    fn fail(&mut self, complaint: &str, now_ms: u64) {
        if self.complaint != complaint {
            abi::log(Level::Warn, &format!("keysmith: {complaint}"));
            complaint.clone_into(&mut self.complaint);
        }
        let (first, longest) = BACKOFF_MS;
        let pause = pause::after(self.failures, first, longest);
        self.failures = self.failures.saturating_add(1);
        self.poll = Poll::Due(now_ms + pause);
    }

    /// After a page that leaves nothing open. Pages of a load do not count: one that always breaks off at the same page
    /// must slow down.
    fn recover(&mut self) {
        if !self.complaint.is_empty() {
            abi::log(Level::Info, "keysmith: the registry answers again");
            self.complaint.clear();
        }
        self.failures = 0;
    }

    /// Whether this call is the poll or a report under way.
    pub(crate) fn owns(&self, call: u32) -> bool {
        let polls = matches!(&self.poll, Poll::Waiting { call: own, .. } if own.id == call);
        polls || self.acknowledgements.owns(call) || self.usage.owns(call)
    }

    /// Takes the answer to a call that it [owns](Self::owns). True when the shared snapshot changed.
    pub(crate) fn answered(
        &mut self,
        client: &Client,
        names: &Names,
        metrics: &FeedMetrics,
        call: u32,
        answer: &Answer,
        now_ms: u64,
    ) -> bool {
        if self.acknowledgements.answered(call, answer, now_ms) {
            return false;
        }
        if self.usage.owns(call) {
            let interval_ms = client.usage_interval_ms();
            self.usage.answered(names, answer, interval_ms, now_ms);
            return false;
        }
        let cursor = match std::mem::replace(&mut self.poll, Poll::Due(now_ms)) {
            Poll::Waiting { cursor, .. } => cursor,
            other => {
                self.poll = other;
                return false;
            }
        };
        self.lost = 0;
        match self.begin(names, &cursor, answer) {
            Ok(Some(applying)) => {
                self.poll = Poll::Applying(Box::new(applying));
                self.advance(names, metrics, now_ms)
            }
            Ok(None) => false,
            Err(complaint) => {
                self.fail(&complaint, now_ms);
                false
            }
        }
    }

    /// What an answer makes of shared data. `None` when it belongs to a position that is past.
    fn begin(
        &mut self,
        names: &Names,
        cursor: &str,
        answer: &Answer,
    ) -> Result<Option<Applying>, String> {
        let page = answer.page()?;
        self.has_more = page.more;
        if sync::begins(&page) && !self.claim(names, cursor) {
            return Ok(None);
        }
        let Some((mut head, cas)) = self
            .own_head(names)
            .filter(|(head, _)| head.cursor == cursor)
        else {
            return Ok(None);
        };
        Applying::new(&head, cas, page).map(Some).map_err(|error| {
            head.restart();
            let _ = abi::set_shared_data(&names.head(), &head.encode(), cas);
            error.to_string()
        })
    }

    /// Whether a page is not yet all in shared data.
    pub(crate) const fn is_applying(&self) -> bool {
        matches!(self.poll, Poll::Applying(_))
    }

    /// Applies some more of the page that is under way. True when the shared snapshot changed.
    pub(crate) fn advance(&mut self, names: &Names, metrics: &FeedMetrics, now_ms: u64) -> bool {
        let Poll::Applying(applying) = &mut self.poll else {
            return false;
        };
        let applied = match applying.step(names) {
            Ok(false) => return false,
            Ok(true) => applying.swap(names),
            Err(failed) => Err(failed),
        };
        let is_news = applying.is_news();
        self.poll = Poll::Due(now_ms);
        match applied {
            Ok(Some(head)) => self.tell(names, metrics, &head, is_news, now_ms),
            // Overtaken at the last moment; the other leader applies the same page again.
            Ok(None) => false,
            Err(failed) => {
                self.fail(&failed.to_string(), now_ms);
                false
            }
        }
    }

    /// Tells of a page that is in shared data. True when the workers have something to look at.
    fn tell(
        &mut self,
        names: &Names,
        metrics: &FeedMetrics,
        head: &Head,
        is_news: bool,
        now_ms: u64,
    ) -> bool {
        if head.loading.is_none() {
            self.recover();
            // Only a complete snapshot makes what is served younger.
            let _ = abi::set_shared_data(&names.contact(), &now_ms.to_le_bytes(), 0);
            metrics.snapshot_is_current(head.revision);
        }
        if is_news {
            self.acknowledgements.note_change(now_ms);
            self.wakes.wake(names, self.vm, head.announced, now_ms);
        }
        is_news
    }

    fn claim(&self, names: &Names, cursor: &str) -> bool {
        let Some((mut head, cas)) = self
            .own_head(names)
            .filter(|(head, _)| head.cursor == cursor)
        else {
            return false;
        };
        head.claim();
        abi::set_shared_data(&names.head(), &head.encode(), cas).is_ok()
    }

    /// Acknowledges what the workers have, when it is time.
    pub(crate) fn acknowledge(&mut self, client: &Client, names: &Names, now_ms: u64) {
        if let (Some(term), Some((head, _))) = (self.term, self.own_head(names)) {
            let sequence = self.next_report(term);
            let is_sent = self
                .acknowledgements
                .send(client, names, &head, sequence, now_ms);
            self.reports += u64::from(is_sent);
        }
    }

    /// Tells what credentials were used for, when it is time: in reports of its own, so that no acknowledgement waits.
    fn report_usage(&mut self, client: &Client, names: &Names, now_ms: u64) {
        let gives_way = self.acknowledgements.are_awaited(now_ms);
        let interval_ms = client.usage_interval_ms();
        let Some(parcel) = self.usage.due(names, gives_way, interval_ms, now_ms) else {
            return;
        };
        if let (Some(term), Some((head, _))) = (self.term, self.own_head(names)) {
            let progress = Progress::read(names, &head, now_ms);
            let sequence = self.next_report(term);
            let call = client.report(sequence, &progress, &parcel.batches, now_ms);
            self.reports += u64::from(call.is_ok());
            self.usage.sent(&parcel, call, now_ms);
        }
    }

    /// Rises over all leaders of this start of the process.
    const fn next_report(&self, term: u64) -> u64 {
        (term << 32) | (self.reports + 1)
    }

    /// Whether this VM should be called again soon: an acknowledgement is awaited, or a page is not yet applied.
    pub(crate) fn is_busy(&self, now_ms: u64) -> bool {
        let is_awaiting = self.term.is_some() && self.acknowledgements.are_awaited(now_ms);
        is_awaiting || self.is_applying()
    }
}

/// How often a VM looks after itself, in milliseconds.
pub(crate) const TICK_MS: u32 = 250;
/// The same while an acknowledgement is awaited.
pub(crate) const BUSY_TICK_MS: u32 = 50;
const _: () = assert!(TICK_MS as u64 <= lease::RENEW_MS);
