//! How often credentials and applications were switched off or on, and how often secrets turned from current to retiring or
//! back; and from when on tokens count.

use super::{
    connection::{Connection, sql},
    value::{Columns, number, time},
};
use crate::{
    clock::Timestamp,
    ids::SecretId,
    journal::{CutOff, Switch, Switched, Turn},
    store::StoreError,
};

pub(super) const COUNT_CREDENTIAL: &str =
    "update credentials set switches = switches + 1, switched_at = $3
     where id = $1 and enabled <> $2
     returning switches";

pub(super) const COUNT_APPLICATION: &str =
    "update applications set switches = switches + 1, switched_at = $3
     where id = $1 and enabled <> $2
     returning switches";

/// Before it is written that it is enabled, or not: counts it, if it was the other.
pub(super) async fn count(
    connection: &mut Connection,
    what: Switched,
    enabled: bool,
    now: Timestamp,
) -> Result<Option<Switch>, StoreError> {
    let query = match what {
        Switched::Credential(_) => sql(COUNT_CREDENTIAL),
        Switched::Application(_) => sql(COUNT_APPLICATION),
    };
    let row = query
        .bind(what.to_string())
        .bind(enabled)
        .bind(time(now))
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Switch {
        what,
        enabled,
        count: Columns(&row).number("switches")?,
    }))
}

pub(super) const CREDENTIAL_IS_BEHIND: &str =
    "select 1 from credentials where id = $1 and switches < $2";

pub(super) const APPLICATION_IS_BEHIND: &str =
    "select 1 from applications where id = $1 and switches < $2";

/// Whether the database has forgotten the switch. What is not there cannot be switched.
pub(super) async fn is_forgotten(
    connection: &mut Connection,
    switch: &Switch,
) -> Result<bool, StoreError> {
    let query = match switch.what {
        Switched::Credential(_) => sql(CREDENTIAL_IS_BEHIND),
        Switched::Application(_) => sql(APPLICATION_IS_BEHIND),
    };
    let row = query
        .bind(switch.what.to_string())
        .bind(number(switch.count, "switches")?)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

pub(super) const SET_CREDENTIAL: &str = "update credentials set switches = $2 where id = $1";

pub(super) const SET_APPLICATION: &str = "update applications set switches = $2 where id = $1";

/// After it was switched again: as often as the journal says.
pub(super) async fn set(connection: &mut Connection, switch: &Switch) -> Result<(), StoreError> {
    let query = match switch.what {
        Switched::Credential(_) => sql(SET_CREDENTIAL),
        Switched::Application(_) => sql(SET_APPLICATION),
    };
    query
        .bind(switch.what.to_string())
        .bind(number(switch.count, "switches")?)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const COUNT_TURN: &str = "update secrets set turns = turns + 1, turned_at = $2
     where id = $1 and state <> 'revoked'
     returning retiring_until, turns";

/// After it was written that a secret retires, or is the current one: counts it.
pub(super) async fn count_turn(
    connection: &mut Connection,
    secret: SecretId,
    now: Timestamp,
) -> Result<Option<Turn>, StoreError> {
    let row = sql(COUNT_TURN)
        .bind(secret.to_string())
        .bind(time(now))
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Turn {
        secret,
        until: Columns(&row).optional_time("retiring_until")?,
        count: Columns(&row).number("turns")?,
    }))
}

pub(super) const TURN_IS_BEHIND: &str =
    "select 1 from secrets where id = $1 and turns < $2 and state <> 'revoked'";

/// Whether the database has forgotten the turn.
pub(super) async fn is_turn_forgotten(
    connection: &mut Connection,
    turn: &Turn,
) -> Result<bool, StoreError> {
    let row = sql(TURN_IS_BEHIND)
        .bind(turn.secret.to_string())
        .bind(number(turn.count, "turns")?)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

pub(super) const SET_TURN: &str = "update secrets set turns = $2 where id = $1";

/// After it turned again: as often as the journal says.
pub(super) async fn set_turn(connection: &mut Connection, turn: &Turn) -> Result<(), StoreError> {
    sql(SET_TURN)
        .bind(turn.secret.to_string())
        .bind(number(turn.count, "turns")?)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const CUT_OFF_IS_BEHIND: &str = "select 1 from credentials
     where id = $1 and (tokens_valid_from is null or tokens_valid_from < $2)";

/// Whether tokens from before still count in the database.
pub(super) async fn is_cut_off_forgotten(
    connection: &mut Connection,
    cut_off: &CutOff,
) -> Result<bool, StoreError> {
    let row = sql(CUT_OFF_IS_BEHIND)
        .bind(cut_off.credential.to_string())
        .bind(time(cut_off.from))
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}
