//! What every use case needs from outside.

use std::{future::Future, sync::Arc, time::Duration};

use crate::{
    clock::{Clock, Timestamp},
    credential::RotationPolicy,
    entropy::Entropy,
    error::Error,
    lifetime::Lifetimes,
    oauth::upkeep::AccessTokens,
    oauth_client::Proofs,
    organization::Quotas,
    outgoing::Outgoing,
    password::PasswordWork,
    provider::oidc::FetchedTokens,
    provider::registrars::Registrars,
    sealing::{SealError, Sealer},
    secret_policy::SecretPolicy,
    secrets::Keys,
    store::{KEY_CHECK, Stamp, Store, StoreError, WriteTransaction},
};

/// Everything that a use case reaches beyond its arguments. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Where things are kept.
    pub store: Arc<dyn Store>,
    /// What is derived from the master key.
    pub keys: Arc<Keys>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Argon2id, bounded.
    pub passwords: Arc<dyn PasswordWork>,
    /// What secrets must be like.
    pub policy: SecretPolicy,
    /// When secrets are to be replaced, and how long the ones before may still work.
    pub rotation: RotationPolicy,
    /// For how long credentials and tokens may work at most.
    pub lifetimes: Lifetimes,
    /// How much an organization may have that says nothing else.
    pub quotas: Quotas,
    /// For how long changes are kept in the log.
    pub log_kept: Duration,
    /// For how long usage by day is kept.
    pub usage_kept: Duration,
    /// For how long what was done is kept; `None`: for ever.
    pub audit_kept: Option<Duration>,
    /// Where the registry is reached, without a slash at its end; `None` where nobody has said it.
    pub public_url: Option<Arc<str>>,
    /// How the built-in authorization server gives access tokens.
    pub access_tokens: AccessTokens,
    /// The way to identity providers.
    pub outgoing: Outgoing,
    /// Tokens with which clients are registered, until they end.
    pub fetched_tokens: FetchedTokens,
    /// How often somebody may try to prove that a client there is theirs.
    pub client_proofs: Proofs,
    /// Who talks to which of them.
    pub registrars: Arc<dyn Registrars>,
}

impl Environment {
    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What seals in this transaction. The database says under which master key, and nobody moves it to another while the
    /// transaction lasts: whatever is sealed outside of one may be under a key that is gone when it is written.
    pub(crate) async fn sealer(
        &self,
        write: &mut dyn WriteTransaction,
    ) -> Result<Arc<Sealer>, Error> {
        let check = write.key_check().await?;
        let (key, _) = self.keys.open_with(KEY_CHECK, &check)?;
        let column = KEY_CHECK.column;
        let unknown = || SealError::UnknownKey { column, key };
        Ok(self.keys.sealer(key).ok_or_else(unknown)?)
    }

    /// Does `work` to its end. Who waits for it may give up; what was begun is done in any case, so that a request that
    /// takes longer than anybody waits succeeds all the same.
    pub(crate) async fn complete<T, W>(&self, work: impl FnOnce(Self) -> W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let task = tokio::spawn(work(self.clone()));
        task.await
            .map_err(|_| Error::Store(StoreError::Interrupted))?
    }

    /// Makes everything that happened in `transaction` true at once, and wakes the feeds. Returns the log's revision.
    pub async fn commit(&self, transaction: Box<dyn WriteTransaction>) -> Result<u64, Error> {
        let stamp = Stamp {
            change_id: self.entropy.bytes()?,
            at: self.now(),
        };
        Ok(transaction.commit(stamp).await?)
    }
}
