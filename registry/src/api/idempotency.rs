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
    failure::BUSY_RETRY,
    problem::{Kind, Problem},
};
use crate::{
    idempotency::{self, Begun, Scope},
    ids::TokenId,
};

const HEADER: &str = "Idempotency-Key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const MAX_LENGTH: usize = 255;

/// By what a repeated request is recognised: who asks what of which path, and under which key, if any.
#[derive(Debug)]
pub(crate) struct Repeatable {
    key: Option<String>,
    path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Repeatable {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let key = values.next().map(read_key).transpose()?;
        if values.next().is_some() {
            return Err(Problem::invalid(HEADER, "must occur once"));
        }
        let path = parts.uri.path().to_owned();
        Ok(Self { key, path })
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

impl Repeatable {
    /// Does `work`, or gives the answer again that it had. `body` tells another request from the same one.
    pub(crate) async fn run<W>(
        self,
        app: &AppState,
        token: TokenId,
        body: Bytes,
        work: W,
    ) -> Result<Response, Problem>
    where
        W: Future<Output = Result<Answer, Problem>> + Send + 'static,
    {
        let Some(key) = self.key else {
            return work.await.map(IntoResponse::into_response);
        };
        let env = app.environment().clone();
        // A task of its own: a client that leaves must not cut it in two.
        let task = tokio::spawn(async move {
            let scope = Scope {
                token,
                route: &self.path,
                key: &key,
            };
            let ticket = match idempotency::begin(&env, scope, &body).await? {
                Begun::New(ticket) => ticket,
                Begun::Replay(kept) => return Ok((Answer::from_bytes(&kept)?, true)),
                Begun::Running => {
                    return Err(Problem::new(Kind::IdempotencyInProgress).retry_after(BUSY_RETRY));
                }
                Begun::DifferentBody => {
                    return Err(Problem::new(Kind::IdempotencyKeyReused).field(HEADER));
                }
            };
            match work.await {
                Ok(answer) => {
                    idempotency::finish(&env, ticket, &answer.to_bytes()?).await?;
                    Ok((answer, false))
                }
                Err(problem) => {
                    idempotency::abandon(&env, ticket).await?;
                    Err(problem)
                }
            }
        });
        let (answer, replayed) = task.await.map_err(|error| Problem::internal(&error))??;
        let mut response = answer.into_response();
        if replayed {
            let yes = HeaderValue::from_static("true");
            response.headers_mut().insert(REPLAYED, yes);
        }
        Ok(response)
    }
}
