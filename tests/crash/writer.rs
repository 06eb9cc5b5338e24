//! One writer: its own application, one write at a time, until the registry is gone.

use e2e::{
    admin::Admin,
    http::{Client, answer::Answer},
};

use crate::{
    model::{Model, Truth},
    random::Random,
    write::Request,
};

/// How much of what it did a writer remembers.
const HISTORY: usize = 60;

/// Somebody who writes.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) number: usize,
    pub(crate) model: Model,
    pub(crate) random: Random,
    /// What was asked last and not answered.
    pub(crate) pending: Option<Request>,
    /// The highest revision that it was told.
    pub(crate) revision: u64,
    pub(crate) tally: Tally,
    /// What it did last, for whoever has to find out what went wrong.
    pub(crate) history: Vec<String>,
}

/// What became of writes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) answered: usize,
    /// Unanswered, and there.
    pub(crate) kept: usize,
    /// Unanswered, and not there.
    pub(crate) absent: usize,
    /// Unanswered, and answered when it was asked again under the same key.
    pub(crate) repeated: usize,
}

impl Writer {
    /// Writes until the registry does not answer any more.
    ///
    /// # Errors
    /// When a write is refused that should not be.
    pub(crate) async fn until_killed(
        mut self,
        admin: Admin,
        client: Client,
    ) -> Result<Self, String> {
        let Ok(mut session) = client.try_connect().await else {
            return Ok(self);
        };
        loop {
            let request = Request::choose(&self.model, &mut self.random, self.number);
            let call = request.call(&admin, &self.model);
            match session.send(call).await {
                // A server that is too busy does not say whether it will still do it.
                Ok(answer) if answer.status < 500 => self.note(&request, &answer)?,
                _ => {
                    self.pending = Some(request);
                    return Ok(self);
                }
            }
        }
    }

    /// Remembers what was done.
    pub(crate) fn remember(&mut self, what: String) {
        self.history.push(what);
        let old = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..old);
    }

    fn note(&mut self, request: &Request, answer: &Answer) -> Result<(), String> {
        self.model.answered(&request.write, &request.read(answer)?);
        self.tally.answered += 1;
        let revision = answer.header("keysmith-revision");
        self.remember(format!(
            "answered, revision {revision}: {:?}",
            request.write
        ));
        if let Ok(revision) = answer.header("keysmith-revision").parse() {
            self.revision = self.revision.max(revision);
        }
        Ok(())
    }

    /// Repeats what was not answered, where that is allowed. Gives back what stays open.
    ///
    /// # Errors
    /// When the repetition is refused.
    pub(crate) async fn repeat(&mut self, admin: &Admin) -> Result<Option<Request>, String> {
        let Some(request) = self.pending.take() else {
            return Ok(None);
        };
        if request.repeatable.is_none() {
            return Ok(Some(request));
        }
        let answer = request.call(admin, &self.model).try_send().await?;
        // The first one began and did not end: then nothing of it is there, and the key is free again in a minute.
        if answer.status == 409 && answer.text().contains("idempotency-in-progress") {
            return Ok(Some(request));
        }
        self.note(&request, &answer)?;
        self.tally.repeated += 1;
        Ok(None)
    }

    /// Finds out what became of a write that was not answered, and holds everything against what is there.
    ///
    /// # Errors
    /// The first thing that is not as it must be.
    pub(crate) fn settle(&mut self, open: Option<Request>, truth: &Truth) -> Result<(), String> {
        let Some(request) = open else {
            return self.model.agrees(truth);
        };
        self.remember(format!("not answered: {request:?}"));
        let before = self.model.agrees(truth);
        let after = match self.model.found(&request.write, truth) {
            Some(after) => after.agrees(truth).map(|()| after),
            None => Err("it is not there".to_owned()),
        };
        match (before, after) {
            (Ok(()), _) => {
                self.tally.absent += 1;
                self.remember("it is not there".to_owned());
            }
            (Err(_), Ok(after)) if request.repeatable.is_none() => {
                self.model = after;
                self.tally.kept += 1;
            }
            (Err(_), Ok(_)) => return Err(format!("{request:?} is there, and its answer is not")),
            (Err(before), Err(after)) => {
                return Err(format!(
                    "{request:?} is neither there ({after}) nor not ({before})"
                ));
            }
        }
        Ok(())
    }
}
