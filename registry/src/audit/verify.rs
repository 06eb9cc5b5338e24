//! Whether the log is what the registry wrote: every record, none missing, and none missing at the end.
//!
//! What lies in the database proves it against everybody who has not the master key, as long as they did not keep an older
//! copy of its end; the heads that were kept elsewhere prove it against everybody.

use crate::{clock::Timestamp, error::Error, secrets::Keys, store::Store};

use super::{
    chain::{ChainState, Link},
    head::Head,
};

mod file;
mod finding;
mod walk;

pub use file::{HeadLine, Line, RecordLine, UnreadableExport, verify_export};
pub use finding::{Finding, Named, Notice, Why};
pub(super) use walk::Walk;

/// Records that are read at a time.
const BATCH: usize = if cfg!(test) { 3 } else { 1_000 };

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many records are as they were written, from the first that is kept on.
    pub intact: u64,
    /// The number of the first of them, or what it would be.
    pub first: u64,
    /// What is wrong: first the first broken record. Nothing, if the log is intact.
    pub findings: Vec<Finding>,
    /// What whoever reads this ought to know besides.
    pub notices: Vec<Notice>,
    /// A head of the log as it is now, if it is intact.
    pub head: Option<Head>,
}

/// Reads the whole log as it is at this moment. `progress` hears after every batch how many records were read.
pub async fn verify(
    store: &dyn Store,
    keys: &Keys,
    heads: &[Head],
    now: Timestamp,
    mut progress: impl FnMut(u64),
) -> Result<Report, Error> {
    let mut read = store.read().await?;
    let state = read.audit_state().await?;
    let genuine = state.filter(|state| state.is_genuine(keys));
    let base = state.map_or_else(|| Link::start(keys.audit_key_version()), |state| state.base);
    let mut walk = Walk::new(keys, base, heads);
    // From the very first: what lies before the beginning does not belong to the log.
    let mut after = 0;
    loop {
        let batch = read.audit_records(after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = last.sequence();
        let is_broken = walk.take(&batch);
        progress(walk.intact());
        if is_broken {
            break;
        }
    }
    Ok(conclude(keys, walk, state, genuine, now))
}

fn conclude(
    keys: &Keys,
    mut walk: Walk<'_>,
    state: Option<ChainState>,
    genuine: Option<ChainState>,
    now: Timestamp,
) -> Report {
    if let Some(state) = genuine {
        walk.ends_at(&state.last);
    }
    walk.check_heads();
    let base = walk.base();
    let last = walk.last();
    let (intact, mut findings, notices) = walk.finish();
    if genuine.is_none() {
        let why = match state {
            None => Why::StateGone,
            Some(_) => Why::StateForged,
        };
        findings.push(Finding::of_log(why));
    }
    let head = findings
        .is_empty()
        .then(|| Head::sign(keys, &last, now).ok())
        .flatten();
    Report {
        intact,
        first: base.sequence.saturating_add(1),
        findings,
        notices,
        head,
    }
}
