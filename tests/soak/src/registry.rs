//! Changes of keys through the REST API, each noted before it is asked for and after it is answered.

use std::{sync::Arc, time::Duration};

use e2e::http::answer::Answer;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    faults::{Moment, Span},
    pool::Key,
    tally::Violation,
    world::World,
};

/// How long the registry may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of a change that was asked for.
#[derive(Debug)]
pub(crate) enum Change {
    /// It is done: asked at one time, answered at the other.
    Done(Value, Moment, Moment),
    /// Nobody knows.
    Unknown,
}

impl World {
    /// Asks the registry for something.
    pub(crate) async fn change(&self, method: &str, path: &str, body: Option<Value>) -> Change {
        let _gate = self.changes.read().await;
        let mut call = self.admin.call(method, path);
        if let Some(body) = &body {
            call = call.json(body);
        }
        let sent = self.now();
        let answer = timeout(PATIENCE, call.try_send()).await;
        let done = self.now();
        let (status, error) = match answer {
            Ok(Ok(answer)) if answer.status < 300 => {
                self.tally().changes_made += 1;
                return Change::Done(body_of(&answer), sent, done);
            }
            Ok(Ok(answer)) => (
                Some(answer.status),
                format!("{} {}", answer.status, answer.text().trim_end()),
            ),
            Ok(Err(error)) => (None, error),
            Err(_) => (None, format!("no answer in {PATIENCE:?}")),
        };
        let span = Span {
            from: sent,
            until: done,
        };
        self.note_failed(&format!("{method} {path}"), status, &error, span);
        Change::Unknown
    }

    /// Holds it against the faults that a change was not done.
    fn note_failed(&self, request: &str, status: Option<u16>, error: &str, span: Span) {
        let faults = self.faults();
        let is_excused = faults.excuse_registry(status, span);
        let around = faults.describe(span);
        drop(faults);
        let mut tally = self.tally();
        tally.note_failed_change(error);
        if !is_excused {
            tally.violate(Violation {
                span,
                request: format!("a change of the registry: {request}"),
                expected: "done: the registry runs".to_owned(),
                got: error.to_owned(),
                faults: around,
            });
        }
    }

    /// Makes an application and gives its id.
    pub(crate) async fn make_application(&self, name: &str) -> Option<String> {
        let body = json!({"name": name});
        match self.change("POST", "/v1/applications", Some(body)).await {
            Change::Done(body, ..) => Some(text(&body["id"])),
            Change::Unknown => None,
        }
    }

    /// Makes a credential and gives its id and its key.
    pub(crate) async fn make_key(
        &self,
        application: &str,
        owner: &str,
        name: &str,
    ) -> Option<(String, Arc<Key>)> {
        let path = format!("/v1/applications/{application}/credentials");
        let body = json!({"type": "api_key", "name": name});
        match self.change("POST", &path, Some(body)).await {
            Change::Done(body, sent, done) => {
                let key = self.pool.key(secret(&body), owner, sent, done);
                Some((text(&body["id"]), key))
            }
            Change::Unknown => None,
        }
    }

    /// Asks for something that makes keys valid, or makes them invalid. `None` when nobody knows whether it did.
    pub(crate) async fn set(
        &self,
        keys: &[Arc<Key>],
        admits: bool,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Option<(Value, Moment, Moment)> {
        let now = self.now();
        let numbers: Vec<usize> = keys
            .iter()
            .map(|key| key.history().begin(admits, now))
            .collect();
        match self.change(method, path, body).await {
            Change::Done(body, sent, done) => {
                for (key, number) in keys.iter().zip(numbers) {
                    key.history().acknowledge(number, done);
                }
                Some((body, sent, done))
            }
            Change::Unknown => None,
        }
    }
}

/// The secret in an answer.
pub(crate) fn secret(body: &Value) -> String {
    text(&body["secret"]["value"])
}

fn body_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("{value} is not a string"))
        .to_owned()
}
