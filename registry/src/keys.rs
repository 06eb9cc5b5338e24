//! The keys under which everything is kept, and how they are replaced while the registry serves.

use crate::{
    caller::Caller,
    clock::Timestamp,
    environment::Environment,
    error::Error,
    oauth::{
        SigningKey,
        signing::{self, SigningKeyState},
        upkeep,
    },
    sealing::KeyId,
    secrets::DataKeys,
    store::{KEY_CHECK, ReadTransaction, StoreError, UsedMasterKey},
};

mod presence;
mod rotation;
mod source;
mod walk;

#[cfg(test)]
mod tests;

pub use presence::Presence;
pub use rotation::MasterRotator;
pub use source::KeySource;

/// What is known of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The master key that new values are sealed under.
    pub master_key: KeyId,
    /// Every master key that there was, in order of their use.
    pub master_keys: Vec<UsedMasterKey>,
    /// How far everything has come on its way from one to another.
    pub rotation: Option<Progress>,
    /// The keys that access tokens are or were signed with, the oldest first, and what each is used for now.
    pub signing_keys: Vec<(SigningKey, SigningKeyState)>,
}

/// How far everything has come on its way from one master key to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The key that is being left.
    pub from: KeyId,
    /// The key under which everything will be.
    pub to: KeyId,
    /// Since when.
    pub began_at: Timestamp,
    /// Values that were sealed anew.
    pub done: u64,
    /// Values that there were when it began.
    pub total: u64,
}

/// What is known of the keys now.
pub async fn status(env: &Environment) -> Result<Status, Error> {
    let mut read = env.store.read().await?;
    let (master_key, _) = env.keys.open_with(KEY_CHECK, &read.key_check().await?)?;
    let rotation = match read.master_rotation().await? {
        None => None,
        Some(rotation) => Some(Progress {
            from: env.keys.open_with(KEY_CHECK, &rotation.retiring_check)?.0,
            to: master_key,
            began_at: rotation.began_at,
            done: rotation.done,
            total: rotation.total,
        }),
    };
    Ok(Status {
        master_key,
        master_keys: read.master_keys().await?,
        rotation,
        signing_keys: signing::states(read.signing_keys().await?, env.now()),
    })
}

/// Makes the next key for access tokens, unless there is one that does not sign yet.
///
/// # Errors
/// When what is kept cannot be read or written.
pub async fn rotate_signing(env: &Environment, caller: Caller) -> Result<Status, Error> {
    upkeep::rotate(env, caller).await?;
    status(env).await
}

/// Uses the data keys as the transaction sees them: another registry may have added one.
pub(crate) async fn reload(
    env: &Environment,
    read: &mut (dyn ReadTransaction + '_),
) -> Result<(), Error> {
    let sealed = read.data_keys().await?;
    let missing = StoreError::Unreadable("data_keys.purpose");
    let data = DataKeys::open(&sealed, &env.keys)?.ok_or(missing)?;
    env.keys.use_data(data);
    Ok(())
}
