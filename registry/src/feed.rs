//! How changes are told to gateways: the log of one group, translated into pages.
//!
//! A change carries no state of its own: it is told as the present state of what changed, or as its removal. Whatever
//! order pages are read in, once the log's end is reached the reader has the present state of everything.

use filter_core::{
    digest::DigestKey,
    feed::{Body, FORMAT, Page},
};

use self::cursor::{Cursor, Position};
use crate::{
    environment::Environment,
    error::{Error, Kind},
    gateway::{self, GatewayGroup},
    ids::GroupId,
    store::{Head, ReadTransaction, SealedDigestKey},
};

mod changes;
mod cursor;
mod follow;
mod record;
mod snapshot;

#[cfg(test)]
mod tests;

pub use follow::follow;

/// One look at the log, which everything on a page is read from.
struct View {
    group: GatewayGroup,
    key: SealedDigestKey,
    head: Head,
}

/// What comes after the cursor. Without one, or when it does not match exactly, a snapshot begins.
pub async fn page(env: &Environment, group: GroupId, after: Option<&str>) -> Result<Page, Error> {
    let mut read = env.store.read().await?;
    let view = View::read(read.as_mut(), group).await?;
    let cursor = match after.and_then(Cursor::parse) {
        Some(cursor) if view.recognises(read.as_mut(), &cursor).await? => Some(cursor),
        _ => None,
    };
    let Some(cursor) = cursor else {
        return view.begin(env, read.as_mut()).await;
    };
    match cursor.position {
        Position::Changes => match changes::read(read.as_mut(), &view, &cursor).await? {
            Some(page) => Ok(page),
            None => view.begin(env, read.as_mut()).await,
        },
        Position::Applications(bucket) => {
            snapshot::applications(read.as_mut(), &view, cursor, bucket).await
        }
        Position::Credentials(segment) => {
            snapshot::credentials(read.as_mut(), &view, cursor, segment).await
        }
    }
}

impl View {
    async fn read(read: &mut dyn ReadTransaction, group: GroupId) -> Result<Self, Error> {
        let group = gateway::find(read, group).await?;
        let key = read
            .digest_keys()
            .await?
            .into_iter()
            .find(|key| key.group == group.id)
            .ok_or(Error::NotFound(Kind::GatewayGroup))?;
        Ok(Self {
            head: read.head().await?,
            group,
            key,
        })
    }

    /// Whether the cursor is a position in this log: the same epoch, group and key, and the same random id at the same
    /// revision. In a database that was rolled back, a revision that is used again has another id.
    async fn recognises(
        &self,
        read: &mut dyn ReadTransaction,
        cursor: &Cursor,
    ) -> Result<bool, Error> {
        if cursor.epoch != self.head.epoch || cursor.group != self.group.id.object_id() {
            return Ok(false);
        }
        if cursor.key_version != self.key.version {
            return Ok(false);
        }
        Ok(read.change_id(cursor.revision).await? == Some(cursor.change_id))
    }

    async fn begin(
        &self,
        env: &Environment,
        read: &mut dyn ReadTransaction,
    ) -> Result<Page, Error> {
        let key: DigestKey = self.key.open(&env.keys)?;
        let mut page =
            snapshot::applications(read, self, self.cursor(Position::Applications(0)), 0).await?;
        if let Body::Snapshot(snapshot) = &mut page.body {
            snapshot.begins = Some(filter_core::feed::Beginning { digest_key: key });
        }
        Ok(page)
    }

    /// A cursor at the log's end.
    fn cursor(&self, position: Position) -> Cursor {
        Cursor {
            epoch: self.head.epoch,
            group: self.group.id.object_id(),
            key_version: self.key.version,
            revision: self.head.revision,
            change_id: self.head.change_id,
            position,
        }
    }

    fn page(&self, body: Body, next: &Cursor, more: bool) -> Page {
        Page {
            format: FORMAT,
            epoch: self.head.epoch,
            group: self.group.name.clone(),
            body,
            next: next.to_text(),
            more,
        }
    }
}
