//! Requests that may be sent twice: the second gets the first one's answer.

use std::time::Duration;

use subtle::ConstantTimeEq as _;

use crate::{
    environment::Environment,
    error::Error,
    ids::TokenId,
    sealing::{Place, Sealer},
    store::{IdempotentRequest, WriteTransaction},
};

#[cfg(test)]
mod tests;

/// For how long an answer is kept.
pub const KEPT: Duration = Duration::from_mins(15);
/// After which a request that has no answer was given up, by a process that ended. If it was not, it cannot be answered
/// any more and undoes what it did: see [`Receipt`].
pub const RUNNING_AT_MOST: Duration = Duration::from_mins(1);

/// Which request it is.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Who sends it.
    pub token: TokenId,
    /// Method and path.
    pub route: &'a str,
    /// The header `Idempotency-Key`. The answer cannot be opened without it.
    pub key: &'a str,
}

/// What is to be done with a request.
#[derive(Debug)]
pub enum Begun {
    /// It is new: do it with a [`Receipt`] of the ticket, or [`abandon`] it.
    New(Ticket),
    /// It was done: this is the answer.
    Replay(zeroize::Zeroizing<Vec<u8>>),
    /// It is being done.
    Running,
    /// The same key came with another body.
    DifferentBody,
}

/// The right to answer a request.
#[derive(Clone, Debug)]
pub struct Ticket {
    row: [u8; 32],
    attempt: [u8; 16],
    sealer: Box<Sealer>,
}

type Answer<T> = dyn Fn(&T) -> Result<Vec<u8>, serde_json::Error> + Send + Sync;

/// How to write the answer to a request, for the use case that does it: the answer is kept in the very transaction that
/// makes it true, so a crash can neither lose it nor have the request done twice.
pub struct Receipt<T> {
    ticket: Ticket,
    answer: Box<Answer<T>>,
}

impl<T> Receipt<T> {
    /// Writes what was done with `answer`, for `ticket`.
    pub fn new(
        ticket: Ticket,
        answer: impl Fn(&T) -> Result<Vec<u8>, serde_json::Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            ticket,
            answer: Box::new(answer),
        }
    }
}

/// Keeps the answer in the transaction that did what it says, if one is wanted.
pub(crate) async fn keep<T>(
    receipt: Option<Receipt<T>>,
    env: &Environment,
    write: &mut dyn WriteTransaction,
    done: &T,
) -> Result<(), Error> {
    let Some(receipt) = receipt else {
        return Ok(());
    };
    let answer = zeroize::Zeroizing::new((receipt.answer)(done).map_err(Error::Answer)?);
    receipt.ticket.keep(env, write, &answer).await
}

impl<T> std::fmt::Debug for Receipt<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receipt")
    }
}

impl std::fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scope")
    }
}

impl Ticket {
    fn new(env: &Environment, scope: Scope<'_>, attempt: [u8; 16]) -> Self {
        let token = scope.token.to_string();
        Self {
            row: env.keys.idempotency_row([
                token.as_bytes(),
                scope.route.as_bytes(),
                scope.key.as_bytes(),
            ]),
            attempt,
            sealer: Box::new(env.keys.idempotency_sealer(scope.key)),
        }
    }

    /// Writes the answer. If another attempt took the request over meanwhile, this one must not count.
    async fn keep(
        &self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        answer: &[u8],
    ) -> Result<(), Error> {
        let known = write.idempotent_request(&self.row).await?;
        let Some(request) = known.filter(|known| known.attempt == self.attempt) else {
            return Err(Error::Superseded);
        };
        let sealed = self
            .sealer
            .seal(place(&self.row_text()), answer, env.entropy.as_ref())?;
        let request = IdempotentRequest {
            answer: Some(sealed),
            ..request
        };
        write.put_idempotent_request(&self.row, &request).await?;
        Ok(())
    }

    fn row_text(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(self.row)
    }
}

const fn place(row: &str) -> Place<'_> {
    Place {
        column: "idempotent_requests.answer",
        row,
    }
}

/// Begins a request, unless it was begun within [`KEPT`].
pub async fn begin(env: &Environment, scope: Scope<'_>, body: &[u8]) -> Result<Begun, Error> {
    let ticket = Ticket::new(env, scope, env.entropy.bytes()?);
    // Keyed, because a body may carry a password.
    let body_digest = env
        .keys
        .idempotency_row([scope.key.as_bytes(), b"body", body]);
    let mut write = env.store.write().await?;
    let kept = write
        .idempotent_request(&ticket.row)
        .await?
        .filter(|known| env.now() < known.created_at.after(KEPT));
    if let Some(known) = kept {
        if !bool::from(known.body_digest.ct_eq(&body_digest)) {
            return Ok(Begun::DifferentBody);
        }
        match known.answer {
            None if env.now() < known.created_at.after(RUNNING_AT_MOST) => {
                return Ok(Begun::Running);
            }
            None => {}
            Some(sealed) => {
                let answer = ticket.sealer.open(place(&ticket.row_text()), &sealed)?;
                return Ok(Begun::Replay(answer));
            }
        }
    }
    let request = IdempotentRequest {
        token: scope.token,
        attempt: ticket.attempt,
        body_digest,
        answer: None,
        created_at: env.now(),
    };
    write.put_idempotent_request(&ticket.row, &request).await?;
    env.commit(write).await?;
    Ok(Begun::New(ticket))
}

/// Forgets every request that is being done, where no other registry can be doing any: what the process before this one had
/// begun and not answered changed nothing, and may be sent again at once.
pub async fn abandon_all(env: &Environment) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    write.delete_unanswered_requests().await?;
    env.commit(write).await?;
    Ok(())
}

/// Forgets a request that changed nothing, so that it can be sent again. One that has its answer did what it says, however
/// that looked to whoever gives it up, and keeps it.
pub async fn abandon(env: &Environment, ticket: Ticket) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let known = write.idempotent_request(&ticket.row).await?;
    if known.is_some_and(|known| known.attempt == ticket.attempt && known.answer.is_none()) {
        write.delete_idempotent_request(&ticket.row).await?;
        env.commit(write).await?;
    }
    Ok(())
}
