//! Holds one answer against what it should be.

use std::collections::HashMap;

use crate::{
    bounds::ANSWER,
    faults::{FaultLog, Span},
    history::History,
};

#[cfg(test)]
mod tests;

/// Envoy's own reason for a 503: a VM has trapped.
pub(crate) const VM_TRAPPED: &str = "wasm_fail_stream";

/// What came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answered {
    /// The status; `None` when the connection ended without an answer.
    pub(crate) status: Option<u16>,
    /// Envoy's reason: `keysmith_…` is the filter's, `wasm_fail_stream` is Envoy's own when a VM has trapped.
    pub(crate) details: String,
    /// Whether it says when to try again.
    pub(crate) has_retry_after: bool,
    /// Whom the upstream saw; empty when the request did not get there.
    pub(crate) consumer: String,
    /// The rest, for people.
    pub(crate) text: String,
}

/// Who asked, as far as it matters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'a> {
    /// Somebody with a key of which everything is known.
    Key {
        /// Its number in the run.
        key: usize,
        /// The application that it belongs to.
        owner: &'a str,
        /// What happened to it.
        history: &'a History,
    },
    /// Somebody with no key, or with one that never existed.
    Stranger,
}

/// An answer that was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// 200, as it should.
    Admitted,
    /// 401, as it should.
    Refused,
    /// 503 of the filter, close to a fault that excuses it.
    Unavailable,
    /// 503 of Envoy for a VM that had trapped, close to a fault that excuses it.
    VmTrapped,
    /// No answer, close to a fault that excuses it.
    Cut,
}

/// An answer that was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// What should have come.
    pub(crate) expected: &'static str,
}

/// How far one connection has come in the history of each key. A connection belongs to one worker, and a worker never
/// goes back: what it has refused since a deletion it never admits again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order(HashMap<usize, usize>);

/// Judges one answer.
pub(crate) fn judge(
    asked: Asked<'_>,
    answered: &Answered,
    span: Span,
    order: &mut Order,
    faults: &FaultLog,
) -> Result<Outcome, Wrong> {
    let outcome = judge_answer(asked, answered, span, order, faults)?;
    if span.until.saturating_sub(span.from) > ANSWER && !faults.disturb(span) {
        return wrong("an answer within two seconds: nothing is broken");
    }
    Ok(outcome)
}

fn judge_answer(
    asked: Asked<'_>,
    answered: &Answered,
    span: Span,
    order: &mut Order,
    faults: &FaultLog,
) -> Result<Outcome, Wrong> {
    match answered.status {
        Some(200) => admitted(asked, answered, span, order, faults),
        Some(401) => refused(asked, span, order, faults),
        Some(503) => unavailable(answered, span, faults),
        Some(_) => wrong("200, 401 or 503"),
        None if faults.excuse_cut(span) => Ok(Outcome::Cut),
        None => wrong("an answer"),
    }
}

fn admitted(
    asked: Asked<'_>,
    answered: &Answered,
    span: Span,
    order: &mut Order,
    faults: &FaultLog,
) -> Result<Outcome, Wrong> {
    let Asked::Key {
        key,
        owner,
        history,
    } = asked
    else {
        return wrong("401: nobody has this key");
    };
    if answered.consumer != owner {
        return wrong("the identity of the key's owner");
    }
    if order.explain(key, history, true, span, faults) {
        Ok(Outcome::Admitted)
    } else if history.explain(true, 0, span, faults).is_some() {
        wrong("401: this worker has refused the key since its last change")
    } else {
        wrong("401: every worker should know that the key is not valid")
    }
}

fn refused(
    asked: Asked<'_>,
    span: Span,
    order: &mut Order,
    faults: &FaultLog,
) -> Result<Outcome, Wrong> {
    let Asked::Key { key, history, .. } = asked else {
        return Ok(Outcome::Refused);
    };
    if order.explain(key, history, false, span, faults) {
        Ok(Outcome::Refused)
    } else if history.explain(false, 0, span, faults).is_some() {
        wrong("200: this worker has admitted the key since its last change")
    } else {
        wrong("200: every worker should know that the key is valid")
    }
}

fn unavailable(answered: &Answered, span: Span, faults: &FaultLog) -> Result<Outcome, Wrong> {
    let outcome = match answered.details.as_str() {
        VM_TRAPPED => Outcome::VmTrapped,
        details if details.starts_with("keysmith_") && answered.has_retry_after => {
            Outcome::Unavailable
        }
        _ => return wrong("a 503 that says why, and the filter's with Retry-After"),
    };
    if faults.excuse_503(span) {
        Ok(outcome)
    } else {
        wrong("200 or 401: no fault excuses a 503 here")
    }
}

fn wrong(expected: &'static str) -> Result<Outcome, Wrong> {
    Err(Wrong { expected })
}

impl Order {
    fn explain(
        &mut self,
        key: usize,
        history: &History,
        admitted: bool,
        span: Span,
        faults: &FaultLog,
    ) -> bool {
        let from = self.0.get(&key).copied().unwrap_or(0);
        let found = history.explain(admitted, from, span, faults);
        if let Some(found) = found {
            self.0.insert(key, found);
        }
        found.is_some()
    }
}
