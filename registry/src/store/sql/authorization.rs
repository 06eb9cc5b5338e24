//! What the built-in authorization server keeps.

use async_trait::async_trait;

use super::{
    SqlTransaction,
    connection::{Row, sql},
    name::{Named, Word as _},
    value::{Columns, optional_time, time},
};
use crate::{
    clock::Timestamp,
    ids::{CredentialId, SigningKeyId},
    oauth::{AuthorizationClient, SigningKey, TokenFormat},
    store::{AuthorizationReads, AuthorizationWrites, ClientSecretDigest, StoreError},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select client_id, credential_id, access_token_format, metadata, registration_digest, created_at, updated_at
             from authorization_clients ",
            $rest
        )
    };
}

fn decode(row: &Row) -> Result<AuthorizationClient, StoreError> {
    let columns = Columns(row);
    let digest = columns.optional_bytes("registration_digest")?;
    let digest = digest.map(|bytes| {
        let unreadable = |_| StoreError::Unreadable("authorization_clients.registration_digest");
        bytes.try_into().map_err(unreadable)
    });
    Ok(AuthorizationClient {
        client_id: columns.text("client_id")?,
        credential: columns.parsed("credential_id")?,
        format: columns
            .parsed::<Named<TokenFormat>>("access_token_format")?
            .0,
        metadata: columns.json("metadata")?,
        registration_digest: digest.transpose()?,
        created_at: columns.time("created_at")?,
        updated_at: columns.time("updated_at")?,
    })
}

fn decode_key(row: &Row) -> Result<SigningKey, StoreError> {
    let columns = Columns(row);
    Ok(SigningKey {
        id: columns.parsed("id")?,
        public_key: columns.text("public_key")?,
        sealed: columns.bytes("sealed")?,
        created_at: columns.time("created_at")?,
        current_from: columns.time("current_from")?,
        retired_from: columns.optional_time("retired_from")?,
    })
}

pub(super) const GET: &str = select!("where client_id = $1");
pub(super) const OF_CREDENTIAL: &str = select!("where credential_id = $1 order by client_id");
pub(super) const SECRETS: &str = "select digest from authorization_secrets
         where client_id = $1 and (ends_at is null or ends_at > $2) order by created_at desc limit 16";
pub(super) const KEYS: &str =
    "select id, public_key, sealed, created_at, current_from, retired_from
         from signing_keys order by id";
pub(super) const REVOKED: &str =
    "select digest from revoked_access_tokens where ends_at > $1 order by digest";

#[async_trait]
impl AuthorizationReads for SqlTransaction {
    async fn authorization_client(
        &mut self,
        client_id: &str,
    ) -> Result<Option<AuthorizationClient>, StoreError> {
        let query = sql(GET).bind(client_id);
        let row = query.fetch_optional(&mut self.inner).await?;
        row.as_ref().map(decode).transpose()
    }

    async fn authorization_clients_of(
        &mut self,
        credential: CredentialId,
    ) -> Result<Vec<AuthorizationClient>, StoreError> {
        let query = sql(OF_CREDENTIAL).bind(credential.to_string());
        let rows = query.fetch_all(&mut self.inner).await?;
        rows.iter().map(decode).collect()
    }

