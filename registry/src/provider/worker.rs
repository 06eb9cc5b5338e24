//! Finishing or undoing what was begun at providers: after a crash, a lost answer or a refusal.
//!
//! Any registry may do it. Who claims an operation has it for a lease, in a transaction, so no two are at the same one; and
//! whoever dies leaves it to the others after that. A registry that is alone with its database knows when it starts that nobody
//! is at anything, and waits for no lease.

use super::{
    Operation, OperationKind, Provider, phase,
    registrar::{ProviderError, ProviderErrorKind, Registrar},
};
use crate::{
    environment::Environment,
    error::Error,
    ids::OperationId,
    oauth_client::{
        self, Payload,
        intent::{Intent, LEASE, pause},
        metadata::ClientMetadata,
    },
};

/// Operations at most that are looked for at a time.
const BATCH: usize = 16;
/// Rounds at most at a time, so that what fails at once is no endless loop.
const ROUNDS: usize = 64;

/// Does what is due, each once. Returns how many there were.
pub async fn work(env: &Environment) -> Result<usize, Error> {
    let mut done: usize = 0;
    for _ in 0..ROUNDS {
        let due = {
            let mut read = env.store.read().await?;
            read.operations_due(env.now(), BATCH).await?
        };
        if due.is_empty() {
            break;
        }
        for operation in due {
            let id = operation.id;
            if let Some(intent) = claim(env, id, false).await? {
                if let Err(error) = attempt(env, intent).await {
                    // It is due again after its lease, and those behind it do not wait for that.
                    tracing::warn!(operation = %id, %error, "what came of an operation could not be written down");
                }
                done = done.saturating_add(1);
            }
        }
    }
    Ok(done)
}

/// Takes up everything that a registry was at which is no more. Only for one that is alone with its database.
pub(crate) async fn take_over(env: &Environment) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    write.let_go_of_operations(env.now()).await?;
    env.commit(write).await?;
    Ok(())
}

/// Takes an operation, if it is there, and due or wanted at once. What somebody is at is left to them.
pub(super) async fn claim(
    env: &Environment,
    id: OperationId,
    at_once: bool,
) -> Result<Option<Intent>, Error> {
    let mut write = env.store.write().await?;
    let now = env.now();
    let Some(mut operation) = write.operation(id).await? else {
        return Ok(None);
    };
    let is_due = operation.next_attempt_at.is_some_and(|at| at <= now);
    if !is_due && (!at_once || operation.is_held) {
        return Ok(None);
    }
    if operation.is_held {
        // Whoever was at it may have asked the provider before they were gone.
        operation.phase = asked(&operation).to_owned();
    }
    operation.is_held = true;
    operation.attempts = operation.attempts.saturating_add(1);
    operation.next_attempt_at = Some(now.after(LEASE));
    let payload = Payload::open(env, &operation)?;
    write.update_operation(&operation).await?;
    env.commit(write).await?;
    Ok(Some(Intent { operation, payload }))
}

/// How far it has come, if whoever was at it has asked the provider.
fn asked(operation: &Operation) -> &str {
    match (operation.kind, operation.phase.as_str()) {
        (OperationKind::Delete, _) => phase::UNANSWERED,
        (_, phase::UNDOING) => phase::UNDOING_UNANSWERED,
        (_, phase) => phase,
    }
}

/// Forgets what is to be done, and what it was to be done about where that is to be removed.
pub(super) async fn forget(env: &Environment, intent: &Intent) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    intent.finish(write.as_mut()).await?;
    if intent.operation.kind == OperationKind::Delete
        && let Some(secret) = intent.payload.secret()
        && let Some(client) = write.oauth_client(secret).await?
    {
        oauth_client::end(write.as_mut(), client, env.now()).await?;
    }
    env.commit(write).await?;
    Ok(())
}

