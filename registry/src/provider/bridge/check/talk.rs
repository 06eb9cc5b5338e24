//! What is kept while a bridge is tried: what came of each step, what must not be shown, and what has to be removed.

use axum::http::HeaderName;

use super::{
    CheckOutcome, CheckStep,
    judge::{OURS, Wrong, wrong},
    wire::{Payload, Reply, Wire},
};
use crate::{
    outgoing::OutgoingError,
    provider::{bridge::lines::Wish, registrar::ProviderError},
    secrets::SecretText,
};

/// What is shown in the place of a secret.
const HIDDEN: &str = "(hidden)";
/// A shorter text may stand in an answer by chance.
const MIN_SECRET: usize = 4;

#[derive(Debug)]
pub(super) struct Talk {
    pub(super) wire: Wire,
    steps: Vec<CheckStep>,
    hidden: Vec<SecretText>,
    /// Clients that are registered.
    left: Vec<String>,
}

impl Talk {
    pub(super) const fn new(wire: Wire, hidden: Vec<SecretText>) -> Self {
        Self {
            wire,
            steps: Vec::new(),
            hidden,
            left: Vec::new(),
        }
    }

    /// Names of the headers that prove the registry.
    pub(super) fn credentials(&self) -> Vec<&HeaderName> {
        self.wire.headers.iter().map(|(name, _)| name).collect()
    }

    pub(super) fn hide(&mut self, secret: &SecretText) {
        self.hidden.push(secret.clone());
    }

    /// Asks. A client that comes of it is removed in the end.
    pub(super) async fn ask(&mut self, wish: Wish<'_>, payload: Payload) -> Result<Reply, Wrong> {
        let answered = self.wire.ask(wish, payload).await;
        self.heard(wish, answered)
    }

    /// The same without what proves the registry.
    pub(super) async fn ask_as_a_stranger(
        &mut self,
        wish: Wish<'_>,
        payload: Payload,
    ) -> Result<Reply, Wrong> {
        let answered = self.wire.ask_as_a_stranger(wish, payload).await;
        self.heard(wish, answered)
    }

    fn heard(
        &mut self,
        wish: Wish<'_>,
        answered: Result<Reply, OutgoingError>,
    ) -> Result<Reply, Wrong> {
        let registers = matches!(wish, Wish::Register);
        let reply = answered.map_err(|error| unheard(&error, registers))?;
        if registers
            && reply.status.is_success()
            && let Some(id) = reply.client_id()
            && !self.left.contains(&id)
        {
            self.left.push(id);
        }
        self.leak(&reply)?;
        Ok(reply)
    }

    /// Whoever reads an answer, or a log of it, must not find there what opens the bridge.
    fn leak(&self, reply: &Reply) -> Result<(), Wrong> {
        let body = String::from_utf8_lossy(&reply.body);
        let own = self.wire.headers.iter();
        let mut values = own.filter_map(|(_, value)| value.to_str().ok());
        if values.any(|value| value.len() >= MIN_SECRET && body.contains(value)) {
            return Err(wrong("its answer repeats what it was opened with", OURS));
        }
        Ok(())
    }

    /// The bridge's words, without secrets.
    pub(super) fn words(&self, reply: &Reply) -> String {
        let mut text = format!("it answers {}", reply.status.as_u16());
        let json = reply.json().unwrap_or_default();
        for name in ["error", "error_description", "message"] {
            if let Some(said) = json.get(name).filter(|said| !said.is_null()) {
                let said = said
                    .as_str()
                    .map_or_else(|| said.to_string(), ToOwned::to_owned);
                text.push_str(": ");
                text.push_str(&ProviderError::words(&self.shown(&said)));
            }
        }
        text
    }

    fn shown(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for secret in &self.hidden {
            if secret.expose().len() >= MIN_SECRET {
                shown = shown.replace(secret.expose(), HIDDEN);
            }
        }
        shown
    }

    pub(super) fn note(&mut self, step: &'static str, came: Result<String, Wrong>) -> bool {
        let (outcome, detail) = match came {
            Ok(detail) => (CheckOutcome::Ok, detail),
            Err(wrong) => (
                CheckOutcome::Wrong,
                format!("{} ({})", wrong.what, wrong.rule),
            ),
        };
        self.push(step, outcome, &detail);
        outcome == CheckOutcome::Ok
    }

    pub(super) fn advise(&mut self, step: &'static str, what: &str, rule: &str) {
        self.push(step, CheckOutcome::Advice, &format!("{what} ({rule})"));
    }

    pub(super) fn skip(&mut self, step: &'static str, why: &str) {
        self.push(step, CheckOutcome::Skipped, why);
    }

    fn push(&mut self, step: &'static str, outcome: CheckOutcome, detail: &str) {
        let detail = self.shown(detail);
        self.steps.push(CheckStep {
            step,
            outcome,
            detail,
        });
    }

    /// The client is no more.
    pub(super) fn is_gone(&mut self, id: &str) {
        self.left.retain(|known| known != id);
    }

    /// Removes every client that is left, and says which stay.
    pub(super) async fn tidy(mut self) -> Vec<CheckStep> {
        let mut stay = Vec::new();
        let left = std::mem::take(&mut self.left);
        for id in &left {
            let removed = self.wire.ask(Wish::Delete(id), Payload::Nothing).await;
            let is_removed = removed.is_ok_and(|reply| {
                let status = reply.status;
                status.is_success() || matches!(status.as_u16(), 404 | 410)
            });
            if !is_removed {
                stay.push(id.as_str());
            }
        }
        let came = if stay.is_empty() {
            Ok("nothing is left of what was registered".to_owned())
        } else {
            let what = format!(
                "these clients are left behind, remove them: {}",
                stay.join(", ")
            );
            Err(wrong(what, OURS))
        };
        self.note("clean up", came);
        self.steps
    }
}

fn unheard(error: &OutgoingError, registers: bool) -> Wrong {
    let mut what = error.to_string();
    if matches!(error, OutgoingError::Forbidden { .. }) {
        what.push_str("; here it is the option --allow-network");
    }
    if registers && !error.was_never_sent() {
        what.push_str("; a client may be left behind that nobody knows of");
    }
    wrong(what, OURS)
}
