//! Pages of a snapshot: whole buckets or segments, each page as things stand when it is read.

use filter_core::feed::{
    APPLICATION_BUCKETS, Application, Body, CREDENTIAL_SEGMENTS, Credential, MAX_PAGE_BYTES,
    MAX_PAGE_RECORDS, Page, Records, SnapshotPage, application_bucket, credential_segment,
};
use serde::Serialize;

use super::{
    View,
    cursor::{Cursor, Position},
    record,
};
use crate::{error::Error, store::ReadTransaction};

/// Records that make whole parts, and the first part that they do not cover.
struct Cut<T> {
    records: Vec<T>,
    to: u16,
}

pub(super) async fn applications(
    read: &mut dyn ReadTransaction,
    view: &View,
    cursor: Cursor,
    from: u16,
) -> Result<Page, Error> {
    let part = |application: &Application| application_bucket(application.index);
    let mut limit = MAX_PAGE_RECORDS.saturating_add(1);
    let cut = loop {
        let rows = read.group_applications(view.group.id, from, limit).await?;
        let records = rows.into_iter().map(record::application).collect();
        match cut(records, limit, APPLICATION_BUCKETS, part) {
            Some(cut) => break cut,
            None => limit = limit.saturating_mul(2),
        }
    };
    let position = if cut.to < APPLICATION_BUCKETS {
        Position::Applications(cut.to)
    } else {
        Position::Credentials(0)
    };
    let next = Cursor { position, ..cursor };
    let body = body(view, from, cut.to, Records::Applications(cut.records));
    Ok(view.page(body, &next, true))
}

pub(super) async fn credentials(
    read: &mut dyn ReadTransaction,
    view: &View,
    cursor: Cursor,
    from: u16,
) -> Result<Page, Error> {
    let part = |credential: &Credential| credential_segment(&credential.digest);
    let mut limit = MAX_PAGE_RECORDS.saturating_add(1);
    let cut = loop {
        let first = first_digest(from);
        let rows = read.group_credentials(view.group.id, &first, limit).await?;
        let records = rows.into_iter().map(record::credential).collect();
        match cut(records, limit, CREDENTIAL_SEGMENTS, part) {
            Some(cut) => break cut,
            None => limit = limit.saturating_mul(2),
        }
    };
    let ends = cut.to == CREDENTIAL_SEGMENTS;
    let position = if ends {
        Position::Changes
    } else {
        Position::Credentials(cut.to)
    };
    let next = Cursor { position, ..cursor };
    let more = !ends
        || !read
            .group_changes(view.group.id, cursor.revision, 1)
            .await?
            .is_empty();
    let body = body(view, from, cut.to, Records::Credentials(cut.records));
    Ok(view.page(body, &next, more))
}

fn body(view: &View, from: u16, to: u16, records: Records) -> Body {
    Body::Snapshot(SnapshotPage {
        begins: None,
        revision: view.head.revision,
        from,
        to,
        records,
    })
}

/// The smallest digest of a segment, which is its first 12 bits.
fn first_digest(segment: u16) -> [u8; 16] {
    let mut digest = [0; 16];
    let [high, low] = (segment << 4).to_be_bytes();
    digest[0] = high;
    digest[1] = low;
    digest
}

/// Cuts `records`, which are in order of their part and were read with `limit`, after the last whole part that fits on a
/// page; the first whole part is taken even if it does not. `None` when not even that was read to its end.
fn cut<T: Serialize>(
    mut records: Vec<T>,
    limit: usize,
    parts: u16,
    part: impl Fn(&T) -> u16,
) -> Option<Cut<T>> {
    // When the limit was reached, the last part may go on beyond it.
    let unfinished = records.last().filter(|_| records.len() >= limit).map(&part);
    let end = unfinished.unwrap_or(parts);
    let mut taken: usize = 0;
    let mut bytes: usize = 0;
    let mut to = end;
    for one in records.chunk_by(|a, b| part(a) == part(b)) {
        let Some(first) = one.first().map(&part).filter(|first| *first < end) else {
            break;
        };
        bytes = one.iter().fold(bytes, |sum, record| {
            sum.saturating_add(record::encoded_length(record))
        });
        let next = taken.saturating_add(one.len());
        if taken > 0 && (next > MAX_PAGE_RECORDS || bytes > MAX_PAGE_BYTES) {
            to = first;
            break;
        }
        taken = next;
    }
    if taken == 0 && unfinished.is_some() {
        return None;
    }
    records.truncate(taken);
    Some(Cut { records, to })
}
