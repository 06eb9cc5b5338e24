//! Pages of a snapshot: whole buckets or segments, each page as things stand when it is read.

use bytes::Bytes;
use filter_core::feed::{
    APPLICATION_BUCKETS, Body, CREDENTIAL_SEGMENTS, MAX_PAGE_BYTES, MAX_PAGE_RECORDS, Page,
    Records, SnapshotPage, application_bucket, credential_segment,
};

use super::{
    Feed, View,
    answer::{Answer, Opening},
    cursor::{Cursor, Position},
    record,
    shared::Reading,
};
use crate::{
    error::Error,
    ids::GroupId,
    store::{ReadTransaction, StoreError},
};

/// Issuers are one part.
const ISSUER_PARTS: u16 = 1;

/// What a stretch of a snapshot is found by. A log, a group or a key that is another one shares nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    generation: u64,
    epoch: [u8; 16],
    group: GroupId,
    key_version: u32,
    start: Start,
}

impl Place {
    pub(super) const fn of(view: &View, start: Start) -> Self {
        Self {
            generation: view.generation,
            epoch: view.head.epoch,
            group: view.group.id,
            key_version: view.key.version,
            start,
        }
    }
}

/// The table, and its first part on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Start {
    Applications(u16),
    Credentials(u16),
    /// The one part of issuers.
    Issuers,
}

/// Whole parts of one table, encoded, as they stood at one revision.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    revision: u64,
    /// The first part that it does not cover.
    to: u16,
    count: usize,
    records: Bytes,
}

impl Reading for Stretch {
    fn revision(&self) -> u64 {
        self.revision
    }

    fn bytes(&self) -> usize {
        self.records.len()
    }
}

/// An encoded record and the part that it belongs to.
struct Record {
    part: u16,
    bytes: Vec<u8>,
}

/// The page of the snapshot at this place, which is not its first.
pub(super) async fn page(
    feed: &Feed,
    read: &mut dyn ReadTransaction,
    view: &View,
    cursor: Cursor,
    start: Start,
) -> Result<Answer, Error> {
    let (page, stretch) = at(feed, read, view, cursor, start).await?;
    Answer::of_records(&page, stretch.count, stretch.records, view.head.revision)
}

/// The first page of a snapshot that begins now.
pub(super) async fn opening(
    feed: &Feed,
    read: &mut dyn ReadTransaction,
    view: View,
) -> Result<Opening, Error> {
    let cursor = view.cursor(Position::Applications(0));
    let (page, stretch) = at(feed, read, &view, cursor, Start::Applications(0)).await?;
    let revision = view.head.revision;
    Ok(Opening::new(
        page,
        stretch.count,
        stretch.records,
        view.key,
        revision,
    ))
}

/// The page at this place without its records, and those.
async fn at(
    feed: &Feed,
    read: &mut dyn ReadTransaction,
    view: &View,
    cursor: Cursor,
    start: Start,
) -> Result<(Page, Stretch), Error> {
    let place = Place::of(view, start);
    // The changes after the cursor's revision will follow. A stretch that reflects all before them has no gap.
    let stretch = feed
        .stretches
        .get(&place, cursor.revision, stretch(read, view, start))
        .await?;
    let (from, position, records) = start.describe(stretch.to);
    let more = position != Position::Changes
        || !read
            .group_changes(view.group.id, cursor.revision, 1)
            .await?
            .is_empty();
    let body = Body::Snapshot(SnapshotPage {
        begins: None,
        revision: stretch.revision,
        from,
        to: stretch.to,
        records,
    });
    let page = view.page(body, &Cursor { position, ..cursor }, more);
    Ok((page, stretch))
}

impl Start {
    /// The first part, what comes after a stretch up to `to`, and no records of the table.
    const fn describe(self, to: u16) -> (u16, Position, Records) {
        match self {
            Self::Applications(from) => {
                let next = if to < APPLICATION_BUCKETS {
                    Position::Applications(to)
                } else {
                    Position::Credentials(0)
                };
                (from, next, Records::Applications(Vec::new()))
            }
            Self::Credentials(from) => {
                let next = if to < CREDENTIAL_SEGMENTS {
                    Position::Credentials(to)
                } else {
                    Position::Issuers
                };
                (from, next, Records::Credentials(Vec::new()))
            }
            Self::Issuers => (0, Position::Changes, Records::Issuers(Vec::new())),
        }
    }
}

