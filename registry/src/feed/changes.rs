//! Pages of changes.

use filter_core::feed::{Body, Change, ChangesPage, MAX_PAGE_BYTES, MAX_PAGE_RECORDS, Page};

use super::{
    View,
    cursor::{Cursor, Position},
    record,
};
use crate::{
    error::{Error, Kind},
    store::ReadTransaction,
};

/// Changes at most in one revision that are still told one by one. A transaction that changed more for the group is
/// told as a snapshot, whose pages are bounded.
const MAX_REVISION_CHANGES: usize = if cfg!(test) { 1_100 } else { 10_000 };

/// The changes after the cursor, as many as fit and never part of a revision; `None` where only a snapshot will do.
pub(super) async fn read(
    read: &mut dyn ReadTransaction,
    view: &View,
    after: &Cursor,
) -> Result<Option<Page>, Error> {
    let mut rows = read
        .group_changes(
            view.group.id,
            after.revision,
            MAX_PAGE_RECORDS.saturating_add(1),
        )
        .await?;
    let mut complete = rows.len() <= MAX_PAGE_RECORDS;
    let one_revision = rows.first().map(|row| row.revision) == rows.last().map(|row| row.revision);
    if !complete && one_revision {
        let bound = MAX_REVISION_CHANGES.saturating_add(1);
        rows = read
            .group_changes(view.group.id, after.revision, bound)
            .await?;
        complete = rows.len() < bound;
        let still_one = rows.first().map(|row| row.revision) == rows.last().map(|row| row.revision);
        if !complete && still_one {
            return Ok(None);
        }
    }
    let changes: Vec<Change> = rows
        .into_iter()
        .map(record::change)
        .collect::<Result<_, _>>()?;
    let fitting = fitting(&changes, complete);
    let cut = fitting < changes.len() || !complete;
    let changes: Vec<Change> = changes.into_iter().take(fitting).collect();
    let next = match changes.last() {
        Some(last) if cut => position_at(read, view, last.revision).await?,
        _ => view.cursor(Position::Changes),
    };
    let body = ChangesPage {
        revision: next.revision,
        changes,
    };
    Ok(Some(view.page(Body::Changes(body), &next, cut)))
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

async fn position_at(
    read: &mut dyn ReadTransaction,
    view: &View,
    revision: u64,
) -> Result<Cursor, Error> {
    let change_id = read
        .change_id(revision)
        .await?
        .ok_or(Error::NotFound(Kind::GatewayGroup))?;
    Ok(Cursor {
        revision,
        change_id,
        ..view.cursor(Position::Changes)
    })
}
