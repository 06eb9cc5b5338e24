//! The data keys at the start: made where they are missing, and opened.

use super::{connection::Connection, database::Database, installation, key};
use crate::{
    clock::Timestamp,
    entropy::{Entropy, EntropyError},
    sealing::{KeyId, Sealer},
    secrets::{DataKey, DataKeys, Keys, Purpose},
    store::{CHECKED, KEY_CHECK, OpenError, SealedDataKey, StoreError},
};

/// Has `keys` use the database's data keys.
pub(super) async fn prepare(
    database: &Database,
    keys: &Keys,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), OpenError> {
    let mut sealed = key::data_keys(&mut database.read().await?).await?;
    if misses_one(&sealed) {
        let mut transaction = database.write().await?;
        bring_up_to_date(&mut transaction, keys, now, entropy).await?;
        sealed = key::data_keys(&mut transaction).await?;
        transaction.commit().await?;
    }
    let check = installation::key_check(&mut database.read().await?).await?;
    keys.prefer(keys.open_with(KEY_CHECK, &check)?.0);
    let missing = StoreError::Unreadable("data_keys.purpose");
    keys.use_data(DataKeys::open(&sealed, keys)?.ok_or(missing)?);
    Ok(())
}

/// The same of a database that is only read.
pub(super) async fn look(connection: &mut Connection, keys: &Keys) -> Result<(), OpenError> {
    if let Some(data) = DataKeys::open(&key::data_keys(connection).await?, keys)? {
        keys.use_data(data);
    }
    Ok(())
}

fn misses_one(known: &[SealedDataKey]) -> bool {
    let has = |purpose| known.iter().any(|key| key.purpose == purpose);
    !Purpose::ALL.into_iter().all(has)
}

/// An earlier version derived its data keys from the master key, and said nowhere which key that was. What it wrote is
/// found by those alone, so they stay, whatever the master key is.
async fn bring_up_to_date(
    connection: &mut Connection,
    keys: &Keys,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), OpenError> {
    let check = installation::key_check(connection).await?;
    let (id, _) = keys.open_with(KEY_CHECK, &check)?;
    let sealer = keys.sealer(id).ok_or(OpenError::WrongMasterKey)?;
    let is_earlier = KeyId::of(&check).is_none();
    if is_earlier {
        key::set_check(connection, &sealer.seal(KEY_CHECK, CHECKED, entropy)?).await?;
        key::insert_master_key(connection, id, now).await?;
    }
    let make = |purpose| match keys.derived(id, purpose).filter(|_| is_earlier) {
        Some(derived) => Ok(derived),
        None => DataKey::generate(entropy),
    };
    insert_missing(connection, &sealer, make, now, entropy).await
}

/// Adds the data keys of a new database: random ones, so that a master key that was left says nothing of them.
pub(super) async fn insert_new(
    connection: &mut Connection,
    sealer: &Sealer,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), OpenError> {
    let make = |_| DataKey::generate(entropy);
    insert_missing(connection, sealer, make, now, entropy).await
}

async fn insert_missing(
    connection: &mut Connection,
    sealer: &Sealer,
    make: impl Fn(Purpose) -> Result<DataKey, EntropyError>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), OpenError> {
    let known = key::data_keys(connection).await?;
    for purpose in Purpose::ALL {
        if known.iter().any(|key| key.purpose == purpose) {
            continue;
        }
        let sealed = make(purpose)?.seal(purpose, 1, sealer, entropy)?;
        key::insert_data_key(connection, &sealed, now).await?;
    }
    Ok(())
}
