//! Tokens for the registry's own API.

use async_trait::async_trait;

use super::{
    SqlTransaction,
    connection::{Connection, Row, sql},
    value::{Columns, optional_time, time},
};
use crate::{
    clock::Timestamp,
    ids::{GroupId, OrganizationId, TokenId},
    journal::Revoked,
    secret::Display,
    store::{StoreError, StoredToken, TokenReads, TokenWrites},
    token::{Role, RoleName, Token},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, organization_id, role, group_id, owner, created_by, description, configured, digest, prefix, last_four, created_at,
                    expires_at, revoked_at
             from tokens ",
            $rest
        )
    };
}

pub(super) const OF_ORGANIZATION: &str =
    select!("where organization_id = $1 and revoked_at is null order by id");
pub(super) const OF_GROUP: &str = select!("where group_id = $1 and revoked_at is null order by id");

fn decode(row: &Row) -> Result<StoredToken, StoreError> {
    let columns = Columns(row);
    let token = Token {
        id: columns.parsed("id")?,
        organization: columns.parsed("organization_id")?,
        role: role(&columns)?,
        created_by: columns.optional_parsed("created_by")?,
        description: columns.text("description")?,
        configured: columns.flag("configured")?,
        display: Display {
            prefix: columns.text("prefix")?,
            last_four: columns.text("last_four")?,
        },
        created_at: columns.time("created_at")?,
        expires_at: columns.optional_time("expires_at")?,
        revoked_at: columns.optional_time("revoked_at")?,
    };
    Ok(StoredToken {
        token,
        digest: columns.array("digest")?,
    })
}

fn role(columns: &Columns<'_>) -> Result<Role, StoreError> {
    Ok(match columns.parsed("role")? {
        RoleName::PortalAdmin => Role::PortalAdmin,
        RoleName::ApiOwner => Role::ApiOwner,
        RoleName::OrgAdmin => Role::OrgAdmin,
        RoleName::Developer => Role::Developer {
            owner: columns.parsed("owner")?,
        },
        RoleName::Auditor => Role::Auditor,
        RoleName::LeakReporter => Role::LeakReporter,
        RoleName::Gateway => Role::Gateway {
            group: columns.parsed("group_id")?,
        },
    })
}

pub(super) const GET: &str = select!("where id = $1");

pub(super) async fn get(
    connection: &mut Connection,
    id: TokenId,
) -> Result<Option<Token>, StoreError> {
    sql(GET)
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?
        .map(|row| decode(&row).map(|stored| stored.token))
        .transpose()
}

pub(super) const BY_DIGEST: &str = select!("where digest = $1");

pub(super) async fn by_digest(
    connection: &mut Connection,
    digest: &[u8; 32],
) -> Result<Option<StoredToken>, StoreError> {
    sql(BY_DIGEST)
        .bind(digest.as_slice())
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

pub(super) const HAS_ADMIN: &str = "select 1 from tokens
     where organization_id = $1 and role = 'portal_admin' and revoked_at is null
         and (expires_at is null or expires_at > $2)
     limit 1";

pub(super) async fn has_admin(
    connection: &mut Connection,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let found = sql(HAS_ADMIN)
        .bind(organization.to_string())
        .bind(time(now))
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

pub(super) async fn list(
    connection: &mut Connection,
    organization: OrganizationId,
) -> Result<Vec<Token>, StoreError> {
    sql(OF_ORGANIZATION)
        .bind(organization.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| decode(row).map(|stored| stored.token))
        .collect()
}

pub(super) async fn of_group(
    connection: &mut Connection,
    group: GroupId,
) -> Result<Vec<Token>, StoreError> {
    sql(OF_GROUP)
        .bind(group.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| decode(row).map(|stored| stored.token))
        .collect()
}

pub(super) const INSERT: &str = "insert into tokens
             (id, organization_id, role, group_id, owner, created_by, description, configured, digest, prefix, last_four,
              created_at, expires_at, revoked_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";

pub(super) async fn insert(
    connection: &mut Connection,
    token: &Token,
    digest: &[u8; 32],
) -> Result<(), StoreError> {
    let group = match token.role {
        Role::Gateway { group } => Some(group.to_string()),
        _ => None,
    };
    sql(INSERT)
        .bind(token.id.to_string())
        .bind(token.organization.to_string())
        .bind(token.role.word())
        .bind(group)
        .bind(token.role.owner().map(|owner| owner.to_string()))
        .bind(token.created_by.map(|id| id.to_string()))
        .bind(&token.description)
        .bind(token.configured)
        .bind(digest.as_slice())
        .bind(&token.display.prefix)
        .bind(&token.display.last_four)
        .bind(time(token.created_at))
        .bind(optional_time(token.expires_at))
        .bind(optional_time(token.revoked_at))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) const REVOKE: &str =
    "update tokens set revoked_at = $2 where id = $1 and revoked_at is null";

pub(super) async fn revoke(
    connection: &mut Connection,
    id: TokenId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql(REVOKE)
        .bind(id.to_string())
        .bind(time(at))
        .execute(connection)
        .await?;
    Ok(())
}

#[async_trait]
impl TokenReads for SqlTransaction {
    async fn token(&mut self, id: TokenId) -> Result<Option<Token>, StoreError> {
        get(&mut self.inner, id).await
    }

    async fn token_by_digest(
        &mut self,
        digest: &[u8; 32],
    ) -> Result<Option<StoredToken>, StoreError> {
        by_digest(&mut self.inner, digest).await
    }

    async fn has_admin(
        &mut self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        has_admin(&mut self.inner, organization, now).await
    }

    async fn tokens(&mut self, organization: OrganizationId) -> Result<Vec<Token>, StoreError> {
        list(&mut self.inner, organization).await
    }

    async fn group_tokens(&mut self, group: GroupId) -> Result<Vec<Token>, StoreError> {
        of_group(&mut self.inner, group).await
    }
}

#[async_trait]
impl TokenWrites for SqlTransaction {
    async fn insert_token(&mut self, new: &Token, digest: &[u8; 32]) -> Result<(), StoreError> {
        insert(&mut self.inner, new, digest).await
    }

    async fn revoke_token(&mut self, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
        self.revoked.push(Revoked::Token(id));
        revoke(&mut self.inner, id, at).await
    }
}