/// Tries once to finish or to undo it.
pub(super) async fn attempt(env: &Environment, intent: Intent) -> Result<(), Error> {
    let found = {
        let mut read = env.store.read().await?;
        read.provider(intent.operation.provider).await?
    };
    let Some(provider) = found else {
        return intent.forget(env).await;
    };
    let registrar = match env.registrars.of(env, &provider).await {
        Ok(registrar) => registrar,
        Err(Error::Provider(error)) => return again(env, intent, &error).await,
        Err(error) => return Err(error),
    };
    let work = Work {
        env,
        provider: &provider,
        registrar: registrar.as_ref(),
    };
    match (intent.operation.kind, intent.operation.phase.as_str()) {
        (
            OperationKind::Register | OperationKind::Rotate,
            phase::UNDOING | phase::UNDOING_UNANSWERED,
        ) => work.undo(intent).await,
        (OperationKind::Register, _) | (OperationKind::Rotate, phase::REPLACING) => {
            work.search(intent).await
        }
        (OperationKind::Rotate, _) => work.learn(intent).await,
        (OperationKind::Update, phase::READING) => intent.forget(env).await,
        (OperationKind::Update, _) => work.update(intent).await,
        (OperationKind::Delete, _) => work.delete(intent).await,
    }
}

/// Later, and later each time.
async fn again(env: &Environment, intent: Intent, error: &ProviderError) -> Result<(), Error> {
    let pause = pause(env.entropy.as_ref(), intent.operation.attempts);
    let at = env.now().after(pause);
    let phase = if error.may_be_done {
        phase::UNANSWERED.to_owned()
    } else {
        intent.operation.phase.clone()
    };
    let Operation { id, kind, .. } = intent.operation;
    tracing::warn!(operation = %id, ?kind, %error, "an identity provider has not done what is to be done");
    intent.postpone(env, &phase, Some(at), error).await
}

/// Not before somebody says so.
async fn leave(
    env: &Environment,
    intent: Intent,
    phase: &str,
    error: &ProviderError,
) -> Result<(), Error> {
    let Operation { id, kind, .. } = intent.operation;
    tracing::warn!(operation = %id, ?kind, %error, "an operation at an identity provider waits for a reconciliation");
    intent.postpone(env, phase, None, error).await
}

struct Work<'a> {
    env: &'a Environment,
    provider: &'a Provider,
    registrar: &'a dyn Registrar,
}

