//! Replacing the master key while the registry serves.
//!
//! 1. The next key is there: given by the settings, or in a file beside the one in use.
//! 2. One transaction notes the move and names the next key as the one under which new values are sealed.
//! 3. Everything that is sealed is sealed anew, a batch at a time.
//! 4. When nothing is found under the old key any more, one transaction ends the move; then the file takes the old one's
//!    place.
//!
//! Whoever is killed anywhere in between finds both keys at the next start, and goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Mutex;

use super::{
    Presence, Status, reload,
    source::KeySource,
    status,
    walk::{Step, Walk},
};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::{Conflict, Error},
    sealing::{COLUMNS, KeyId},
    secrets::{DataKey, Purpose},
    shutdown::Shutdown,
    start::StartError,
    store::{CHECKED, KEY_CHECK, NewMasterRotation, WriteTransaction},
};

/// After which a step that failed is tried again: what makes one fail is a database that is away, which takes seconds to
/// come back, and one attempt a second does not keep it busy.
const RETRY: Duration = Duration::from_secs(1);
/// How often a registry says that it is there. Three may be lost, to a database that is away or a machine that is busy,
/// before it counts as gone; and whoever brings the next key to a registry waits that long at most.
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(15);
/// For how long a registry that has not said anything still counts as running.
pub(crate) const REGISTRY_SILENT_AFTER: Duration = Duration::from_mins(1);

/// Replaces the master key of one registry's database.
#[derive(Debug)]
pub struct MasterRotator {
    env: Environment,
    source: KeySource,
    presence: Presence,
    shutdown: Shutdown,
    /// Who begins, or touches the keys' files: two at once would make two next keys.
    turn: Mutex<()>,
    /// Whether this process is at it.
    running: AtomicBool,
}

impl MasterRotator {
    /// Takes the next key from `source`. Other registries see this one by `presence`.
    #[must_use]
    pub fn new(
        env: Environment,
        source: KeySource,
        presence: Presence,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            env,
            source,
            presence,
            shutdown,
            turn: Mutex::new(()),
            running: AtomicBool::new(false),
        }
    }

    /// At the start, before anything is served: from now on no move begins to a key that this registry does not have.
    pub(crate) async fn resume(self: &Arc<Self>) -> Result<(), StartError> {
        self.presence.arrive(&self.env).await?;
        self.look().await?;
        self.source.remind(status(&self.env).await?.master_key);
        Ok(())
    }

    /// Until the end is announced: says that this registry is there, and goes on with what another began and left.
    pub(crate) async fn tend(self: &Arc<Self>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(ANNOUNCE_INTERVAL) => {}
                () = self.shutdown.wait() => break,
            }
            if let Err(error) = self.look().await {
                tracing::error!(%error, "what other registries do with the master key could not be followed");
            }
        }
    }

    /// When nothing is served any more: nobody has to wait for this registry.
    pub(crate) async fn leave(&self) {
        if let Err(error) = self.presence.leave(&self.env).await {
            tracing::warn!(%error, "other registries take this one to be running for another minute");
        }
    }

    /// Goes on with what another process began, or puts the file into its place that one had no time for.
    pub(super) async fn look(self: &Arc<Self>) -> Result<(), StartError> {
        let turn = self.turn.lock().await;
        let found = self.source.look(&self.env.keys);
        // In any case: who says nothing is taken to be gone.
        self.presence.announce(&self.env).await?;
        found?;
        let status = status(&self.env).await?;
        if status.rotation.is_none() {
            return self.source.settle(status.master_key);
        }
        drop(turn);
        self.go_on();
        Ok(())
    }

    /// Begins to replace the master key, or goes on with it; what it answers is how far that is.
    pub async fn rotate(self: &Arc<Self>, caller: Caller) -> Result<Status, Error> {
        let env = &self.env;
        let turn = self.turn.lock().await;
        let before = status(env).await?;
        if before.rotation.is_none() {
            // One that has just ended may have left the file of the key in use where the next one is to be.
            let settled = self.source.settle(before.master_key);
            settled.map_err(|error| Error::MasterKeyFile(error.to_string()))?;
            let next = self.source.next(&env.keys, env.entropy.as_ref())?;
            self.presence.announce(env).await?;
            begin(env, caller, next).await?;
        }
        drop(turn);
        let status = status(env).await?;
        self.go_on();
        Ok(status)
    }

    fn go_on(self: &Arc<Self>) {
        if !self.running.swap(true, Ordering::AcqRel) {
            let rotator = Arc::clone(self);
            tokio::spawn(async move {
                rotator.walk().await;
                rotator.running.store(false, Ordering::Release);
            });
        }
    }

    async fn walk(&self) {
        let mut walk = Walk::default();
        loop {
            match walk.step(&self.env).await {
                Ok(Step::Going) => tokio::task::yield_now().await,
                Ok(Step::Finished | Step::Nothing) => break,
                Err(error) => {
                    tracing::warn!(%error, "values could not be sealed under the next master key, and will be");
                    tokio::select! {
                        () = tokio::time::sleep(RETRY) => {}
                        () = self.shutdown.wait() => return,
                    }
                }
            }
            if self.shutdown.announced() {
                return;
            }
        }
        if let Err(error) = self.settle().await {
            tracing::error!(%error, "the next master key's file could not be put into its place: the next start tries again");
        }
    }

    async fn settle(&self) -> Result<(), StartError> {
        let _turn = self.turn.lock().await;
        let status = status(&self.env).await?;
        if status.rotation.is_none() {
            self.source.remind(status.master_key);
            self.source.settle(status.master_key)?;
        }
        Ok(())
    }
}

