//! How changes are told to gateways: the log of one group, translated into pages.
//!
//! A change carries no state of its own: it is told as the present state of what changed, or as its removal. Whatever
//! order pages are read in, once the log's end is reached the reader has the present state of everything.
//!
//! # What gateways share
//!
//! A page is read and encoded once, not once for each gateway, and two rules say for whom:
//!
//! - **An answer** to the same cursor of the same group goes to everybody who asks while the log has not gone on past the
//!   revision at which it was read. What it says is then still all there is to say. A commit raises the revision before
//!   it wakes or answers anybody, so whoever knows of a change is answered by a later reading.
//! - **A stretch of a snapshot** (whole buckets or segments) that was read at revision R goes to every gateway whose
//!   snapshot began at or before R, whatever has happened since. A gateway whose snapshot began at B is told, after
//!   the snapshot, every change after B. The page says that it reflects R, so its parts take the changes after R and skip
//!   those up to R. All changes are in: those up to R by the stretch, those after R by the log, which lies after B
//!   because B is not after R. Had B been after R, the changes between the two would be in neither, and a credential
//!   that was revoked between them would come back: such a stretch is read again.
//!
//! A gateway that begins anew while it serves has been told nothing beyond B, so no stretch takes it back behind what it
//! knows. Neither rule asks for the time, so there is no moment at which something old is served because it is "fresh
//! enough".
//!
//! Stretches are found by epoch, group and version of the digest key as well: another log or key shares nothing with this
//! one. What is kept lives no longer than the process, which has its database to itself; one that was rolled back is
//! opened by another process. Who may read the group's feed is decided before anything is looked up here, and once more
//! before the answer is sent.

use filter_core::{
    digest::DigestKey,
    feed::{Beginning, Body, FORMAT, Page},
};

use self::{
    cursor::{Cursor, Position},
    shared::Shared,
    snapshot::{Place, Start, Stretch},
};
use crate::{
    environment::Environment,
    error::{Error, Kind},
    gateway::{self, GatewayGroup},
    ids::GroupId,
    store::{Head, ReadTransaction, SealedDigestKey},
};

mod answer;
mod changes;
mod cursor;
mod follow;
mod record;
mod shared;
mod snapshot;

#[cfg(test)]
mod tests;

pub use answer::Answer;

/// Bytes at most of stretches that are kept: some 500 pages, within which gateways that start together find what the
/// first of them has read.
const STRETCH_BYTES: usize = 32 * 1024 * 1024;
/// Bytes at most of whole answers that are kept. Those of a snapshot share their records with the stretches.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// The feed of every group, shared by all gateways. One for each process.
pub struct Feed {
    env: Environment,
    /// By group and cursor.
    answers: Shared<(GroupId, Option<Cursor>), Answer>,
    stretches: Shared<Place, Stretch>,
}

/// One look at the log, which everything on a page is read from.
struct View {
    group: GatewayGroup,
    key: SealedDigestKey,
    head: Head,
}

impl Feed {
    /// A feed that has read nothing yet.
    #[must_use]
    pub fn new(env: Environment) -> Self {
        Self {
            env,
            answers: Shared::new(ANSWER_BYTES),
            stretches: Shared::new(STRETCH_BYTES),
        }
    }

    /// What comes after the cursor. Without one, or when it does not match exactly, a snapshot begins.
    pub async fn page(&self, group: GroupId, after: Option<&str>) -> Result<Answer, Error> {
        // What is not a cursor is as good as none, and not worth remembering.
        let after = after.and_then(Cursor::parse);
        let revision = self.env.store.revision();
        self.answers
            .get(&(group, after), revision, self.read(group, after))
            .await
    }

    async fn read(&self, group: GroupId, after: Option<Cursor>) -> Result<Answer, Error> {
        let mut read = self.env.store.read().await?;
        let read = read.as_mut();
        let view = View::read(read, group).await?;
        let cursor = match after {
            Some(cursor) if view.recognises(read, &cursor).await? => cursor,
            _ => return self.begin(read, &view).await,
        };
        let start = match cursor.position {
            Position::Changes => {
                return match changes::read(read, &view, &cursor).await? {
                    Some(page) => Answer::of_changes(&page, view.head.revision),
                    None => self.begin(read, &view).await,
                };
            }
            Position::Applications(bucket) => Start::Applications(bucket),
            Position::Credentials(segment) => Start::Credentials(segment),
        };
        snapshot::page(self, read, &view, cursor, start, None).await
    }

    async fn begin(&self, read: &mut dyn ReadTransaction, view: &View) -> Result<Answer, Error> {
        let digest_key: DigestKey = view.key.open(&self.env.keys)?;
        let begins = Some(Beginning { digest_key });
        let cursor = view.cursor(Position::Applications(0));
        snapshot::page(self, read, view, cursor, Start::Applications(0), begins).await
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
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
