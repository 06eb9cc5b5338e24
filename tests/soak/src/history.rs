//! What happened to one key, and which answers that explains.

use crate::faults::{FaultLog, Moment, Span};

#[cfg(test)]
mod tests;

/// From one change on, the key is to be admitted or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// What the gateway is to do with the key.
    pub(crate) admits: bool,
    /// From when on a worker may know of it.
    sent: Moment,
    /// When the registry had answered that it is done. `None` as long as it has not: then it may have been done, or not.
    acknowledged: Option<Moment>,
}

/// All changes of one key, in order. The first is that nobody knew it.
#[derive(Clone, Debug)]
pub(crate) struct History(Vec<Change>);

impl History {
    /// Of a key that nobody knows.
    pub(crate) fn new() -> Self {
        Self(vec![Change {
            admits: false,
            sent: Moment::ZERO,
            acknowledged: Some(Moment::ZERO),
        }])
    }

    /// Notes that the registry is about to be asked for a change, and gives its number.
    pub(crate) fn begin(&mut self, admits: bool, sent: Moment) -> usize {
        self.0.push(Change {
            admits,
            sent,
            acknowledged: None,
        });
        self.0.len() - 1
    }

    /// Notes that the registry has done it.
    pub(crate) fn acknowledge(&mut self, number: usize, at: Moment) {
        self.0[number].acknowledged = Some(at);
    }

    /// Whether any change may have been done after this.
    pub(crate) fn may_have_changed_since(&self, moment: Moment) -> bool {
        let last = self.0.last();
        last.is_some_and(|change| change.acknowledged.is_none_or(|at| at > moment))
    }

    /// The first change, not before `from`, that explains why a request of that time was admitted, or refused. It does so
    /// when it may have been in force: already sent, and what came after it not yet due at every worker.
    pub(crate) fn explain(
        &self,
        admitted: bool,
        from: usize,
        span: Span,
        faults: &FaultLog,
    ) -> Option<usize> {
        let mut found = None;
        for (number, change) in self.0.iter().enumerate().skip(from).rev() {
            if change.sent <= span.until && change.admits == admitted {
                found = Some(number);
            }
            let due = change.acknowledged.and_then(|at| faults.deadline(at));
            // Every worker obeys this by now, so nothing earlier is in force.
            if due.is_some_and(|due| due < span.from) {
                break;
            }
        }
        found
    }
}

impl History {
    /// The last changes, for people.
    pub(crate) fn describe(&self) -> String {
        let first = self.0.len().saturating_sub(3);
        let texts: Vec<String> = self.0[first..]
            .iter()
            .map(|change| {
                let what = if change.admits { "valid" } else { "not valid" };
                let done = change.acknowledged.map_or_else(
                    || "never acknowledged".to_owned(),
                    |at| format!("acknowledged {:.3} s", at.as_secs_f64()),
                );
                format!("{what} from {:.3} s, {done}", change.sent.as_secs_f64())
            })
            .collect();
        texts.join("; ")
    }
}