/// Notes the move, and names the next key as the one that new values are sealed under.
pub(super) async fn begin(env: &Environment, caller: Caller, next: KeyId) -> Result<(), Error> {
    let total = count(env).await?;
    let mut write = env.store.write().await?;
    if write.master_rotation().await?.is_some() {
        return Ok(());
    }
    let retiring_check = write.key_check().await?;
    let (from, _) = env.keys.open_with(KEY_CHECK, &retiring_check)?;
    check_next(env, write.as_mut(), next).await?;
    let sealer = env.keys.sealer(next).ok_or(Conflict::NextMasterKey)?;
    let check = sealer.seal(KEY_CHECK, CHECKED, env.entropy.as_ref())?;
    write.set_key_check(&check).await?;
    write.insert_master_key(next, env.now()).await?;
    let new = NewMasterRotation {
        retiring_check,
        began_at: env.now(),
        total,
    };
    write.begin_master_rotation(&new).await?;
    renew_audit_key(env, write.as_mut()).await?;
    let event =
        Event::of(Action::MasterKeyRotationBegun, next.to_string()).with("from", from.to_string());
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    env.keys.prefer(next);
    reload(env, env.store.read().await?.as_mut()).await
}

/// A key that is in use, or was, protects nothing from whoever has it; and every registry must be able to read what the
/// others write from now on.
async fn check_next(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    next: KeyId,
) -> Result<(), Error> {
    let known = write.master_keys().await?;
    if known.iter().any(|used| used.id == next) {
        return Err(Conflict::NextMasterKeyUsed { id: next }.into());
    }
    let since = env.now().before(REGISTRY_SILENT_AFTER);
    let registries = write.registries(since).await?;
    let without: Vec<String> = registries
        .into_iter()
        .filter(|registry| !registry.master_keys.contains(&next))
        .map(|registry| registry.name)
        .collect();
    if without.is_empty() {
        return Ok(());
    }
    Err(Conflict::RegistriesWithoutKey {
        id: next,
        registries: without,
    }
    .into())
}

async fn count(env: &Environment) -> Result<u64, Error> {
    let mut read = env.store.read().await?;
    let mut total: u64 = 0;
    for column in COLUMNS {
        total = total.saturating_add(read.count_sealed(column).await?);
    }
    Ok(total)
}

/// Who had the old master key must not be able to continue the log unnoticed.
async fn renew_audit_key(env: &Environment, write: &mut dyn WriteTransaction) -> Result<(), Error> {
    let purpose = Purpose::AuditMacs;
    let latest = write.latest_data_key(purpose).await?;
    let version = latest.map_or(1, |key| key.version.saturating_add(1));
    let sealer = env.sealer(write).await?;
    let random = env.entropy.as_ref();
    let sealed = DataKey::generate(random)?.seal(purpose, version, &sealer, random)?;
    Ok(write.insert_data_key(&sealed, env.now()).await?)
}
