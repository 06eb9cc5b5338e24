//! Verifies chosen passwords for gateways, so that nobody can make it slow for everybody else.
//!
//! In this order: a verdict that is remembered, the limits, one computation for equal questions at a time, the bounded
//! pool. An unknown user name costs what a known one costs.

pub(crate) mod limit;
pub(crate) mod memory;
mod pool;
mod state;
pub(crate) mod tag;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::FutureExt as _;

use crate::{
    config::Passwords,
    credential::{self, Verdict},
    environment::Environment,
    error::Error,
    ids::GroupId,
    password::{PasswordWork, PhcString, Salts},
    secrets::SecretText,
    telemetry::Metrics,
};

use state::{Answer, Basis, State};
use tag::{Tag, Tagger, Tags};

pub use pool::Pool;

/// A gateway's question. Nothing of it is ever logged.
#[derive(Debug)]
pub struct Question {
    /// The group that the gateway's token decides.
    pub group: GroupId,
    /// The presented user name.
    pub username: String,
    /// The presented password.
    pub password: SecretText,
    /// The address of the client, as the gateway saw it; empty when it does not know.
    pub source: String,
}

/// What a gateway is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was decided.
    Decided(Verdict),
    /// Too many attempts; the next may be made after this time.
    Limited(Duration),
    /// Too much is going on.
    Busy,
    /// It could not be decided; the cause was logged.
    Failed,
}

/// Answers questions. One for each process.
pub struct Verifier {
    environment: Environment,
    pool: Arc<Pool>,
    tagger: Tagger,
    stand_in: PhcString,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

impl Verifier {
    /// A verifier that remembers nothing yet.
    pub async fn new(
        environment: Environment,
        pool: Arc<Pool>,
        limits: &Passwords,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Error> {
        let entropy = &*environment.entropy;
        let stand_in = stand_in(&*pool, entropy.bytes()?, entropy.bytes()?).await?;
        Ok(Self {
            tagger: Tagger::new(entropy)?,
            stand_in,
            pool,
            state: Mutex::new(State::new(limits)),
            environment,
            metrics,
        })
    }

    /// Answers a question.
    pub async fn verify(self: &Arc<Self>, question: Question) -> Result<Outcome, Error> {
        let basis = self.basis(&question).await?;
        let (outcome, label) = match self.admit(question, basis) {
            Admission::Remembered(verdict) => (Outcome::Decided(verdict), "remembered"),
            Admission::Limited(wait) => (Outcome::Limited(wait), "limited"),
            Admission::Asked(answer) => {
                let outcome = answer.await;
                let label = outcome.label();
                (outcome, label)
            }
        };
        self.metrics.verification(label);
        Ok(outcome)
    }

    async fn basis(&self, question: &Question) -> Result<Basis, Error> {
        let candidates =
            credential::candidates(&self.environment, question.group, &question.username).await?;
        Ok(candidates
            .iter()
            .map(|candidate| (candidate.credential, candidate.version))
            .collect())
    }

    /// Decides from memory, refuses by the limits, or joins or starts the computation.
    fn admit(self: &Arc<Self>, question: Question, basis: Basis) -> Admission {
        let now = self.environment.now();
        let tags = self.tagger.tags(&question);
        let mut state = self.state();
        if let Some(verdict) = state.verdict(&tags, &basis, now) {
            return Admission::Remembered(verdict);
        }
        if let Some(answer) = state.running(&tags, &basis) {
            return Admission::Asked(answer);
        }
        if let Some(wait) = state.limited(&tags, now) {
            return Admission::Limited(wait);
        }
        let reserved = state.is_proven(&tags.question, now);
        let answer = Arc::clone(self).begin(question, tags.clone(), basis.clone(), reserved);
        state.begun(&tags, basis, answer.clone());
        Admission::Asked(answer)
    }

    /// Computes in a task of its own: the answer is wanted by others too when the first who asked has left.
    fn begin(
        self: Arc<Self>,
        question: Question,
        tags: Tags,
        basis: Basis,
        reserved: bool,
    ) -> Answer {
        let task = tokio::spawn(async move {
            let _running = Running {
                verifier: &self,
                question: tags.question,
            };
            let result = self.compute(question, &basis, reserved).await;
            self.conclude(&tags, basis, result)
        });
        task.map(|result| result.unwrap_or(Outcome::Failed))
            .boxed()
            .shared()
    }

    async fn compute(
        &self,
        question: Question,
        basis: &Basis,
        reserved: bool,
    ) -> Result<Verdict, Error> {
        let Question {
            group,
            username,
            password,
            ..
        } = question;
        let work = self.pool.with_priority(reserved);
        if basis.is_empty() {
            work.verify(password, self.stand_in.clone()).await?;
            return Ok(Verdict::Refused);
        }
        let mut environment = self.environment.clone();
        environment.passwords = Arc::new(work);
        credential::verify(&environment, group, &username, password).await
    }

    fn conclude(&self, tags: &Tags, basis: Basis, result: Result<Verdict, Error>) -> Outcome {
        match result {
            Ok(verdict) => {
                let now = self.environment.now();
                self.state().remember(tags, basis, verdict, now);
                Outcome::Decided(verdict)
            }
            Err(Error::Busy) => Outcome::Busy,
            Err(error) => {
                tracing::error!(%error, "a password could not be verified");
                Outcome::Failed
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before the next can panic, so a poisoned state is a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A computation that can be joined until this is dropped, however it ends.
struct Running<'a> {
    verifier: &'a Verifier,
    question: Tag,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.verifier.state().ended(&self.question);
    }
}

enum Admission {
    Remembered(Verdict),
    Limited(Duration),
    Asked(Answer),
}

impl Outcome {
    const fn label(&self) -> &'static str {
        match self {
            Self::Decided(Verdict::Verified { .. }) => "verified",
            Self::Decided(Verdict::Refused) => "refused",
            Self::Limited(_) => "limited",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }
}

/// A hash that no password has, of the same cost as the real ones.
async fn stand_in(
    work: &dyn PasswordWork,
    password: [u8; 32],
    salt: [u8; 32],
) -> Result<PhcString, Error> {
    let password = STANDARD.encode(password);
    let [phc @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = salt;
    let salts = Salts {
        phc,
        slow_hash: salt,
    };
    Ok(work.hash(SecretText::new(password), salts).await?.phc)
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

#[cfg(test)]
mod tests;
