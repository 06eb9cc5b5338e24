//! `Idempotency-Key`: a request that makes a secret can be repeated until its answer arrives.

use axum::{
    body::Bytes,
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, request::Parts},
    response::{IntoResponse, Response},
};

use super::{
    AppState,
    answer::Answer,
    prefer::Prefer,
    problem::{Kind, Problem},
};
use crate::{
    environment::Environment,
    error::Error,
    idempotency::{self, Begun, Receipt, Scope},
    ids::TokenId,
    token::Identity,
};

const HEADER: &str = "Idempotency-Key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const MAX_LENGTH: usize = 255;

/// By what a repeated request is recognised: who asks what of which path in which organization, and under which key, if any.
#[derive(Debug)]
pub(crate) struct Repeatable {
    key: Option<String>,
    token: TokenId,
    route: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Repeatable {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let key = values.next().map(read_key).transpose()?;
        if values.next().is_some() {
            return Err(Problem::invalid(HEADER, "must occur once"));
        }
        let identity = parts.extensions.get::<Identity>();
        let identity = identity.ok_or_else(|| Problem::new(Kind::Unauthorized))?;
        Ok(Self {
            key,
            token: identity.token,
            route: format!("{} {}", identity.organization, parts.uri.path()),
        })
    }
}

fn read_key(value: &HeaderValue) -> Result<String, Problem> {
    value
        .to_str()
        .ok()
        .filter(|key| (1..=MAX_LENGTH).contains(&key.len()))
        .map(ToOwned::to_owned)
        .ok_or_else(|| {
            Problem::invalid(
                HEADER,
                format!("must be 1 to {MAX_LENGTH} visible ASCII characters"),
            )
        })
}

/// What a request was answered, now or the first time.
#[derive(Debug)]
pub(crate) struct Repeated {
    answer: Answer,
    replayed: bool,
}

impl Repeated {
    /// With how far the change has come, where the caller wishes to wait for it.
    pub(crate) async fn settle(self, app: &AppState, prefer: Prefer) -> Result<Response, Problem> {
        let answer = prefer.settle(app, self.answer).await?;
        Ok(Self { answer, ..self }.into_response())
    }
}

impl IntoResponse for Repeated {
    fn into_response(self) -> Response {
        let mut response = self.answer.into_response();
        if self.replayed {
            let yes = HeaderValue::from_static("true");
            response.headers_mut().insert(REPLAYED, yes);
        }
        response
    }
}

impl Repeatable {
    /// Does `work`, or gives the answer again that it had. `body` tells another request from the same one.
    ///
    /// The work keeps its answer by the receipt that it is given, in its own transaction.
    pub(crate) async fn run<T, W>(
        self,
        app: &AppState,
        body: Bytes,
        answer: impl Fn(&T) -> Result<Answer, serde_json::Error> + Clone + Send + Sync + 'static,
        work: impl FnOnce(Environment, Option<Receipt<T>>) -> W + Send + 'static,
    ) -> Result<Response, Problem>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let repeated = self.answer(app, body, answer, work).await?;
        Ok(repeated.into_response())
    }

    /// The same, for an answer to which something is still to be added.
    pub(crate) async fn answer<T, W>(
        self,
        app: &AppState,
        body: Bytes,
        answer: impl Fn(&T) -> Result<Answer, serde_json::Error> + Clone + Send + Sync + 'static,
        work: impl FnOnce(Environment, Option<Receipt<T>>) -> W + Send + 'static,
    ) -> Result<Repeated, Problem>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let env = app.environment().clone();
        let Some(key) = self.key else {
            let done = work(env, None).await?;
            let answer = answer(&done)?;
            return Ok(Repeated {
                answer,
                replayed: false,
            });
        };
        // A task of its own: a client that leaves finds the answer when it asks again.
        let task = tokio::spawn(async move {
            let scope = Scope {
                token: self.token,
                route: &self.route,
                key: &key,
            };
            let ticket = match idempotency::begin(&env, scope, &body).await? {
                Begun::New(ticket) => ticket,
                Begun::Replay(kept) => return Ok((Answer::from_bytes(&kept)?, true)),
                Begun::Running => return Err(Error::Superseded.into()),
                Begun::DifferentBody => {
                    return Err(Problem::new(Kind::IdempotencyKeyReused).field(HEADER));
                }
            };
            let write = answer.clone();
            let receipt = Receipt::new(ticket.clone(), move |done| write(done)?.to_bytes());
            match work(env.clone(), Some(receipt)).await {
                Ok(done) => Ok((answer(&done)?, false)),
                Err(error) => {
                    idempotency::abandon(&env, ticket).await?;
                    Err(Problem::from(error))
                }
            }
        });
        let (answer, replayed) = task.await.map_err(|error| Problem::internal(&error))??;
        Ok(Repeated { answer, replayed })
    }
}
