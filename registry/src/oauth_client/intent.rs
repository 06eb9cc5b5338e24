//! Writing down what is to be done at a provider, before it is called.

use std::time::Duration;

use super::{Management, Payload};
use crate::{
    clock::Timestamp,
    credential::Credential,
    entropy::Entropy,
    environment::Environment,
    error::{Conflict, Error},
    ids::{OperationId, ProviderId},
    provider::{
        Operation, OperationKind, phase,
        registrar::{Known, Marker, ProviderError, Registered},
    },
    secrets::SecretText,
    store::WriteTransaction,
};

/// For how long a call is left to whoever makes it. Longer than any takes; after that, another registry looks after it.
pub(crate) const LEASE: Duration = Duration::from_mins(2);
/// Before something is tried for the second time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Before something is tried again that has failed often.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// Something that is about to be done at a provider.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) operation: Operation,
    pub(crate) payload: Payload,
}

impl Intent {
    /// Writes it down, unless something else is being done about the credential's client.
    pub(crate) async fn note(
        env: &Environment,
        write: &mut dyn WriteTransaction,
        (provider, credential): (ProviderId, &Credential),
        (kind, phase): (OperationKind, &str),
        payload: Payload,
    ) -> Result<Self, Error> {
        let others = write.operations_about(credential.id).await?;
        if others
            .iter()
            .any(|other| other.kind != OperationKind::Delete)
        {
            return Err(Conflict::ClientBusy.into());
        }
        let now = env.now();
        let id = OperationId::generate(now, env.entropy.as_ref())?;
        let operation = Operation {
            id,
            provider,
            organization: credential.organization,
            application: credential.application,
            credential: credential.id,
            kind,
            phase: phase.to_owned(),
            sealed: payload.seal(env, write, id).await?,
            attempts: 0,
            next_attempt_at: Some(now.after(LEASE)),
            is_held: true,
            last_error: None,
            created_at: now,
        };
        write.insert_operation(&operation).await?;
        Ok(Self { operation, payload })
    }

    /// By what a client is recognised that was registered for it.
    pub(crate) const fn marker(&self) -> Marker {
        Marker {
            provider: self.operation.provider,
            operation: self.operation.id,
        }
    }

    /// Refuses to go on with what another has taken up: whoever does nothing for longer than [`LEASE`], for one because its
    /// machine stood still, may find that.
    ///
    /// What is kept of it may say more by now than what it was begun with.
    pub(crate) async fn check(&self, write: &mut dyn WriteTransaction) -> Result<Operation, Error> {
        let kept = write.operation(self.operation.id).await?;
        // Whoever takes it up counts one attempt more.
        let own = kept.filter(|kept| kept.attempts == self.operation.attempts);
        Ok(own.ok_or(Conflict::ClientBusy)?)
    }

    /// Forgets it, in the transaction that keeps what came of it.
    pub(crate) async fn finish(&self, write: &mut dyn WriteTransaction) -> Result<(), Error> {
        self.check(write).await?;
        Ok(write.delete_operation(self.operation.id).await?)
    }

    /// It has come this far, and is left to its caller for another while.
    pub(crate) async fn advance(&mut self, env: &Environment, phase: &str) -> Result<(), Error> {
        let mut write = env.store.write().await?;
        self.operation.sealed = self.check(write.as_mut()).await?.sealed;
        phase.clone_into(&mut self.operation.phase);
        self.operation.next_attempt_at = Some(env.now().after(LEASE));
        write.update_operation(&self.operation).await?;
        env.commit(write).await?;
        Ok(())
    }

    /// The provider has not done it as far as its caller knows: forgets it, unless it may have been done all the same.
    ///
    /// Whatever fails here is found by the worker once the lease is over, so the caller hears of the provider's error.
    pub(crate) async fn failed(self, env: &Environment, error: &ProviderError) {
        let settled = if error.may_be_done {
            let pause = pause(env.entropy.as_ref(), 1);
            let at = env.now().after(pause.max(LEASE));
            self.postpone(env, phase::UNANSWERED, Some(at), error).await
        } else {
            self.forget(env).await
        };
        if let Err(error) = settled {
            tracing::warn!(%error, "what came of an identity provider's answer could not be written down");
        }
    }