    async fn authorization_secrets(
        &mut self,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Vec<ClientSecretDigest>, StoreError> {
        let query = sql(SECRETS).bind(client_id).bind(time(now));
        let rows = query.fetch_all(&mut self.inner).await?;
        rows.iter()
            .map(|row| Columns(row).array("digest"))
            .collect()
    }

    async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError> {
        let rows = sql(KEYS).fetch_all(&mut self.inner).await?;
        let keys: Result<Vec<_>, _> = rows.iter().map(decode_key).collect();
        let mut keys = keys?;
        // They are few.
        keys.sort_by_key(|key| (key.current_from, key.id));
        Ok(keys)
    }

    async fn revoked_access_tokens(&mut self, now: Timestamp) -> Result<Vec<[u8; 16]>, StoreError> {
        let rows = sql(REVOKED)
            .bind(time(now))
            .fetch_all(&mut self.inner)
            .await?;
        rows.iter()
            .map(|row| Columns(row).array("digest"))
            .collect()
    }
}

pub(super) const INSERT: &str = "insert into authorization_clients
             (client_id, credential_id, access_token_format, metadata, registration_digest, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7)";
pub(super) const UPDATE: &str = "update authorization_clients
         set access_token_format = $2, metadata = $3, registration_digest = $4, updated_at = $5
         where client_id = $1";
pub(super) const DELETE: [&str; 3] = [
    "delete from authorization_secrets where client_id = $1",
    "delete from used_assertions where client_id = $1",
    "delete from authorization_clients where client_id = $1",
];
pub(super) const INSERT_SECRET: &str =
    "insert into authorization_secrets (digest, client_id, created_at) values ($1, $2, $3)";
pub(super) const END_SECRETS: &str = "update authorization_secrets set ends_at = $2
         where client_id = $1 and (ends_at is null or ends_at > $2)";
pub(super) const END_RETIRING: &str =
    "update authorization_secrets set ends_at = $2 where client_id = $1 and ends_at > $2";
pub(super) const INSERT_KEY: &str = "insert into signing_keys
             (id, public_key, sealed, created_at, current_from, retired_from)
         values ($1, $2, $3, $4, $5, $6)";
pub(super) const RETIRE_KEY: &str = "update signing_keys set retired_from = $2 where id = $1";
pub(super) const DELETE_KEY: &str = "delete from signing_keys where id = $1";
pub(super) const USE_ASSERTION: &str = "insert into used_assertions (client_id, digest, ends_at) values ($1, $2, $3) on conflict do nothing";
pub(super) const REVOKE: &str =
    "insert into revoked_access_tokens (digest, ends_at) values ($1, $2) on conflict do nothing";
pub(super) const PRUNE: [&str; 3] = [
    "delete from authorization_secrets where ends_at is not null and ends_at <= $1",
    "delete from used_assertions where ends_at <= $1",
    "delete from revoked_access_tokens where ends_at <= $1",
];

fn json(client: &AuthorizationClient) -> Result<String, StoreError> {
    super::value::json(&client.metadata, "authorization_clients.metadata")
}

#[async_trait]
impl AuthorizationWrites for SqlTransaction {
    async fn insert_authorization_client(
        &mut self,
        client: &AuthorizationClient,
    ) -> Result<(), StoreError> {
        sql(INSERT)
            .bind(&client.client_id)
            .bind(client.credential.to_string())
            .bind(client.format.word())
            .bind(json(client)?)
            .bind(client.registration_digest.map(|digest| digest.to_vec()))
            .bind(time(client.created_at))
            .bind(time(client.updated_at))
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }

    async fn update_authorization_client(
        &mut self,
        client: &AuthorizationClient,
    ) -> Result<(), StoreError> {
        sql(UPDATE)
            .bind(&client.client_id)
            .bind(client.format.word())
            .bind(json(client)?)
            .bind(client.registration_digest.map(|digest| digest.to_vec()))
            .bind(time(client.updated_at))
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }

    async fn delete_authorization_client(&mut self, client_id: &str) -> Result<(), StoreError> {
        for statement in DELETE {
            let query = sql(statement).bind(client_id);
            query.execute(&mut self.inner).await?;
        }
        Ok(())
    }

    async fn insert_authorization_secret(
        &mut self,
        client_id: &str,
        digest: &ClientSecretDigest,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sql(INSERT_SECRET)
            .bind(digest.as_slice())
            .bind(client_id)
            .bind(time(at))
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }

    async fn end_retiring_authorization_secrets(
        &mut self,
        client_id: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sql(END_RETIRING).bind(client_id).bind(time(at));
        query.execute(&mut self.inner).await?;
        Ok(())
    }

    async fn end_authorization_secrets(
        &mut self,
        client_id: &str,
        ends_at: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sql(END_SECRETS).bind(client_id).bind(time(ends_at));
        query.execute(&mut self.inner).await?;
        Ok(())
    }

    async fn insert_signing_key(&mut self, key: &SigningKey) -> Result<(), StoreError> {
        sql(INSERT_KEY)
            .bind(key.id.to_string())
            .bind(&key.public_key)
            .bind(key.sealed.as_slice())
            .bind(time(key.created_at))
            .bind(time(key.current_from))
            .bind(optional_time(key.retired_from))
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }

    async fn retire_signing_key(
        &mut self,
        id: SigningKeyId,
        from: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sql(RETIRE_KEY).bind(id.to_string()).bind(time(from));
        query.execute(&mut self.inner).await?;
        Ok(())
    }

    async fn delete_signing_key(&mut self, id: SigningKeyId) -> Result<(), StoreError> {
        let query = sql(DELETE_KEY).bind(id.to_string());
        query.execute(&mut self.inner).await?;
        Ok(())
    }

    async fn use_assertion(
        &mut self,
        client_id: &str,
        digest: &[u8; 32],
        ends_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sql(USE_ASSERTION)
            .bind(client_id)
            .bind(digest.as_slice())
            .bind(time(ends_at))
            .execute(&mut self.inner)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn insert_revoked_access_token(
        &mut self,
        digest: &[u8; 16],
        ends_at: Timestamp,
    ) -> Result<(), StoreError> {
        sql(REVOKE)
            .bind(digest.as_slice())
            .bind(time(ends_at))
            .execute(&mut self.inner)
            .await?;
        Ok(())
    }

    async fn prune_authorization(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let mut last = 0;
        for statement in PRUNE {
            let query = sql(statement).bind(time(now));
            last = query.execute(&mut self.inner).await?.rows_affected();
        }
        Ok(last > 0)
    }
}
