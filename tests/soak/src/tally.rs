//! What a run has seen.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    faults::{Kind, Moment, Span},
    judge::Outcome,
    memory::Samples,
};

/// Violations that are told in full; the rest is counted.
const TOLD: usize = 20;

/// What kind of key a request presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// One that lives as long as the run.
    Steady,
    /// One that is made, disabled, enabled, rotated and deleted.
    Changing,
    /// One that was deleted or rotated away.
    Gone,
    /// One that is disabled and enabled to see how long that takes.
    Probe,
    /// None, or one that nobody has.
    Stranger,
}

/// An answer, or a delay, that nothing excuses.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) span: Span,
    pub(crate) request: String,
    pub(crate) expected: String,
    pub(crate) got: String,
    pub(crate) faults: String,
}

/// How long one change took until every worker obeyed it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Propagated {
    /// When the registry acknowledged it.
    pub(crate) at: Moment,
    /// From then on.
    pub(crate) took: Duration,
    /// The fault that ended last before, and how long after its end it took.
    pub(crate) after: Option<(Kind, Duration)>,
    /// Whether a fault still lasted at the end.
    pub(crate) during: bool,
    /// Whether any fault came near.
    pub(crate) disturbed: bool,
}

/// At how many looks, taken all the time, what was excused.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looks {
    pub(crate) all: u64,
    /// A change of that time had to be obeyed within the bound of an undisturbed feed.
    pub(crate) feed_was_due: u64,
    /// A request of that time had to be answered 200 or 401.
    pub(crate) no_503_excused: u64,
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) outcomes: BTreeMap<(Class, Outcome), u64>,
    /// The reasons of excused answers 503.
    pub(crate) reasons: BTreeMap<String, u64>,
    pub(crate) left_out: u64,
    pub(crate) changes_made: u64,
    pub(crate) changes_failed: BTreeMap<String, u64>,
    pub(crate) keys_left_out: usize,
    /// Requests that were answered as Envoy does when the VM has trapped.
    pub(crate) workers_trapped: u64,
    /// VMs that trapped on an answer of the registry, as Envoy's log says.
    pub(crate) leaders_trapped: u64,
    pub(crate) propagated: Vec<Propagated>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) violated: u64,
    pub(crate) envoy_memory: Samples,
    pub(crate) registry_memory: Samples,
    /// At how many looks what was excused.
    pub(crate) looks: Looks,
}

impl Tally {
    /// Counts an answer that was right, with Envoy's reason for it.
    pub(crate) fn note(&mut self, class: Class, outcome: Outcome, reason: &str) {
        if matches!(outcome, Outcome::Unavailable | Outcome::VmTrapped) {
            *self.reasons.entry(reason.to_owned()).or_default() += 1;
        }
        *self.outcomes.entry((class, outcome)).or_default() += 1;
    }

    /// Counts an answer about a key of which nothing is expected.
    pub(crate) fn note_left_out(&mut self) {
        self.left_out += 1;
    }

    /// Counts a change of which nobody knows whether it happened.
    pub(crate) fn note_failed_change(&mut self, why: &str) {
        let why: String = why.chars().take(60).collect();
        *self.changes_failed.entry(why).or_default() += 1;
    }

    /// Keeps a violation, and tells it at once.
    pub(crate) fn violate(&mut self, violation: Violation) {
        self.violated += 1;
        if self.violations.len() < TOLD {
            e2e::say(&format!("VIOLATION {}\n", violation.tell()));
            self.violations.push(violation);
        }
    }

    /// Notes what is excused at some time.
    pub(crate) fn note_look(&mut self, feed_is_due: bool, excuses_503: bool) {
        self.looks.all += 1;
        self.looks.feed_was_due += u64::from(feed_is_due);
        self.looks.no_503_excused += u64::from(!excuses_503);
    }

    /// How it goes, in a few words.
    pub(crate) fn so_far(&self) -> String {
        format!(
            "{} requests, {} changes, {} wrong",
            self.requests(),
            self.changes_made,
            self.violated
        )
    }

    /// How many requests were sent.
    pub(crate) fn requests(&self) -> u64 {
        self.outcomes.values().sum::<u64>() + self.left_out + self.violated
    }

    /// How many had this outcome.
    pub(crate) fn with(&self, outcome: Outcome) -> u64 {
        let counts = self
            .outcomes
            .iter()
            .filter(|((_, known), _)| *known == outcome);
        counts.map(|(_, count)| count).sum()
    }
}

impl Violation {
    /// For people.
    pub(crate) fn tell(&self) -> String {
        format!(
            "at {:.3}-{:.3} s\n  request:  {}\n  expected: {}\n  got:      {}\n  faults:   {}",
            self.span.from.as_secs_f64(),
            self.span.until.as_secs_f64(),
            self.request,
            self.expected,
            self.got,
            self.faults,
        )
    }
}
