//! Which faults there were and when: from this follows what is excused, and for how long.

use std::time::Duration;

use crate::bounds::{DRAIN, LOST, PROPAGATION, REGISTRY_SETTLES, RELOAD, feed_stop};

#[cfg(test)]
mod tests;

/// A time on the run's own clock, counted from its beginning.
pub(crate) type Moment = Duration;

/// From when to when something lasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Moment,
    pub(crate) until: Moment,
}

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Requests that trap the worker they reach.
    WorkerTraps,
    /// Answers that trap whichever VM follows the feed.
    LeaderTraps,
    /// The listener gets other rules, of the same meaning.
    ListenerUpdate,
    /// A second listener of the same VM comes or goes.
    SecondListener,
    /// All listeners go, and come back.
    AllListeners,
    /// The listeners get another module of the same meaning, and so other VMs.
    AnotherModule,
    /// Envoy's process stands still.
    GatewayFrozen,
    /// The registry's answers come late.
    LateAnswers,
    /// The registry's answers are kept back, and come all at once.
    HeldAnswers,
    /// The registry's answers break off in the middle.
    CutAnswers,
    /// Connections to the registry are closed instead of answered.
    ClosedConnections,
    /// The registry answers with errors, or with what is no page.
    ErrorAnswers,
    /// Polls are accepted and never answered.
    LostAnswers,
    /// The registry's process stands still.
    RegistryFrozen,
    /// The registry is killed, and started again.
    RegistryKilled,
    /// The registry is killed, and started again with an earlier copy of its database.
    DatabaseRolledBack,
}

impl Kind {
    /// All but the last, which happens once in a run.
    pub(crate) const ORDINARY: [Self; 15] = [
        Self::WorkerTraps,
        Self::LeaderTraps,
        Self::ListenerUpdate,
        Self::SecondListener,
        Self::AllListeners,
        Self::AnotherModule,
        Self::GatewayFrozen,
        Self::LateAnswers,
        Self::HeldAnswers,
        Self::CutAnswers,
        Self::ClosedConnections,
        Self::ErrorAnswers,
        Self::LostAnswers,
        Self::RegistryFrozen,
        Self::RegistryKilled,
    ];

    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WorkerTraps => "worker traps",
            Self::LeaderTraps => "leader traps",
            Self::ListenerUpdate => "listener updated",
            Self::SecondListener => "second listener added or removed",
            Self::AllListeners => "all listeners removed",
            Self::AnotherModule => "module replaced",
            Self::GatewayFrozen => "gateway frozen",
            Self::LateAnswers => "registry answers late",
            Self::HeldAnswers => "registry's answers held back",
            Self::CutAnswers => "registry's answers cut",
            Self::ClosedConnections => "registry's connections closed",
            Self::ErrorAnswers => "registry answers errors",
            Self::LostAnswers => "registry's answers lost",
            Self::RegistryFrozen => "registry frozen",
            Self::RegistryKilled => "registry killed",
            Self::DatabaseRolledBack => "database rolled back",
        }
    }

    /// Whether Envoy is broken by its clients or its configuration; otherwise it is by what the registry answers.
    pub(crate) fn is_in_envoy(self) -> bool {
        matches!(self, Self::WorkerTraps | Self::GatewayFrozen) || self.moves_listeners()
    }

    fn traps(self) -> bool {
        matches!(self, Self::WorkerTraps | Self::LeaderTraps)
    }

    fn moves_listeners(self) -> bool {
        matches!(
            self,
            Self::ListenerUpdate | Self::SecondListener | Self::AllListeners | Self::AnotherModule
        )
    }

    /// Whether requests may be answered 503 around it. A new module or new rules are no excuse: the VMs that are there
    /// go on serving until those that come can.
    fn excuses_503(self) -> bool {
        self.traps() || self == Self::AllListeners
    }
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) began: Moment,
    /// `None` while it lasts.
    pub(crate) ended: Option<Moment>,
}

/// All faults of a run so far. A fault is noted before it is made, and its end after it was ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultLog(Vec<Fault>);

