//! Pages of changes.

use filter_core::feed::{Body, Change, ChangesPage, MAX_PAGE_BYTES, MAX_PAGE_RECORDS, Page};

use super::{
    View,
    cursor::{Cursor, Position},
    record,
};
use crate::{
    error::{Error, Kind},
    store::{ChangeRow, ReadTransaction, Subject},
};

/// Changes at most in one revision that are still told one by one. A transaction that changed more for the group is
/// told as a snapshot, whose pages are bounded.
const MAX_REVISION_CHANGES: usize = if cfg!(test) { 1_100 } else { 10_000 };

/// What comes after a cursor.
pub(super) enum After {
    /// Changes, as many as fit and never part of a revision.
    Changes(Page),
    /// From the position of `next` on, the group's digests are found under the key of its version.
    Key { next: Cursor, more: bool },
    /// More than can be told one by one: only a snapshot will do.
    TooMuch,
}

/// Reads what comes after the cursor.
pub(super) async fn read(
    read: &mut dyn ReadTransaction,
    view: &View,
    after: &Cursor,
) -> Result<After, Error> {
    let Some((mut rows, complete)) = rows(read, view, after).await? else {
        return Ok(After::TooMuch);
    };
    let key = rows
        .iter()
        .position(|row| matches!(row.subject, Subject::Key(_)));
    if key == Some(0) {
        return self::key(read, view, after, &rows).await;
    }
    // What comes before another key is told before it, and complete.
    rows.truncate(key.unwrap_or(rows.len()));
    let complete_here = complete || key.is_some();
    let changes = rows.into_iter().map(record::change);
    let changes: Vec<Change> = changes
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    let fitting = fitting(&changes, complete_here);
    let cut = fitting < changes.len() || !complete || key.is_some();
    let changes: Vec<Change> = changes.into_iter().take(fitting).collect();
    let next = match changes.last() {
        Some(last) if cut => position_at(read, after, last.revision).await?,
        _ => view.cursor(Position::Changes),
    };
    let body = ChangesPage {
        revision: next.revision,
        changes,
    };
    let page = view.page(Body::Changes(body), &next, cut);
    Ok(After::Changes(page))
}

/// The changes after the cursor, and whether those are all; `None` where only a snapshot will do.
async fn rows(
    read: &mut dyn ReadTransaction,
    view: &View,
    after: &Cursor,
) -> Result<Option<(Vec<ChangeRow>, bool)>, Error> {
    let of_one_revision = |rows: &[ChangeRow]| {
        rows.first().map(|row| row.revision) == rows.last().map(|row| row.revision)
    };
    let group = view.group.id;
    let bound = MAX_PAGE_RECORDS.saturating_add(1);
    let found = read.group_changes(group, after.revision, bound).await?;
    if found.len() < bound || !of_one_revision(&found) {
        let complete = found.len() < bound;
        return Ok(Some((found, complete)));
    }
    let bound = MAX_REVISION_CHANGES.saturating_add(1);
    let found = read.group_changes(group, after.revision, bound).await?;
    let complete = found.len() < bound;
    let can_be_told = complete || !of_one_revision(&found);
    Ok(can_be_told.then_some((found, complete)))
}

/// Where the group goes over to another key, which is the first of these rows.
async fn key(
    read: &mut dyn ReadTransaction,
    view: &View,
    after: &Cursor,
    rows: &[ChangeRow],
) -> Result<After, Error> {
    let told = rows.first().map(|row| (&row.subject, row.revision));
    let Some((Subject::Key(version), revision)) = told else {
        return Ok(After::TooMuch);
    };
    if *version != view.key.version {
        return Ok(After::TooMuch);
    }
    let next = Cursor {
        key_version: *version,
        ..position_at(read, after, revision).await?
    };
    let more = rows.len() > 1;
    Ok(After::Key { next, more })
}

/// How many of the changes go on the page: whole revisions, as many as fit, and one in any case. The last revision may
/// go on beyond what was read, unless it was `complete`.
fn fitting(changes: &[Change], complete: bool) -> usize {
    let mut taken: usize = 0;
    let mut bytes: usize = 0;
    for revision in changes.chunk_by(|a, b| a.revision == b.revision) {
        let end = taken.saturating_add(revision.len());
        let unfinished = !complete && end == changes.len();
        bytes = revision.iter().fold(bytes, |sum, change| {
            sum.saturating_add(record::encoded_length(change))
        });
        let fits = end <= MAX_PAGE_RECORDS && bytes <= MAX_PAGE_BYTES;
        if unfinished || (taken > 0 && !fits) {
            break;
        }
        taken = end;
    }
    taken
}

/// A later position, under the same key.
async fn position_at(
    read: &mut dyn ReadTransaction,
    after: &Cursor,
    revision: u64,
) -> Result<Cursor, Error> {
    let change_id = read
        .change_id(revision)
        .await?
        .ok_or(Error::NotFound(Kind::GatewayGroup))?;
    Ok(Cursor {
        revision,
        change_id,
        ..*after
    })
}
