//! One import, from its first line to its last.

use std::time::Duration;

use bytes::Bytes;
use tokio::{sync::mpsc, time::timeout};

use super::{
    csv::Header,
    line::LineBody,
    lines::{Line, Lines, MAX_LINE, Stop},
    outcome::OutcomeBody,
};
use crate::{
    api::{
        extract,
        failure::BUSY_RETRY,
        problem::{Kind, Problem},
    },
    caller::Caller,
    credential::{self, Import, Imported},
    environment::Environment,
    error::Error,
};

/// Lines at most in one transaction, so that others can write in between.
const BATCH: usize = 100;
/// Bytes after which a batch takes no further line.
const BATCH_BYTES: usize = 512 * 1024;
/// For how long a batch that has a line waits for the next one: who sends a line and waits for its answer gets it.
const GATHERING: Duration = Duration::from_millis(20);

/// What an import needs.
pub(super) struct Run {
    pub(super) env: Environment,
    pub(super) caller: Caller,
    pub(super) lines: Lines,
    /// The columns, if it is CSV.
    pub(super) header: Option<Header>,
    /// Where the answers go.
    pub(super) answers: mpsc::Sender<Bytes>,
}

/// Lines that are imported in one transaction.
#[derive(Default)]
struct Batch {
    lines: Vec<Line>,
    bytes: usize,
    /// Nothing comes after it.
    is_last: bool,
    /// Why, if it is not the end.
    stop: Option<Stop>,
}

impl Run {
    /// Imports until there are no further lines, or nobody listens to the answers any more.
    pub(super) async fn complete(mut self) {
        loop {
            let batch = self.gather().await;
            let is_last = batch.is_last;
            let text = self.import(batch).await;
            if !text.is_empty() && self.answers.send(text.into()).await.is_err() {
                tracing::info!("an import ended because nobody listened to it");
                return;
            }
            if is_last {
                return;
            }
        }
    }

    async fn gather(&mut self) -> Batch {
        let mut batch = Batch::default();
        while batch.lines.len() < BATCH && batch.bytes < BATCH_BYTES {
            let next = if batch.lines.is_empty() {
                self.lines.next().await
            } else {
                match timeout(GATHERING, self.lines.next()).await {
                    Ok(next) => next,
                    Err(_) => break,
                }
            };
            match next {
                Ok(Some(line)) => {
                    let length = line.bytes.as_ref().map_or(0, Vec::len);
                    batch.bytes = batch.bytes.saturating_add(length);
                    batch.lines.push(line);
                }
                Ok(None) => batch.is_last = true,
                Err(stop) => {
                    batch.is_last = true;
                    batch.stop = Some(stop);
                }
            }
            if batch.is_last {
                break;
            }
        }
        batch
    }

    /// Imports a batch and writes the answers, one a line.
    async fn import(&mut self, batch: Batch) -> Vec<u8> {
        let mut outcomes = Vec::with_capacity(batch.lines.len());
        let mut imports = Vec::with_capacity(batch.lines.len());
        for line in batch.lines {
            outcomes.push(match self.parse(&line) {
                Ok(import) => {
                    imports.push(import);
                    (line.number, None)
                }
                Err(problem) => (line.number, Some(problem)),
            });
        }
        let mut imported = self.credentials(imports).await.into_iter();
        let mut text = Vec::new();
        for (number, problem) in outcomes {
            let outcome = match problem {
                Some(problem) => Err(problem),
                None => imported
                    .next()
                    .unwrap_or_else(|| Err(Problem::new(Kind::Internal))),
            };
            write(&mut text, &OutcomeBody::new(number, outcome));
        }
        if let Some(stop) = batch.stop {
            let outcome = OutcomeBody::new(self.lines.position(), Err(stop.into()));
            write(&mut text, &outcome);
        }
        text
    }

    async fn credentials(&mut self, imports: Vec<Import>) -> Vec<Result<Imported, Problem>> {
        let count = imports.len();
        if count == 0 {
            return Vec::new();
        }
        match credential::import(&self.env, self.caller, imports).await {
            Ok(outcomes) => outcomes
                .into_iter()
                .map(|outcome| outcome.map_err(problem))
                .collect(),
            Err(error) => {
                let problem = Problem::from(error);
                std::iter::repeat_n(Err(problem), count).collect()
            }
        }
    }

    fn parse(&self, line: &Line) -> Result<Import, Problem> {
        let Some(bytes) = &line.bytes else {
            let detail = format!("a line is at most {MAX_LINE} bytes");
            return Err(Problem::new(Kind::TooLarge).detail(detail));
        };
        let body: LineBody = match &self.header {
            None => extract::parse(bytes)?,
            Some(header) => extract::from_value(header.object(bytes)?)?,
        };
        body.into_import()
    }
}

/// The application is a field here, and no place.
fn problem(error: Error) -> Problem {
    match error {
        Error::NotFound(_) => Problem::from(error)
            .field("application")
            .detail("no such application: create it, or set create_application"),
        Error::Busy => Problem::new(Kind::Overloaded).retry_after(BUSY_RETRY),
        other => other.into(),
    }
}

fn write(text: &mut Vec<u8>, outcome: &OutcomeBody) {
    // What is written to memory and has only texts as keys cannot fail.
    if serde_json::to_writer(&mut *text, outcome).is_ok() {
        text.push(b'\n');
    }
}

impl From<Stop> for Problem {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::TooLarge => Self::new(Kind::TooLarge)
                .detail("the import is larger than max_import_bytes: send the rest by itself"),
            Stop::Cut => Self::new(Kind::Malformed).detail("the body ended early"),
            Stop::Unclosed => Self::new(Kind::Malformed).detail(format!(
                "a quoted cell goes on beyond {MAX_LINE} bytes, so nothing was read from here on: close its quote, and \
                 send this line and what follows it again"
            )),
            Stop::Slow => Self::new(Kind::Malformed).detail("the body did not go on"),
        }
    }
}
