//! What everything on one page is read from.

use filter_core::feed::{Body, FORMAT, Page};

use super::cursor::{Cursor, Position};
use crate::{
    error::{Error, Kind},
    gateway::{self, GatewayGroup},
    ids::GroupId,
    store::{Head, Phase, ReadTransaction, Rekeying, SealedDigestKey},
};

/// One look at the log, which everything on a page is read from.
pub(super) struct View {
    pub(super) group: GatewayGroup,
    /// Of which log, of those that the database turned out to have.
    pub(super) generation: u64,
    /// That a snapshot begins with.
    pub(super) key: SealedDigestKey,
    /// How far another key has taken the place of that one, or that one of another.
    rekeying: Option<Rekeying>,
    pub(super) head: Head,
}

impl View {
    pub(super) async fn read(
        read: &mut dyn ReadTransaction,
        generation: u64,
        group: GroupId,
    ) -> Result<Self, Error> {
        let group = gateway::find(read, group).await?;
        let key = read
            .digest_keys()
            .await?
            .into_iter()
            .find(|key| key.group == group.id)
            .ok_or(Error::NotFound(Kind::GatewayGroup))?;
        Ok(Self {
            head: read.head().await?,
            rekeying: read.rekeying(group.id).await?,
            group,
            generation,
            key,
        })
    }

    /// Whether the cursor is a position in this log: the same epoch, group and key, and the same random id at the same
    /// revision. In a database that was rolled back, a revision that is used again has another id.
    pub(super) async fn recognises(
        &self,
        read: &mut dyn ReadTransaction,
        cursor: &Cursor,
    ) -> Result<bool, Error> {
        if cursor.epoch != self.head.epoch || cursor.group != self.group.id.object_id() {
            return Ok(false);
        }
        if cursor.key_version != self.key.version && !self.leads_to_the_key(cursor) {
            return Ok(false);
        }
        Ok(read.change_id(cursor.revision).await? == Some(cursor.change_id))
    }

    /// Whether what comes after the cursor tells of the key: everything is still found under the one before as well.
    fn leads_to_the_key(&self, cursor: &Cursor) -> bool {
        let rekeying = self.rekeying.as_ref();
        rekeying.is_some_and(|rekeying| match rekeying.phase {
            Phase::Switched { revision } => {
                cursor.key_version == rekeying.from && cursor.revision < revision
            }
            Phase::Adding | Phase::Removing => false,
        })
    }

    /// A cursor at the log's end.
    pub(super) const fn cursor(&self, position: Position) -> Cursor {
        Cursor {
            epoch: self.head.epoch,
            group: self.group.id.object_id(),
            key_version: self.key.version,
            revision: self.head.revision,
            change_id: self.head.change_id,
            position,
        }
    }

    pub(super) fn page(&self, body: Body, next: &Cursor, more: bool) -> Page {
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