    /// It is done, or undone.
    pub(crate) async fn forget(&self, env: &Environment) -> Result<(), Error> {
        let mut write = env.store.write().await?;
        self.finish(write.as_mut()).await?;
        env.commit(write).await?;
        Ok(())
    }

    /// It is to be tried at another time, or when somebody says so.
    pub(crate) async fn postpone(
        mut self,
        env: &Environment,
        phase: &str,
        at: Option<Timestamp>,
        error: &ProviderError,
    ) -> Result<(), Error> {
        let mut write = env.store.write().await?;
        self.operation.sealed = self.check(write.as_mut()).await?.sealed;
        phase.clone_into(&mut self.operation.phase);
        self.operation.next_attempt_at = at;
        self.operation.is_held = false;
        self.operation.last_error = Some(error.description.clone());
        write.update_operation(&self.operation).await?;
        env.commit(write).await?;
        Ok(())
    }

    /// A client was registered that cannot be kept: it is to be removed. Whoever may have taken the operation up does not
    /// know the client, so this is what is done about it from now on.
    pub(crate) async fn undo(mut self, env: &Environment, registered: &Registered) {
        self.payload.client_id = Some(registered.client_id.clone());
        self.payload.management = Some(Management::of(registered));
        phase::UNDOING.clone_into(&mut self.operation.phase);
        self.operation.next_attempt_at = Some(env.now());
        self.operation.is_held = false;
        let saved = async {
            let mut write = env.store.write().await?;
            let id = self.operation.id;
            let kept = write.operation(id).await?;
            let attempts = kept.as_ref().map(|kept| kept.attempts);
            if attempts != Some(self.operation.attempts) {
                // Whoever has taken it up may have found the client, and removed it.
                phase::UNDOING_UNANSWERED.clone_into(&mut self.operation.phase);
            }
            self.operation.attempts = attempts.unwrap_or_default().saturating_add(1);
            self.operation.sealed = self.payload.seal(env, write.as_mut(), id).await?;
            match kept {
                Some(_) => write.update_operation(&self.operation).await?,
                None => write.insert_operation(&self.operation).await?,
            }
            env.commit(write).await?;
            Ok::<(), Error>(())
        };
        if let Err(error) = saved.await {
            tracing::warn!(%error, "a client that cannot be kept may stay at its identity provider");
        }
    }

    /// The client that it is about.
    pub(crate) fn known(&self) -> Known {
        let management = self.payload.management.clone().unwrap_or_default();
        management.known(self.payload.client_id.clone().unwrap_or_default())
    }
}

impl Management {
    /// Of a client as its provider has answered.
    pub(crate) fn of(registered: &Registered) -> Self {
        let token = registered.registration_access_token.as_ref();
        Self {
            uri: registered.registration_client_uri.clone(),
            token: token.map(|token| token.expose().to_owned()),
        }
    }

    /// The same after another answer, which may leave out what has not changed.
    pub(crate) fn after(&self, registered: &Registered) -> Self {
        let next = Self::of(registered);
        Self {
            uri: next.uri.clone().or_else(|| self.uri.clone()),
            token: next.token.clone().or_else(|| self.token.clone()),
        }
    }

    /// For a call about the client.
    pub(crate) fn known(&self, client_id: String) -> Known {
        Known {
            client_id,
            registration_client_uri: self.uri.clone(),
            registration_access_token: self.token.clone().map(SecretText::new),
        }
    }
}

/// How long to wait after so many attempts: twice as long each time, and a bit more at random, so that what failed together
/// is not tried together.
pub(crate) fn pause(entropy: &dyn Entropy, attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings);
    let pause = pause.min(LONGEST_PAUSE);
    let [random] = entropy.bytes().unwrap_or_default();
    pause.saturating_add(pause.saturating_mul(u32::from(random)) / 1024)
}
