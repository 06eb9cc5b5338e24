//! The first start: what exists from then on, and whether the master key is the right one.

use filter_core::{digest::DigestKey, feed::FORMAT};

use super::{
    chain,
    connection::{Connection, Sql, sql},
    database::Database,
    gateway, log, rendering,
    value::{Columns, time},
};
use crate::{
    audit::ChainState,
    clock::Timestamp,
    entropy::Entropy,
    gateway::{DEFAULT_GROUP, GatewayGroup, Mode},
    ids::{GroupId, OrganizationId},
    organization::{self, Organization},
    sealing::Place,
    secrets::Keys,
    store::{OpenError, SealedDigestKey, Stamp, StoreError},
};

const KEY_CHECK: Place<'_> = Place {
    column: "installation.key_check",
    row: "1",
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
    Ok(log::head(&mut connection).await?.revision)
}

pub(super) const TABLE_EXISTS: Sql = Sql {
    sqlite: "select 1 from sqlite_master where type = 'table' and name = 'installation'",
    postgres: "select 1 where to_regclass('installation') is not null",
};

pub(super) const KEY_CHECK_OF: &str = "select key_check from installation";

/// Whether the database is filled; an error if it is, under another key.
async fn check_key(connection: &mut Connection, keys: &Keys) -> Result<bool, OpenError> {
    let table = sql(TABLE_EXISTS).fetch_optional(&mut *connection).await?;
    if table.is_none() {
        return Ok(false);
    }
    let Some(row) = sql(KEY_CHECK_OF).fetch_optional(&mut *connection).await? else {
        return Ok(false);
    };
    keys.sealer()
        .open(KEY_CHECK, row.try_get::<&[u8]>("key_check")?)
        .map_err(|_| OpenError::WrongMasterKey)?;
    Ok(true)
}

/// Whether the database is filled, under whatever key.
pub(super) async fn is_there(connection: &mut Connection) -> Result<bool, StoreError> {
    let table = sql(TABLE_EXISTS).fetch_optional(&mut *connection).await?;
    if table.is_none() {
        return Ok(false);
    }
    let row = sql(KEY_CHECK_OF).fetch_optional(connection).await?;
    Ok(row.is_some())
}

pub(super) const INSERT: &str = "insert into installation
         (singleton, key_check, epoch, revision, application_number, created_at, record_format)
         values (1, $1, $2, 0, 0, $3, $4)";

pub(super) const INSERT_ORGANIZATION: &str =
    "insert into organizations (id, name, created_at) values ($1, $2, $3)";

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
    sql(INSERT)
        .bind(keys.sealer().seal(KEY_CHECK, b"keysmith", entropy)?)
        .bind(entropy.bytes::<16>()?.as_slice())
        .bind(time(now))
        .bind(i64::from(FORMAT))
        .execute(&mut *connection)
        .await?;
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
    let sealed = SealedDigestKey::seal(group.id, 1, &digest_key, keys, entropy)?;
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
