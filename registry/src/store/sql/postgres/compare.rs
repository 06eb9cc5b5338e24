//! Whether the server still has the log that was read from it: a standby that took over may lag behind, and a server may come
//! back with an older state.

use sqlx::{PgConnection, Row as _};

use crate::store::sql::wake::Heads;

/// The log's end, and the random id of the changes at a revision that was read before.
const LOOK: &str = "select i.revision, r.change_id, (select k.change_id from revisions k where k.revision = $1) as known
     from installation i
     join revisions r on r.revision = i.revision";

/// The log's last revision. If it does not go on from what was read before, everybody who follows it is told.
pub(super) async fn compare(
    connection: &mut PgConnection,
    heads: &Heads,
) -> Result<u64, sqlx::Error> {
    // Before it is asked: what is known was committed by then.
    let was = heads.known();
    let read = was.read.unwrap_or_default();
    let row = sqlx::query(LOOK)
        .bind(i64::try_from(read.0).unwrap_or(i64::MAX))
        .fetch_one(&mut *connection)
        .await?;
    let revision = u64::try_from(row.try_get::<i64, _>("revision")?).unwrap_or_default();
    let there: Option<Vec<u8>> = row.try_get("known")?;
    let goes_on = was
        .read
        .is_none_or(|(_, id)| there.is_some_and(|there| there == id));
    if goes_on && revision >= was.revision.max(read.0) {
        return Ok(revision);
    }
    let change_id: Vec<u8> = row.try_get("change_id")?;
    let change_id = change_id.try_into().unwrap_or_default();
    if heads.begin_anew(&was, revision, change_id) {
        tracing::warn!(
            was = was.revision,
            revision,
            "the database is not the one that it was: what it does not know of is forgotten, and gateways begin anew"
        );
    }
    // What was committed in between may have been heard of before that, and forgotten with it.
    let row = sqlx::query(LOOK).bind(0_i64).fetch_one(connection).await?;
    let revision = u64::try_from(row.try_get::<i64, _>("revision")?).unwrap_or_default();
    heads.rise_for_all(revision);
    Ok(revision)
}
