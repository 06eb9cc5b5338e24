//! Sealing everything anew, a batch in each transaction.

use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::Error,
    sealing::{COLUMNS, KeyId, Place},
    store::{KEY_CHECK, ReadTransaction, SealedValue},
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
    ///
    /// What is to be moved is looked for while others write, because that may take seconds where there are millions of
    /// values. Nothing comes under the old key meanwhile, and what was replaced since it was seen is left as it is.
    pub(super) async fn step(&mut self, env: &Environment) -> Result<Step, Error> {
        let mut read = env.store.read().await?;
        if read.master_rotation().await?.is_none() {
            return Ok(Step::Nothing);
        }
        let (key, _) = env.keys.open_with(KEY_CHECK, &read.key_check().await?)?;
        let Some(column) = COLUMNS.get(self.column).copied() else {
            let Some(unreadable) = unreadable(env, read.as_mut(), key).await? else {
                *self = Self::default();
                return Ok(Step::Going);
            };
            drop(read);
            finish(env, key, unreadable).await?;
            return Ok(Step::Finished);
        };
        let batch = read
            .sealed_elsewhere(column, key, &self.after, BATCH)
            .await?;
        drop(read);
        let last = batch.last().map(|value| value.row.clone());
        if last.is_some() {
            seal_anew(env, key, column, batch).await?;
        }
        // Not before that is done: what failed is tried again.
        if let Some(row) = last {
            self.after = row;
        } else {
            self.column = self.column.saturating_add(1);
            self.after.clear();
        }
        Ok(Step::Going)
    }
}

async fn seal_anew(
    env: &Environment,
    key: KeyId,
    column: &'static str,
    batch: Vec<SealedValue>,
) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let sealer = env.sealer(write.as_mut()).await?;
    if sealer.id() != key {
        // Everything moves to yet another key by now: the next step looks again.
        return Ok(());
    }
    let mut moved: u64 = 0;
    for value in batch {
        let row = &value.row;
        let place = Place { column, row };
        match env.keys.open(place, &value.sealed) {
            Ok(plain) => {
                let sealed = sealer.seal(place, &plain, env.entropy.as_ref())?;
                if write.put_sealed(column, &value, &sealed).await? {
                    moved = moved.saturating_add(1);
                }
            }
            Err(error) => {
                tracing::error!(%error, column, row, "a value cannot be read, and stays as it is");
            }
        }
    }
    write.count_sealed_anew(moved).await?;
    env.commit(write).await?;
    Ok(())
}

/// How many values are left that open under no key that is known, and could not be read before either; `None` where one is
/// left that opens.
async fn unreadable(
    env: &Environment,
    read: &mut (dyn ReadTransaction + '_),
    key: KeyId,
) -> Result<Option<u64>, Error> {
    let mut unreadable: u64 = 0;
    for column in COLUMNS {
        let mut after = String::new();
        loop {
            let batch = read.sealed_elsewhere(column, key, &after, BATCH).await?;
            for SealedValue { row, sealed } in &batch {
                if env.keys.open(Place { column, row }, sealed).is_ok() {
                    return Ok(None);
                }
                unreadable = unreadable.saturating_add(1);
            }
            match batch.last() {
                Some(last) => after.clone_from(&last.row),
                None => break,
            }
        }
    }
    Ok(Some(unreadable))
}

/// Ends the move.
async fn finish(env: &Environment, key: KeyId, unreadable: u64) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let Some(rotation) = write.master_rotation().await? else {
        return Ok(());
    };
    if env.sealer(write.as_mut()).await?.id() != key {
        return Ok(());
    }
    let (from, _) = env.keys.open_with(KEY_CHECK, &rotation.retiring_check)?;
    write.end_master_rotation(key, env.now()).await?;
    let event = Event::of(Action::MasterKeyRotated, key.to_string())
        .with("from", from.to_string())
        .with("values", rotation.done)
        .with("unreadable", unreadable);
    let organization = write.default_organization().await?.id;
    audit::note(env, write.as_mut(), Caller::registry(organization), event).await?;
    env.commit(write).await?;
    tracing::info!(from = %from, to = %key, values = rotation.done, unreadable, "the master key was replaced");
    Ok(())
}