impl Work<'_> {
    /// Removes a client that nobody got to know.
    async fn undo(&self, intent: Intent) -> Result<(), Error> {
        let was_asked = intent.operation.phase == phase::UNDOING_UNANSWERED;
        match self.registrar.delete(&intent.known()).await {
            Ok(()) => intent.forget(self.env).await,
            Err(error) if is_gone(&error, was_asked) => intent.forget(self.env).await,
            Err(error) => {
                // What it is stays known, whatever becomes of the attempt.
                let phase = if was_asked || error.may_be_done {
                    phase::UNDOING_UNANSWERED
                } else {
                    phase::UNDOING
                };
                self.later(intent, phase, &error).await
            }
        }
    }

    /// Looks for what may have been registered, and removes it: nobody knows its secret.
    async fn search(&self, intent: Intent) -> Result<(), Error> {
        let kept = intent.operation.phase.clone();
        let listed = match self.registrar.list().await {
            Ok(listed) => listed,
            Err(error) if error.kind == ProviderErrorKind::Unsupported => {
                let name = &self.provider.name;
                let description = format!(
                    "a client may have been registered at {name:?} that nobody knows: it bears software_id {} and \
                     software_version {}, and the provider has no list by which to find it",
                    intent.marker().software(),
                    intent.operation.id,
                );
                let error = ProviderError {
                    description,
                    ..error
                };
                return leave(self.env, intent, unanswered(&kept), &error).await;
            }
            Err(error) => return self.later(intent, &kept, &error).await,
        };
        let own = listed
            .into_iter()
            .filter(|one| one.marker == intent.marker());
        for one in own {
            match self.registrar.delete(&one.known).await {
                Ok(()) => {}
                Err(error) if error.kind == ProviderErrorKind::Missing => {}
                Err(error) if is_impossible(&error) => {
                    let client_id = &one.known.client_id;
                    let description = format!(
                        "the client {client_id:?} is registered, and nobody knows its secret: remove it at the provider \
                         ({})",
                        error.description
                    );
                    let error = ProviderError {
                        description,
                        ..error
                    };
                    return leave(self.env, intent, unanswered(&kept), &error).await;
                }
                Err(error) => return self.later(intent, &kept, &error).await,
            }
        }
        intent.forget(self.env).await
    }

    /// What a client is like now whose secret may be another: the owner rotates it again, as nobody told them that it is.
    async fn learn(&self, intent: Intent) -> Result<(), Error> {
        match self.registrar.read(&intent.known()).await {
            Ok(registered) => self.settle(&intent, &registered).await,
            Err(error) if is_gone(&error, true) || is_impossible(&error) => {
                // The next rotation finds that out, and registers another client.
                intent.forget(self.env).await
            }
            Err(error) => again(self.env, intent, &error).await,
        }
    }

    /// Sends the metadata again: they are all of it, so it does not matter how often.
    async fn update(&self, intent: Intent) -> Result<(), Error> {
        let text = intent.payload.metadata.as_deref().unwrap_or_default();
        let metadata: ClientMetadata = serde_json::from_str(text).unwrap_or_default();
        match self.registrar.update(&intent.known(), &metadata).await {
            Ok(registered) => self.settle(&intent, &registered).await,
            // Whoever asked was told that nobody knows; now it is known that it was not done.
            Err(error) if error.kind == ProviderErrorKind::Refused || is_impossible(&error) => {
                intent.forget(self.env).await
            }
            // Nobody can manage it any more, so nobody will ever know: its owner rotates, which registers another client.
            Err(error) if is_gone(&error, true) => {
                let id = intent.operation.id;
                tracing::warn!(operation = %id, %error, "a client can be managed no more");
                intent.forget(self.env).await
            }
            Err(error) => again(self.env, intent, &error).await,
        }
    }

    async fn settle(
        &self,
        intent: &Intent,
        registered: &super::registrar::Registered,
    ) -> Result<(), Error> {
        let mut write = self.env.store.write().await?;
        oauth_client::settle_update(self.env, write.as_mut(), intent, registered).await?;
        self.env.commit(write).await?;
        Ok(())
    }

    /// Removes a client that gateways refuse already.
    async fn delete(&self, intent: Intent) -> Result<(), Error> {
        // Once a request may have been done, that nobody is let in any more means that it was.
        let was_sent = intent.operation.phase == phase::UNANSWERED;
        match self.registrar.delete(&intent.known()).await {
            Ok(()) => self.deleted(&intent).await,
            Err(error) if is_gone(&error, was_sent) => self.deleted(&intent).await,
            Err(error) => again(self.env, intent, &error).await,
        }
    }

    async fn deleted(&self, intent: &Intent) -> Result<(), Error> {
        forget(self.env, intent).await
    }

    async fn later(&self, intent: Intent, phase: &str, error: &ProviderError) -> Result<(), Error> {
        let pause = pause(self.env.entropy.as_ref(), intent.operation.attempts);
        let at = Some(self.env.now().after(pause));
        intent.postpone(self.env, phase, at, error).await
    }
}

/// What is looked for stays so, and what takes the place of another too.
fn unanswered(phase: &str) -> &str {
    match phase {
        phase::REPLACING => phase::REPLACING,
        _ => phase::UNANSWERED,
    }
}

/// Whether there is no such client. Where it is managed by a token of its own, that is refused then as well (RFC 7592 section
/// 2.1), which says so only where there is reason to think it.
const fn is_gone(error: &ProviderError, also_if_unmanaged: bool) -> bool {
    match error.kind {
        ProviderErrorKind::Missing => true,
        ProviderErrorKind::Unmanaged => also_if_unmanaged,
        _ => false,
    }
}

const fn is_impossible(error: &ProviderError) -> bool {
    matches!(error.kind, ProviderErrorKind::Unsupported)
}
