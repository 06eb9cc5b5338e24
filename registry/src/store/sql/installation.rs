//! The first start: what exists from then on, and whether the master key is the right one.

use filter_core::{digest::DigestKey, feed::FORMAT};

use super::{
    chain,
    connection::{Connection, Sql, sql},
    data_keys,
    database::Database,
    gateway, key, log, master, rendering,
    value::{Columns, time},
};
use crate::{
    audit::ChainState,
    clock::Timestamp,
    entropy::Entropy,
    gateway::{DEFAULT_GROUP, GatewayGroup, Mode},
    ids::{GroupId, OrganizationId},
    organization::{self, Organization},
    sealing::KeyId,
    secrets::Keys,
    store::{CHECKED, KEY_CHECK, OpenError, SealedDigestKey, Stamp, StoreError},
};

/// Brings the tables up to date and fills them where they are new. Returns the log's revision.
pub(super) async fn prepare(
    database: &Database,
    keys: &Keys,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<u64, OpenError> {
    // Before the migrations: with the wrong key, nothing may change.
    let known = check_key(&mut database.read().await?, keys).await?;
    database.migrate().await?;
    rendering::render_everything(database).await?;
    if !known {
        fill_where_new(database, keys, now, entropy).await?;
    }
    data_keys::prepare(database, keys, now, entropy).await?;
    if !known {
        begin_audit(database, keys).await?;
    }
    Ok(log::head(&mut database.read().await?).await?.revision)
}

/// Sees whether there is anything to read, under these keys. Returns the log's revision.
pub(super) async fn look(database: &Database, keys: &Keys) -> Result<u64, OpenError> {
    let mut connection = database.read().await?;
    if !check_key(&mut connection, keys).await? {
        return Err(OpenError::Empty);
    }
    data_keys::look(&mut connection, keys).await?;
    Ok(log::head(&mut connection).await?.revision)
}

pub(super) const TABLE_EXISTS: Sql = Sql {
    sqlite: "select 1 from sqlite_master where type = 'table' and name = $1",
    postgres: "select 1 where to_regclass($1) is not null",
};

pub(super) const KEY_CHECK_OF: &str = "select key_check from installation";

pub(super) async fn key_check(connection: &mut Connection) -> Result<Vec<u8>, StoreError> {
    let row = sql(KEY_CHECK_OF).fetch_one(connection).await?;
    Columns(&row).bytes("key_check")
}

/// Whether the database is filled; an error if it is, under another key.
pub(super) async fn check_key(connection: &mut Connection, keys: &Keys) -> Result<bool, OpenError> {
    if !exists(connection, "installation").await? {
        return Ok(false);
    }
    let Some(row) = sql(KEY_CHECK_OF).fetch_optional(&mut *connection).await? else {
        return Ok(false);
    };
    let check = Columns(&row).bytes("key_check")?;
    // An earlier version knows no move to another key.
    let rotation = if exists(connection, "master_rotation").await? {
        master::rotation(connection).await?
    } else {
        None
    };
    let retiring = rotation.map(|rotation| rotation.retiring_check);
    check_opens(keys, &check, retiring.as_deref())?;
    Ok(true)
}

/// Whether the database is filled, under whatever key.
pub(super) async fn is_there(connection: &mut Connection) -> Result<bool, StoreError> {
    if !exists(connection, "installation").await? {
        return Ok(false);
    }
    let row = sql(KEY_CHECK_OF).fetch_optional(connection).await?;
    Ok(row.is_some())
}

/// While everything moves to another master key, both are needed.
pub(super) fn check_opens(
    keys: &Keys,
    check: &[u8],
    retiring: Option<&[u8]>,
) -> Result<(), OpenError> {
    let opens = |sealed| keys.open(KEY_CHECK, sealed).is_ok();
    let Some(retiring) = retiring else {
        return opens(check).then_some(()).ok_or(OpenError::WrongMasterKey);
    };
    let name = |sealed| KeyId::of(sealed).map(|id| id.to_string());
    let from = name(retiring).unwrap_or_default();
    let to = name(check).unwrap_or_default();
    match (opens(retiring), opens(check)) {
        (true, true) => Ok(()),
        (true, false) => Err(OpenError::NextMasterKeyMissing { from, to }),
        (false, true) => Err(OpenError::OldMasterKeyMissing { from, to }),
        (false, false) => Err(OpenError::WrongMasterKey),
    }
}

async fn exists(connection: &mut Connection, table: &str) -> Result<bool, StoreError> {
    let row = sql(TABLE_EXISTS).bind(table).fetch_optional(connection);
    Ok(row.await?.is_some())
}

pub(super) const INSERT: &str = "insert into installation
         (singleton, key_check, epoch, revision, application_number, created_at, record_format)
         values (1, $1, $2, 0, 0, $3, $4)";

pub(super) const INSERT_ORGANIZATION: &str =
    "insert into organizations (id, name, created_at, updated_at) values ($1, $2, $3, $3)";

/// Another registry may have filled it meanwhile.
async fn fill_where_new(
    database: &Database,
    keys: &Keys,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), OpenError> {
    let mut transaction = database.write().await?;
    if !check_key(&mut transaction, keys).await? {
        fill(&mut transaction, keys, now, entropy).await?;
    }
    Ok(transaction.commit().await?)
}

/// A new installation's audit log is chained from its first entry on.
async fn begin_audit(database: &Database, keys: &Keys) -> Result<(), OpenError> {
    let mut transaction = database.write().await?;
    if chain::state(&mut transaction).await?.is_none() {
        let state = ChainState::empty(keys).map_err(StoreError::from)?;
        chain::put_state(&mut transaction, state).await?;
    }
    Ok(transaction.commit().await?)
}

async fn fill(
    connection: &mut Connection,
    keys: &Keys,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), OpenError> {
    let sealer = keys.first().ok_or(OpenError::WrongMasterKey)?;
    sql(INSERT)
        .bind(sealer.seal(KEY_CHECK, CHECKED, entropy)?)
        .bind(entropy.bytes::<16>()?.as_slice())
        .bind(time(now))
        .bind(i64::from(FORMAT))
        .execute(&mut *connection)
        .await?;
    key::insert_master_key(&mut *connection, sealer.id(), now).await?;
    data_keys::insert_new(&mut *connection, &sealer, now, entropy).await?;
    let stamp = Stamp {
        change_id: entropy.bytes()?,
        at: now,
    };
    log::insert_revision(&mut *connection, 0, stamp).await?;
    sql(INSERT_ORGANIZATION)
        .bind(OrganizationId::generate(now, entropy)?.to_string())
        .bind(organization::DEFAULT)
        .bind(time(now))
        .execute(&mut *connection)
        .await?;
    let group = GatewayGroup {
        id: GroupId::generate(now, entropy)?,
        name: DEFAULT_GROUP.to_owned(),
        mode: Mode::Automatic,
        created_at: now,
    };
    let digest_key = DigestKey::from_bytes(entropy.bytes()?);
    let sealed = SealedDigestKey::seal(group.id, 1, &digest_key, &sealer, entropy)?;
    gateway::insert_group(connection, &group, &sealed).await?;
    Ok(())
}

pub(super) async fn default_organization(
    connection: &mut Connection,
) -> Result<Organization, StoreError> {
    super::organization::named(connection, organization::DEFAULT)
        .await?
        .ok_or(StoreError::Unreadable("organizations"))
}

pub(super) const NEXT_APPLICATION_NUMBER: &str = "update installation
         set application_number = application_number + 1
         returning application_number";

pub(super) async fn next_application_number(
    connection: &mut Connection,
) -> Result<u32, StoreError> {
    let row = sql(NEXT_APPLICATION_NUMBER).fetch_one(connection).await?;
    Columns(&row).number("application_number")
}
