//! Secrets.

use super::{
    connection::{Connection, Row, Sql, sql, texts},
    name::{Named, Word as _},
    value::{Columns, optional_duration, optional_time, time},
};
use crate::{
    clock::Timestamp,
    ids::{ApplicationId, CredentialId, GroupId, SecretId},
    secret::{Display, Origin, Part, Secret, SecretState},
    secrets::Fingerprint,
    store::{CredentialRange, PasswordRow, StoreError},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select s.id, s.organization_id, s.credential_id, s.version, s.state, s.retiring_until, s.revoked_at, s.origin,
                    s.username, s.sealed, s.fingerprint, s.prefix, s.last_four, s.part, s.recoverable, s.leaked_at,
                    s.end_after_silence, s.created_at
             from secrets s ",
            $rest
        )
    };
}

pub(super) fn decode(row: &Row) -> Result<Secret, StoreError> {
    let columns = Columns(row);
    let state = match columns.text("state")?.as_str() {
        "current" => SecretState::Current,
        "retiring" => SecretState::Retiring {
            until: columns.time("retiring_until")?,
        },
        "revoked" => SecretState::Revoked {
            at: columns.time("revoked_at")?,
        },
        _ => return Err(StoreError::Unreadable("secrets.state")),
    };
    Ok(Secret {
        id: columns.parsed("id")?,
        organization: columns.parsed("organization_id")?,
        credential: columns.parsed("credential_id")?,
        version: columns.number("version")?,
        part: columns.parsed::<Named<Part>>("part")?.0,
        state,
        origin: columns.parsed::<Named<Origin>>("origin")?.0,
        username: columns.optional_text("username")?,
        sealed: columns.bytes("sealed")?,
        fingerprint: columns.array("fingerprint")?,
        display: Display {
            prefix: columns.text("prefix")?,
            last_four: columns.text("last_four")?,
        },
        recoverable: columns.optional_bytes("recoverable")?,
        leaked_at: columns.optional_time("leaked_at")?,
        end_after_silence: columns.optional_duration("end_after_silence")?,
        created_at: columns.time("created_at")?,
    })
}

pub(super) const GET: &str = select!("where s.id = $1");