async fn stretch(
    read: &mut dyn ReadTransaction,
    view: &View,
    start: Start,
) -> Result<Stretch, Error> {
    let parts = match start {
        Start::Applications(_) => APPLICATION_BUCKETS,
        Start::Credentials(_) => CREDENTIAL_SEGMENTS,
        Start::Issuers => ISSUER_PARTS,
    };
    let mut limit = MAX_PAGE_RECORDS.saturating_add(1);
    loop {
        let found = match start {
            Start::Applications(from) => applications(read, view.group.id, from, limit).await?,
            Start::Credentials(from) => credentials(read, view.group.id, from, limit).await?,
            Start::Issuers => issuers(read).await?,
        };
        if let Some((taken, to)) = cut(&found, limit, parts) {
            let taken = found.get(..taken).unwrap_or_default();
            let bytes = taken.iter().map(|record| record.bytes.len()).sum();
            // Exactly, so that what is kept takes no more than is counted.
            let mut records = Vec::with_capacity(bytes);
            for record in taken {
                records.extend_from_slice(&record.bytes);
            }
            return Ok(Stretch {
                revision: view.head.revision,
                to,
                count: taken.len(),
                records: records.into_boxed_slice().into(),
            });
        }
        limit = limit.saturating_mul(2);
    }
}

async fn applications(
    read: &mut dyn ReadTransaction,
    group: GroupId,
    from: u16,
    limit: usize,
) -> Result<Vec<Record>, Error> {
    let rows = read.group_applications(group, from, limit).await?;
    let encoded = rows.into_iter().map(|row| {
        let application = record::application(row);
        Ok(Record {
            part: application_bucket(application.index),
            bytes: postcard::to_allocvec(&application)
                .map_err(|_| StoreError::Range("an application's record"))?,
        })
    });
    encoded.collect()
}

async fn issuers(read: &mut dyn ReadTransaction) -> Result<Vec<Record>, Error> {
    let encoded = read.issuers().await?.into_iter().map(|issuer| {
        Ok(Record {
            part: 0,
            bytes: postcard::to_allocvec(&issuer)
                .map_err(|_| StoreError::Range("an issuer's record"))?,
        })
    });
    encoded.collect()
}

async fn credentials(
    read: &mut dyn ReadTransaction,
    group: GroupId,
    from: u16,
    limit: usize,
) -> Result<Vec<Record>, Error> {
    let rows = read
        .group_credentials(group, &first_digest(from), limit)
        .await?;
    let rendered = rows.into_iter().map(|row| {
        // A record begins with its digest. What does not was damaged, and would make the whole page unreadable.
        if !row.record.starts_with(&row.digest.0) {
            return Err(StoreError::Unreadable("deployed_secrets.record").into());
        }
        Ok(Record {
            part: credential_segment(&row.digest),
            bytes: row.record,
        })
    });
    rendered.collect()
}

/// The smallest digest of a segment, which is its first 12 bits.
fn first_digest(segment: u16) -> [u8; 16] {
    let mut digest = [0; 16];
    let [high, low] = (segment << 4).to_be_bytes();
    digest[0] = high;
    digest[1] = low;
    digest
}

/// How many of `records`, which are in order of their part and were read with `limit`, go on a page, and the first part
/// that they do not cover: up to the last whole part that fits, and the first whole part even if it does not. `None`
/// when not even that was read to its end.
fn cut(records: &[Record], limit: usize, parts: u16) -> Option<(usize, u16)> {
    // When the limit was reached, the last part may go on beyond it.
    let unfinished = records.last().filter(|_| records.len() >= limit);
    let end = unfinished.map_or(parts, |record| record.part);
    let mut taken: usize = 0;
    let mut bytes: usize = 0;
    let mut to = end;
    for one in records.chunk_by(|a, b| a.part == b.part) {
        let Some(first) = one.first().filter(|first| first.part < end) else {
            break;
        };
        bytes = one
            .iter()
            .fold(bytes, |sum, record| sum.saturating_add(record.bytes.len()));
        let next = taken.saturating_add(one.len());
        if taken > 0 && (next > MAX_PAGE_RECORDS || bytes > MAX_PAGE_BYTES) {
            to = first.part;
            break;
        }
        taken = next;
    }
    if taken == 0 && unfinished.is_some() {
        return None;
    }
    Some((taken, to))
}
