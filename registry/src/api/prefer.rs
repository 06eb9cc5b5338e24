//! `Prefer: wait=N` (RFC 7240): an answer that comes when all gateways have the change.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};

use super::{AppState, answer::Answer, problem::Problem, propagation::PropagationBody};
use crate::propagation::{self, Change, MAX_WAIT};

const HEADER: &str = "Prefer";

/// For how long the caller would like to wait for gateways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefer(Option<Duration>);

impl<S: Send + Sync> FromRequestParts<S> for Prefer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(longest(&parts.headers)))
    }
}

/// The wait that is preferred, at most [`MAX_WAIT`]. What cannot be read is no preference.
pub(super) fn longest(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(HEADER).iter();
    let mut preferences = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        // Of a preference that has parameters, only its value.
        .filter_map(|preference| preference.split(';').next()?.split_once('='));
    // The first counts where there are several.
    let (_, value) = preferences.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    let value = value.trim();
    let quoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let seconds = quoted.unwrap_or(value);
    if seconds.is_empty() || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More than any number is more than the most.
    let seconds = seconds.parse().unwrap_or(u64::MAX);
    Some(Duration::from_secs(seconds).min(MAX_WAIT))
}

impl Prefer {
    /// The answer with how far its change has come, once all gateways have it or the time is over; as it is where nobody asked.
    /// When too many wait already it says at once what is known, and that no preference was applied.
    pub(crate) async fn settle(self, app: &AppState, answer: Answer) -> Result<Answer, Problem> {
        let Some(longest) = self.0 else {
            return Ok(answer);
        };
        let Some(revision) = answer.revision() else {
            // Nothing was changed that gateways see: there is nothing to wait for, and nothing is said of earlier changes.
            return Ok(answer.with("propagation", &None::<PropagationBody>)?);
        };
        let change = match propagation::change(app.environment(), revision).await {
            Ok(Some(change)) => change,
            Ok(None) => return Ok(answer.with("propagation", &None::<PropagationBody>)?),
            Err(error) => {
                // The change is made, and its answer may hold a secret that is shown this once: no preference is worth that.
                tracing::warn!(%error, revision, "a change could not be waited for");
                return Ok(answer);
            }
        };
        let (propagation, waited) = receipt(app, &change, longest).await;
        let answer = answer.with("propagation", &PropagationBody::from(propagation))?;
        Ok(if waited {
            answer.after_waiting(longest)
        } else {
            answer
        })
    }
}

/// Waits until the gateways that are heard of have the change, but no longer than this.
pub(super) async fn until_applied(app: &AppState, revision: u64, longest: Duration) {
    match propagation::change(app.environment(), revision).await {
        Ok(Some(change)) => {
            receipt(app, &change, longest).await;
        }
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(%error, revision, "a change could not be waited for");
        }
    }
}

/// How far the change has come, and whether that was waited for.
async fn receipt(
    app: &AppState,
    change: &Change,
    longest: Duration,
) -> (propagation::Propagation, bool) {
    let env = app.environment();
    let (gateways, shutdown) = (app.gateways(), app.shutdown().wait());
    let waited = propagation::wait(gateways, change, &*env.clock, longest, shutdown).await;
    match waited {
        Some(propagation) => (propagation, true),
        None => (propagation::now(gateways, change, env.now()), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_as_the_rfc_says_and_anything_else_is_no_preference() {
        for (values, seconds) in [
            (&["wait=10"][..], Some(10)),
            (&["respond-async, WAIT = \"7\" ; x=1"], Some(7)),
            (&["return=minimal", "wait=0"], Some(0)),
            (&["wait=3, wait=5"], Some(3)),
            (&["wait=31"], Some(30)),
            (&["wait=99999999999999999999999"], Some(30)),
            (&["wait=-1"], None),
            (&["wait"], None),
            (&["wait="], None),
            (&["wait=ten"], None),
            (&["waits=1"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, value.parse().unwrap());
            }
            assert_eq!(
                longest(&headers),
                seconds.map(Duration::from_secs),
                "{values:?}"
            );
        }
    }
}