pub(super) async fn get(
    connection: &mut Connection,
    id: SecretId,
) -> Result<Option<Secret>, StoreError> {
    sql(GET)
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

pub(super) const UNREVOKED: &str =
    select!("where s.credential_id = $1 and s.state <> 'revoked' order by s.version");

pub(super) async fn unrevoked(
    connection: &mut Connection,
    credential: CredentialId,
) -> Result<Vec<Secret>, StoreError> {
    sql(UNREVOKED)
        .bind(credential.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Of a stretch of an application's credentials.
pub(super) const UNREVOKED_OF_MANY: &str = select!(
    "join credentials c on c.id = s.credential_id
     where c.application_id = $1 and c.id > $2 and c.id <= $3 and s.state <> 'revoked'
     order by c.id, s.version"
);

pub(super) async fn unrevoked_of_many(
    connection: &mut Connection,
    application: ApplicationId,
    range: CredentialRange,
) -> Result<Vec<Secret>, StoreError> {
    sql(UNREVOKED_OF_MANY)
        .bind(application.to_string())
        .bind(range.after_text())
        .bind(range.to.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

pub(super) const FINGERPRINT_OWNER: Sql = texts!(
    "select id from secrets where fingerprint = $1
     union all
     select id from secrets"
    { " indexed by secrets_proven" | "" }
    " where proven_fingerprint = $1
     limit 1"
);

pub(super) async fn fingerprint_owner(
    connection: &mut Connection,
    fingerprint: &Fingerprint,
) -> Result<Option<SecretId>, StoreError> {
    sql(FINGERPRINT_OWNER)
        .bind(fingerprint.as_slice())
        .fetch_optional(connection)
        .await?
        .map(|row| Columns(&row).parsed("id"))
        .transpose()
}

pub(super) const KNOWN_BY: &str = select!("where s.fingerprint = $1");

pub(super) async fn known_by(
    connection: &mut Connection,
    fingerprint: &Fingerprint,
) -> Result<Option<Secret>, StoreError> {
    sql(KNOWN_BY)
        .bind(fingerprint.as_slice())
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

pub(super) const PASSWORDS: &str = select!(
    "where s.username = $1 and s.origin = 'chosen' and s.state <> 'revoked'
         order by s.version desc"
);

/// Whether the application of a credential that is deployed to the group is honoured.
pub(super) const ADMITTED: &str = "select a.enabled
             from deployed_secrets d
             join credentials c on c.id = d.credential_id
             join applications a on a.id = c.application_id
             where d.credential_id = $1 and d.group_id = $2
             limit 1";

pub(super) async fn passwords(
    connection: &mut Connection,
    group: GroupId,
    username: &str,
) -> Result<Vec<PasswordRow>, StoreError> {
    let secrets: Vec<Secret> = sql(PASSWORDS)
        .bind(username)
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(decode)
        .collect::<Result<_, _>>()?;
    let mut found = Vec::with_capacity(secrets.len());
    for secret in secrets {
        let Some(credential) = super::credential::get(connection, secret.credential).await? else {
            continue;
        };
        let admitted = sql(ADMITTED)
            .bind(credential.id.to_string())
            .bind(group.to_string())
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = admitted {
            found.push(PasswordRow {
                secret,
                credential,
                application_enabled: Columns(&row).flag("enabled")?,
            });
        }
    }
    Ok(found)
}

pub(super) const INSERT: &str = "insert into secrets
             (id, organization_id, credential_id, version, state, retiring_until, revoked_at, origin, username, sealed,
              fingerprint, prefix, last_four, part, recoverable, leaked_at, end_after_silence, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

pub(super) async fn insert(connection: &mut Connection, secret: &Secret) -> Result<(), StoreError> {
    let (state, until, revoked_at) = state_columns(secret.state);
    sql(INSERT)
        .bind(secret.id.to_string())
        .bind(secret.organization.to_string())
        .bind(secret.credential.to_string())
        .bind(i64::from(secret.version))
        .bind(state)
        .bind(until)
        .bind(revoked_at)
        .bind(secret.origin.word())
        .bind(&secret.username)
        .bind(&secret.sealed)
        .bind(secret.fingerprint.as_slice())
        .bind(&secret.display.prefix)
        .bind(&secret.display.last_four)
        .bind(secret.part.word())
        .bind(&secret.recoverable)
        .bind(optional_time(secret.leaked_at))
        .bind(optional_duration(
            secret.end_after_silence,
            "secrets.end_after_silence",
        )?)
        .bind(time(secret.created_at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const SET_STATE: &str = "update secrets
     set state = $2, retiring_until = $3, revoked_at = $4,
         recoverable = case when $2 <> 'revoked' then recoverable end,
         end_after_silence = case when $2 = 'retiring' then end_after_silence end
     where id = $1";

pub(super) async fn set_state(
    connection: &mut Connection,
    id: SecretId,
    state: SecretState,
) -> Result<(), StoreError> {
    let (state, until, revoked_at) = state_columns(state);
    sql(SET_STATE)
        .bind(id.to_string())
        .bind(state)
        .bind(until)
        .bind(revoked_at)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const REVOKE_OF_APPLICATION: Sql = texts!(
    "update secrets"
    { " indexed by secrets_unrevoked" | "" }
    " set state = 'revoked', retiring_until = null, revoked_at = $2, recoverable = null, end_after_silence = null
         where state <> 'revoked' and credential_id in (select id from credentials where application_id = $1)"
);

/// Revokes whatever an application's credentials still have.
pub(super) async fn revoke_of_application(
    connection: &mut Connection,
    application: ApplicationId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql(REVOKE_OF_APPLICATION)
        .bind(application.to_string())
        .bind(time(at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const MARK_LEAKED: &str = "update secrets set leaked_at = $2 where id = $1";

pub(super) async fn mark_leaked(
    connection: &mut Connection,
    id: SecretId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql(MARK_LEAKED)
        .bind(id.to_string())
        .bind(time(at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const RESEAL: &str = "update secrets set sealed = $2 where id = $1";

pub(super) async fn reseal(
    connection: &mut Connection,
    id: SecretId,
    sealed: &[u8],
) -> Result<(), StoreError> {
    sql(RESEAL)
        .bind(id.to_string())
        .bind(sealed)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const SET_PROVEN: &str = "update secrets set proven_fingerprint = $2 where id = $1";

pub(super) async fn set_proven_fingerprint(
    connection: &mut Connection,
    id: SecretId,
    fingerprint: &Fingerprint,
) -> Result<(), StoreError> {
    sql(SET_PROVEN)
        .bind(id.to_string())
        .bind(fingerprint.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

fn state_columns(state: SecretState) -> (&'static str, Option<i64>, Option<i64>) {
    match state {
        SecretState::Current => ("current", None, None),
        SecretState::Retiring { until } => ("retiring", optional_time(Some(until)), None),
        SecretState::Revoked { at } => ("revoked", None, optional_time(Some(at))),
    }
}
