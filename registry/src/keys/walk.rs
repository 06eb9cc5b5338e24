//! Sealing everything anew, a batch in each transaction.

use std::sync::Arc;

use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::Error,
    sealing::{COLUMNS, Place, Sealer},
    store::{KEY_CHECK, SealedValue, WriteTransaction},
};

/// Values at most in one transaction, so that others can write in between.
pub(super) const BATCH: usize = if cfg!(test) { 3 } else { 200 };

/// Where the walk has come.
#[derive(Debug, Default)]
pub(super) struct Walk {
    column: usize,
    /// The row after which it goes on.
    after: String,
}

/// What a step of the walk has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There may be more.
    Going,
    /// Nothing is left under the old key.
    Finished,
    /// No move is going on.
    Nothing,
}

impl Walk {
    /// Seals the next batch anew; after the last one, checks that nothing is left and ends the move. Each step is one
    /// transaction, and the move goes on with the next one whoever makes it.
    pub(super) async fn step(&mut self, env: &Environment) -> Result<Step, Error> {
        let mut write = env.store.write().await?;
        if write.master_rotation().await?.is_none() {
            return Ok(Step::Nothing);
        }
        let sealer = env.sealer(write.as_mut()).await?;
        let Some(column) = COLUMNS.get(self.column).copied() else {
            finish(env, write, &sealer).await?;
            return Ok(Step::Finished);
        };
        let batch = write
            .sealed_elsewhere(column, sealer.id(), &self.after, BATCH)
            .await?;
        if let Some(last) = batch.last() {
            self.after.clone_from(&last.row);
        } else {
            self.column = self.column.saturating_add(1);
            self.after.clear();
        }
        let sealed = seal_anew(env, write.as_mut(), &sealer, column, batch).await?;
        write.count_sealed_anew(sealed.moved).await?;
        env.commit(write).await?;
        Ok(Step::Going)
    }
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default)]
struct Sealed {
    moved: u64,
    /// Under no key that is known: they could not be read before either.
    unreadable: u64,
}

async fn seal_anew(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    sealer: &Sealer,
    column: &'static str,
    batch: Vec<SealedValue>,
) -> Result<Sealed, Error> {
    let mut done = Sealed::default();
    for SealedValue { row, sealed } in batch {
        let place = Place { column, row: &row };
        match env.keys.open(place, &sealed) {
            Ok(plain) => {
                let sealed = sealer.seal(place, &plain, env.entropy.as_ref())?;
                write.put_sealed(column, &row, &sealed).await?;
                done.moved = done.moved.saturating_add(1);
            }
            Err(error) => {
                tracing::error!(%error, column, row, "a value cannot be read, and stays as it is");
                done.unreadable = done.unreadable.saturating_add(1);
            }
        }
    }
    Ok(done)
}

/// Ends the move. What was left behind is sealed anew in this very transaction, so that nothing can be.
async fn finish(
    env: &Environment,
    mut write: Box<dyn WriteTransaction>,
    sealer: &Arc<Sealer>,
) -> Result<(), Error> {
    let mut unreadable: u64 = 0;
    for column in COLUMNS {
        let rest = write
            .sealed_elsewhere(column, sealer.id(), "", usize::MAX)
            .await?;
        let sealed = seal_anew(env, write.as_mut(), sealer, column, rest).await?;
        write.count_sealed_anew(sealed.moved).await?;
        unreadable = unreadable.saturating_add(sealed.unreadable);
    }
    let now = env.now();
    if let Some(rotation) = write.master_rotation().await? {
        let (from, _) = env.keys.open_with(KEY_CHECK, &rotation.retiring_check)?;
        write.end_master_rotation(sealer.id(), now).await?;
        let event = Event::of(Action::MasterKeyRotated, sealer.id().to_string())
            .with("from", from.to_string())
            .with("values", rotation.done)
            .with("unreadable", unreadable);
        let organization = write.default_organization().await?.id;
        audit::note(env, write.as_mut(), Caller::registry(organization), event).await?;
        tracing::info!(from = %from, to = %sealer.id(), values = rotation.done, unreadable, "the master key was replaced");
    }
    env.commit(write).await?;
    Ok(())
}
