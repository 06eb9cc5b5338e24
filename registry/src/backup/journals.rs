//! What must be known of revocations before anything is restored: the backup names the journals that were kept when it was
//! made, and what they say must be there, whole, or somebody must accept that it is not.

use std::{collections::BTreeMap, path::Path};

use super::{
    BackupError, Restore,
    file::{Next, Reader},
    shown as moment,
};
use crate::{clock::Timestamp, journal, secrets::Keys, store::sql::Evidence};

/// Missing journals that an error names.
const MOST_NAMED: usize = 8;

/// Reads the whole backup and all journals. Returns the journals that the backup knows and that are missing, which was
/// accepted.
pub(super) fn check(
    wanted: &Restore,
    keys: &Keys,
    created_at: Timestamp,
) -> Result<Vec<[u8; 16]>, BackupError> {
    let known = evidence(wanted, keys)?.journals;
    let mut given = BTreeMap::new();
    for path in &wanted.journals {
        let (id, lines) = read(path, keys)?;
        let most: &mut u64 = given.entry(id).or_default();
        *most = lines.max(*most);
    }
    let is_heard = |(id, mark): &(&[u8; 16], &u64)| given.get(*id).is_some_and(|n| n >= *mark);
    let unheard: Vec<[u8; 16]> = known
        .iter()
        .filter(|one| !is_heard(one))
        .map(|(id, _)| *id)
        .collect();
    let accepted = wanted.accept_revoked_since;
    if accepted.is_some_and(|since| since <= created_at) {
        return Ok(unheard);
    }
    // A backup that knows of no journal is of a registry that kept none, or had not begun to.
    if known.is_empty() || given.is_empty() {
        return Err(BackupError::RevocationsUnknown {
            created_at: moment(created_at),
        });
    }
    if unheard.is_empty() {
        return Ok(unheard);
    }
    let mut missing: Vec<String> = unheard.iter().take(MOST_NAMED).map(shown).collect();
    if unheard.len() > MOST_NAMED {
        missing.push(format!(
            "and {} more",
            unheard.len().saturating_sub(MOST_NAMED)
        ));
    }
    Err(BackupError::JournalsMissing {
        missing: missing.join(", "),
        created_at: moment(created_at),
    })
}

fn evidence(wanted: &Restore, keys: &Keys) -> Result<Evidence, BackupError> {
    let mut evidence = Evidence::default();
    let mut reader = Reader::open(&wanted.from, keys)?;
    while let Next::Row(place, row) = reader.next()? {
        evidence.take(reader.table(place)?, row)?;
    }
    evidence.open(keys)?;
    Ok(evidence)
}

/// Its id, and how many revocations it holds.
fn read(path: &Path, keys: &Keys) -> Result<([u8; 16], u64), BackupError> {
    let reader = journal::Reader::open(path, keys)?;
    let mut reader = reader.ok_or_else(|| none(path))?;
    while reader.next()?.is_some() {}
    Ok((reader.id(), reader.number()))
}

pub(super) fn none(path: &Path) -> BackupError {
    BackupError::NoJournal {
        path: path.display().to_string(),
    }
}

/// As a journal's first line has its id.
pub(super) fn shown(journal: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*journal))
}
