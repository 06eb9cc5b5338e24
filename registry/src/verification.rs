//! Verifies chosen passwords for gateways, so that nobody can make it slow for everybody else.
//!
//! In this order: a verdict that is remembered, the limits, one computation for equal questions at a time, the bounded
//! pool. An unknown user name costs what a known one costs.

mod limit;
mod memory;
mod pool;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{
    clock::Timestamp,
    config::Passwords,
    credential::{self, Verdict},
    environment::Environment,
    error::Error,
    ids::GroupId,
    password::{PasswordWork, PhcString, Salts},
    secrets::SecretText,
    telemetry::Metrics,
};

use limit::Limiter;
use memory::Memory;
pub use pool::Pool;

/// Verdicts, names and addresses that are remembered at most, each.
const REMEMBERED: usize = 16_384;
/// For how long a name that proved itself has its reserved place.
const RECENT: Duration = Duration::from_secs(24 * 3600);

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

/// A keyed hash of a question or of its part. Says nothing without the key, which lives only in this process.
type Tag = [u8; 32];

/// Answers questions. One for each process.
pub struct Verifier {
    environment: Environment,
    pool: Arc<Pool>,
    key: Hmac<Sha256>,
    stand_in: PhcString,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
    remember: Duration,
}

struct State {
    verdicts: Memory<Tag, Remembered>,
    /// Pairs of address and name, and names alone, that proved themselves.
    proven: Memory<Tag, Timestamp>,
    sources: Limiter,
    usernames: Limiter,
    running: HashMap<Tag, Shared<BoxFuture<'static, Outcome>>>,
}

/// A verdict, and the secrets it was made of: it holds as long as they are the same.
#[derive(Clone)]
struct Remembered {
    basis: Basis,
    verdict: Verdict,
    until: Timestamp,
}

/// The credentials and versions that a user name stood for.
type Basis = Vec<(crate::ids::CredentialId, u32)>;

impl Verifier {
    /// A verifier that remembers nothing yet.
    pub async fn new(
        environment: Environment,
        pool: Arc<Pool>,
        limits: Passwords,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Error> {
        let entropy = &*environment.entropy;
        let stand_in = stand_in(&*pool, entropy.bytes()?, entropy.bytes()?).await?;
        let key = Hmac::new(&entropy.bytes::<64>()?.into());
        Ok(Self {
            key,
            stand_in,
            pool,
            state: Mutex::new(State {
                verdicts: Memory::new(REMEMBERED),
                proven: Memory::new(REMEMBERED),
                sources: Limiter::per_minute(limits.per_source, REMEMBERED),
                usernames: Limiter::per_minute(limits.per_username, REMEMBERED),
                running: HashMap::new(),
            }),
            environment,
            metrics,
            remember: limits.remember,
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
        let tags = self.tags(&question);
        let mut state = self.state();
        if let Some(known) = state.verdicts.get(&tags.question)
            && known.until > now
            && known.basis == basis
        {
            return Admission::Remembered(known.verdict.clone());
        }
        if let Some(running) = state.running.get(&tags.question) {
            return Admission::Asked(running.clone());
        }
        let proven =
            |tag: &Tag, state: &State| state.proven.get(tag).is_some_and(|until| *until > now);
        // A name that came from this address before is not slowed by others who try it.
        let limited_as = if proven(&tags.pair, &state) {
            tags.pair
        } else {
            tags.username
        };
        let reserved = proven(&tags.username, &state);
        let limited = (tags
            .source
            .and_then(|source| state.sources.take(source, now)))
        .or_else(|| state.usernames.take(limited_as, now));
        if let Some(wait) = limited {
            return Admission::Limited(wait);
        }
        let verifier = Arc::clone(self);
        let question_tag = tags.question;
        // A task of its own: the answer is wanted by others too when the first who asked has left.
        let task =
            tokio::spawn(async move { verifier.compute(question, tags, basis, reserved).await });
        let answer = task
            .map(|result| result.unwrap_or(Outcome::Failed))
            .boxed()
            .shared();
        state.running.insert(question_tag, answer.clone());
        Admission::Asked(answer)
    }

    async fn compute(
        &self,
        question: Question,
        tags: Tags,
        basis: Basis,
        reserved: bool,
    ) -> Outcome {
        let work = self.pool.with_priority(reserved);
        let result = if basis.is_empty() {
            let verdict = work.verify(question.password, self.stand_in.clone()).await;
            verdict.map(|_| Verdict::Refused)
        } else {
            let mut environment = self.environment.clone();
            environment.passwords = Arc::new(work);
            credential::verify(
                &environment,
                question.group,
                &question.username,
                question.password,
            )
            .await
        };
        let now = self.environment.now();
        let mut state = self.state();
        state.running.remove(&tags.question);
        match result {
            Ok(verdict) => {
                state.remember(tags, basis, &verdict, now, self.remember);
                Outcome::Decided(verdict)
            }
            Err(Error::Busy) => Outcome::Busy,
            Err(error) => {
                tracing::error!(%error, "a password could not be verified");
                Outcome::Failed
            }
        }
    }

    fn tags(&self, question: &Question) -> Tags {
        let group = question.group.object_id().0;
        let (username, source) = (
            question.username.as_bytes(),
            limit::source(&question.source),
        );
        let password = question.password.expose().as_bytes();
        Tags {
            question: self.tag(b"question", &[&group, username, password]),
            pair: self.tag(b"pair", &[source.as_bytes(), username]),
            username: self.tag(b"username", &[username]),
            source: (!source.is_empty()).then(|| self.tag(b"source", &[source.as_bytes()])),
        }
    }

    fn tag(&self, kind: &[u8], parts: &[&[u8]]) -> Tag {
        let mut mac = self.key.clone();
        mac.update(kind);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before the next can panic, so a poisoned state is a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Admission {
    Remembered(Verdict),
    Limited(Duration),
    Asked(Shared<BoxFuture<'static, Outcome>>),
}

struct Tags {
    question: Tag,
    pair: Tag,
    username: Tag,
    source: Option<Tag>,
}

impl State {
    fn remember(
        &mut self,
        tags: Tags,
        basis: Basis,
        verdict: &Verdict,
        now: Timestamp,
        time: Duration,
    ) {
        let mut until = now.after(time);
        if let Verdict::Verified { until: end, .. } = verdict {
            until = end.map_or(until, |end| end.min(until));
            self.proven.insert(tags.pair, now.after(RECENT));
            self.proven.insert(tags.username, now.after(RECENT));
        }
        self.verdicts.insert(
            tags.question,
            Remembered {
                basis,
                verdict: verdict.clone(),
                until,
            },
        );
    }
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
    let password: String = password.iter().map(|byte| format!("{byte:02x}")).collect();
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
