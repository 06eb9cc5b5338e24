//! Requests that may be sent twice: the second gets the first one's answer.

use std::time::Duration;

use subtle::ConstantTimeEq as _;

use crate::{
    environment::Environment, error::Error, ids::TokenId, sealing::Place, store::IdempotentRequest,
};

/// For how long an answer is kept.
pub const KEPT: Duration = Duration::from_secs(15 * 60);

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
    /// It is new: do it, then [`finish`] or [`abandon`] the ticket.
    New(Ticket),
    /// It was done: this is the answer.
    Replay(zeroize::Zeroizing<Vec<u8>>),
    /// It is being done.
    Running,
    /// The same key came with another body.
    DifferentBody,
}

/// The right to answer a request.
#[derive(Debug)]
pub struct Ticket {
    row: [u8; 32],
    attempt: [u8; 16],
    sealer: crate::sealing::Sealer,
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
            sealer: env.keys.idempotency_sealer(scope.key),
        }
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
        return match known.answer {
            None => Ok(Begun::Running),
            Some(sealed) => Ok(Begun::Replay(
                ticket.sealer.open(place(&ticket.row_text()), &sealed)?,
            )),
        };
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

/// Keeps the answer for those who ask again.
pub async fn finish(env: &Environment, ticket: Ticket, answer: &[u8]) -> Result<(), Error> {
    let sealed = ticket
        .sealer
        .seal(place(&ticket.row_text()), answer, env.entropy.as_ref())?;
    let mut write = env.store.write().await?;
    let known = write.idempotent_request(&ticket.row).await?;
    // After KEPT, another attempt may have begun, and may have been answered otherwise.
    let Some(request) = known.filter(|known| known.attempt == ticket.attempt) else {
        return Ok(());
    };
    let request = IdempotentRequest {
        answer: Some(sealed),
        ..request
    };
    write.put_idempotent_request(&ticket.row, &request).await?;
    env.commit(write).await?;
    Ok(())
}

/// Forgets a request that changed nothing, so that it can be sent again.
pub async fn abandon(env: &Environment, ticket: Ticket) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let known = write.idempotent_request(&ticket.row).await?;
    if known.is_some_and(|known| known.attempt == ticket.attempt) {
        write.delete_idempotent_request(&ticket.row).await?;
        env.commit(write).await?;
    }
    Ok(())
}
