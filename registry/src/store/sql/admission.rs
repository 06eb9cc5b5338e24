//! Which groups know which applications, and honour which secrets.

use filter_core::feed::application_bucket;

use super::{
    connection::{Connection, Row, sql},
    rendering,
    value::Columns,
};
use crate::{
    application::Application,
    ids::{ApplicationId, CredentialId, GroupId, SecretId},
    store::{CredentialRange, Deployed, StoreError},
};

pub(super) const GROUPS_ADMITTING: &str =
    "select group_id from admitted_applications where application_id = $1 order by group_id";

pub(super) async fn groups_admitting(
    connection: &mut Connection,
    application: ApplicationId,
) -> Result<Vec<GroupId>, StoreError> {
    sql(GROUPS_ADMITTING)
        .bind(application.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Columns(row).parsed("group_id"))
        .collect()
}

pub(super) const ADMIT: &str =
    "insert into admitted_applications (group_id, bucket, number, application_id, revision)
         values ($1, $2, $3, $4, (select revision + $5 from installation where singleton = 1))";

pub(super) async fn admit(
    connection: &mut Connection,
    group: GroupId,
    application: &Application,
    ahead: i64,
) -> Result<(), StoreError> {
    sql(ADMIT)
        .bind(group.to_string())
        .bind(i64::from(application_bucket(application.number)))
        .bind(i64::from(application.number))
        .bind(application.id.to_string())
        .bind(ahead)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const TOUCH_APPLICATION: &str = "update admitted_applications
         set revision = (select revision + 1 from installation where singleton = 1)
         where application_id = $1";

/// After something changed of the application that its groups are told by the commit's revision.
pub(super) async fn touch_application(
    connection: &mut Connection,
    application: ApplicationId,
) -> Result<(), StoreError> {
    sql(TOUCH_APPLICATION)
        .bind(application.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const DISMISS: &str =
    "delete from admitted_applications where group_id = $1 and bucket = $2 and number = $3";

pub(super) async fn dismiss(
    connection: &mut Connection,
    group: GroupId,
    application: &Application,
) -> Result<(), StoreError> {
    sql(DISMISS)
        .bind(group.to_string())
        .bind(i64::from(application_bucket(application.number)))
        .bind(i64::from(application.number))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn decode(row: &Row) -> Result<Deployed, StoreError> {
    let columns = Columns(row);
    Ok(Deployed {
        group: columns.parsed("group_id")?,
        digest: columns.array("digest")?,
        secret: columns.parsed("secret_id")?,
        paired: columns.optional_parsed("paired_secret_id")?,
        token: columns.optional_parsed("access_token_id")?,
        key_version: columns.number("key_version")?,
    })
}

pub(super) const DEPLOYED: &str = "select group_id, digest, secret_id, paired_secret_id, access_token_id, key_version from deployed_secrets where credential_id = $1";

pub(super) async fn deployed(
    connection: &mut Connection,
    credential: CredentialId,
) -> Result<Vec<Deployed>, StoreError> {
    sql(DEPLOYED)
        .bind(credential.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

pub(super) const DIGEST_OWNER: &str =
    "select credential_id from deployed_secrets where group_id = $1 and digest = $2";

pub(super) async fn digest_owner(
    connection: &mut Connection,
    group: GroupId,
    digest: &[u8; 16],
) -> Result<Option<CredentialId>, StoreError> {
    sql(DIGEST_OWNER)
        .bind(group.to_string())
        .bind(digest.as_slice())
        .fetch_optional(connection)
        .await?
        .map(|row| Columns(&row).parsed("credential_id"))
        .transpose()
}

/// Of a stretch of an application's credentials.
pub(super) const DEPLOYED_OF_MANY: &str =
    "select d.group_id, d.digest, d.secret_id, d.paired_secret_id, d.access_token_id, d.key_version, d.credential_id
     from credentials c
     join deployed_secrets d on d.credential_id = c.id
     where c.application_id = $1 and c.id > $2 and c.id <= $3";

pub(super) async fn deployed_of_many(
    connection: &mut Connection,
    application: ApplicationId,
    range: CredentialRange,
) -> Result<Vec<(CredentialId, Deployed)>, StoreError> {
    sql(DEPLOYED_OF_MANY)
        .bind(application.to_string())
        .bind(range.after_text())
        .bind(range.to.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| Ok((Columns(row).parsed("credential_id")?, decode(row)?)))
        .collect()
}

pub(super) const DEPLOY: &str = "insert into deployed_secrets
             (group_id, digest, secret_id, credential_id, expires_at, record, revision, paired_secret_id,
              key_version, access_token_id)
         values ($1, $2, $3, $4, (select expires_at from credentials where id = $4), $5,
             (select revision + $6 from installation where singleton = 1), $7, $8, $9)
         on conflict (group_id, digest) do update
         set secret_id = excluded.secret_id, expires_at = excluded.expires_at, record = excluded.record,
             revision = excluded.revision, paired_secret_id = excluded.paired_secret_id, access_token_id = excluded.access_token_id
         where deployed_secrets.credential_id = excluded.credential_id";

pub(super) async fn deploy(
    connection: &mut Connection,
    deployed: &Deployed,
    credential: CredentialId,
    ahead: i64,
) -> Result<(), StoreError> {
    let record = rendering::render(connection, deployed).await?;
    // A user name's digest passes from one of the credential's secrets to the next, never to another credential.
    let done = sql(DEPLOY)
        .bind(deployed.group.to_string())
        .bind(deployed.digest.as_slice())
        .bind(deployed.secret.to_string())
        .bind(credential.to_string())
        .bind(record)
        .bind(ahead)
        .bind(deployed.paired.map(|paired| paired.to_string()))
        .bind(i64::from(deployed.key_version))
        .bind(deployed.token.map(|token| token.to_string()))
        .execute(connection)
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Unreadable("deployed_secrets.digest"));
    }
    Ok(())
}

pub(super) const TOUCH: &str = "update deployed_secrets
         set revision = (select revision + $3 from installation where singleton = 1)
         where group_id = $1 and digest = $2";

/// After something changed of the secret that the group is told. `ahead` is 1 where the commit's revision tells it, else 0.
pub(super) async fn touch(
    connection: &mut Connection,
    group: GroupId,
    digest: &[u8; 16],
    ahead: i64,
) -> Result<(), StoreError> {
    sql(TOUCH)
        .bind(group.to_string())
        .bind(digest.as_slice())
        .bind(ahead)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const WITHDRAW: &str =
    "delete from deployed_secrets where group_id = $1 and digest = $2";

pub(super) async fn withdraw(
    connection: &mut Connection,
    group: GroupId,
    digest: &[u8; 16],
) -> Result<(), StoreError> {
    sql(WITHDRAW)
        .bind(group.to_string())
        .bind(digest.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const WITHDRAW_OF_APPLICATION: &str = "delete from deployed_secrets
         where group_id = $1 and credential_id in (select id from credentials where application_id = $2)";

/// In one statement, however many credentials the application has.
pub(super) async fn withdraw_of_application(
    connection: &mut Connection,
    group: GroupId,
    application: ApplicationId,
) -> Result<(), StoreError> {
    sql(WITHDRAW_OF_APPLICATION)
        .bind(group.to_string())
        .bind(application.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Also where it is the shared secret of a pair.
pub(super) const DEPLOYMENTS_OF: &str =
    "select group_id, digest, secret_id, paired_secret_id, access_token_id, key_version from deployed_secrets where secret_id = $1
     union all
     select group_id, digest, secret_id, paired_secret_id, access_token_id, key_version from deployed_secrets where paired_secret_id = $1";

pub(super) async fn deployments_of(
    connection: &mut Connection,
    secret: SecretId,
) -> Result<Vec<Deployed>, StoreError> {
    sql(DEPLOYMENTS_OF)
        .bind(secret.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}