impl FaultLog {
    /// Notes that a fault begins, and gives its number.
    pub(crate) fn begin(&mut self, kind: Kind, now: Moment) -> usize {
        self.0.push(Fault {
            kind,
            began: now,
            ended: None,
        });
        self.0.len() - 1
    }

    /// Notes that it is over.
    pub(crate) fn end(&mut self, number: usize, now: Moment) {
        self.0[number].ended = Some(now);
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Fault] {
        &self.0
    }

    /// When every worker must obey a change that was acknowledged then. `None` while that cannot be told: a fault lasts.
    pub(crate) fn deadline(&self, acknowledged: Moment) -> Option<Moment> {
        let mut deadline = acknowledged + PROPAGATION;
        loop {
            let before = deadline;
            // A fault that begins before the change is through may hold it up until it is over.
            for fault in self.0.iter().filter(|fault| fault.began <= before) {
                let settled = fault.ended? + feed_stop(fault.kind);
                if settled >= acknowledged {
                    deadline = deadline.max(settled + PROPAGATION);
                }
            }
            if deadline == before {
                return Some(deadline);
            }
        }
    }

    /// Whether a request of this time may have been answered 503.
    pub(crate) fn excuse_503(&self, span: Span) -> bool {
        self.touch(span, |kind| kind.excuses_503().then_some(RELOAD))
    }

    /// Whether a request of this time may have got no answer because its connection was closed.
    pub(crate) fn excuse_cut(&self, span: Span) -> bool {
        self.touch(span, |kind| kind.moves_listeners().then_some(DRAIN))
    }

    /// Whether anything was broken then, or still settling.
    pub(crate) fn disturb(&self, span: Span) -> bool {
        self.touch(span, |kind| Some(feed_stop(kind)))
    }

    /// Whether the registry may have answered a change of this time with this status; `None` when there was no answer.
    pub(crate) fn excuse_registry(&self, status: Option<u16>, span: Span) -> bool {
        self.touch(span, |kind| match kind {
            // What was made since the copy is not there any more.
            Kind::DatabaseRolledBack if status == Some(404) => Some(LOST),
            Kind::RegistryFrozen | Kind::RegistryKilled | Kind::DatabaseRolledBack => {
                Some(REGISTRY_SETTLES)
            }
            _ => None,
        })
    }

    fn touch(&self, span: Span, lingers: impl Fn(Kind) -> Option<Duration>) -> bool {
        self.0.iter().any(|fault| {
            lingers(fault.kind).is_some_and(|longer| {
                fault.began <= span.until
                    && fault.ended.is_none_or(|ended| ended + longer >= span.from)
            })
        })
    }

    /// The fault that ended last before `moment` and could hold up what happened from `since` on.
    pub(crate) fn last_ended(&self, since: Moment, moment: Moment) -> Option<Fault> {
        let ended = |fault: &&Fault| {
            fault
                .ended
                .is_some_and(|ended| ended <= moment && ended + feed_stop(fault.kind) >= since)
        };
        self.0.iter().filter(ended).max_by_key(|f| f.ended).copied()
    }

    /// Whether any fault lasts at that time.
    pub(crate) fn lasts(&self, moment: Moment) -> bool {
        self.0
            .iter()
            .any(|fault| fault.began <= moment && fault.ended.is_none_or(|ended| ended > moment))
    }

    /// The faults around a time, for people.
    pub(crate) fn describe(&self, span: Span) -> String {
        let around = self.0.iter().filter(|fault| {
            let settled = fault.ended.map(|ended| ended + feed_stop(fault.kind));
            fault.began <= span.until && settled.is_none_or(|settled| settled >= span.from)
        });
        let texts: Vec<String> = around
            .map(|fault| {
                let began = fault.began.as_secs_f64();
                fault.ended.map_or_else(
                    || format!("{} since {began:.2}", fault.kind.name()),
                    |ended| {
                        format!(
                            "{} {began:.2}-{:.2}",
                            fault.kind.name(),
                            ended.as_secs_f64()
                        )
                    },
                )
            })
            .collect();
        if texts.is_empty() {
            "none".to_owned()
        } else {
            texts.join(", ")
        }
    }
}
