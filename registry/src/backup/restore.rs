//! From a backup to a database that a registry can start on.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{
    BackupError,
    file::{Next, Reader},
    journals, shown,
};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    clock::Timestamp,
    entropy::Entropy,
    environment::Environment,
    journal,
    secrets::Keys,
    store::sql::{Cell, Load, Location, Table},
};

/// Values at most in one statement: SQLite takes 32,766.
const MOST_VALUES: usize = 8_000;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The backup.
    pub from: PathBuf,
    /// Journals of revocations: what they say is revoked again.
    pub journals: Vec<PathBuf>,
    /// Instead of a journal: what was revoked since may work again.
    pub accept_revoked_since: Option<Timestamp>,
}

/// A database that was filled, and on which no registry starts yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// When the backup was made.
    pub created_at: Timestamp,
    /// The log's revision then.
    pub revision: u64,
    /// Rows that were restored.
    pub rows: u64,
    /// The journals that the backup knows and that were not given, or not up to where the backup knows them.
    pub unheard: Vec<[u8; 16]>,
}

/// What came of one journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Its file.
    pub path: PathBuf,
    /// Its own id.
    pub journal: [u8; 16],
    /// Revocations in it.
    pub read: u64,
    /// Those that the backup did not have.
    pub again: u64,
    /// When its last one was.
    pub last_at: Option<Timestamp>,
}

/// Fills an empty database from a backup that is whole and of the same master key, if the journals are whole and say what
/// was revoked since. Before all that is certain, nothing is changed. The log gets a new identity, so that every gateway
/// takes a snapshot.
pub async fn load(
    wanted: &Restore,
    location: Location<'_>,
    keys: &Keys,
    entropy: &dyn Entropy,
) -> Result<Loaded, BackupError> {
    let reader = Reader::open(&wanted.from, keys)?;
    let created_at = reader.header.created_at();
    reader.prove()?;
    let unheard = journals::check(wanted, keys, created_at)?;
    let mut reader = Reader::open(&wanted.from, keys)?;
    let mut load = Load::begin(location, reader.header.schema).await?;
    check_tables(&reader.header.tables, &load.tables)?;
    let rows = fill(&mut reader, &mut load).await?;
    load.commit(entropy.bytes()?).await?;
    Ok(Loaded {
        created_at,
        revision: reader.header.revision,
        rows,
        unheard,
    })
}

/// Has everything revoked again that the journals say, writes down that the database was restored, and lets registries
/// start on it.
pub async fn conclude(
    env: &Environment,
    wanted: &Restore,
    loaded: &Loaded,
) -> Result<Vec<Replayed>, BackupError> {
    let mut replayed = Vec::with_capacity(wanted.journals.len());
    for path in &wanted.journals {
        let reader = journal::Reader::open(path, &env.keys)?;
        let mut reader = reader.ok_or_else(|| journals::none(path))?;
        let journal = reader.id();
        let tally = journal::revoke_again(env, &mut reader).await?;
        replayed.push(Replayed {
            path: path.clone(),
            journal,
            read: tally.read,
            again: tally.again,
            last_at: tally.last_at,
        });
    }
    let mut write = env.store.write().await?;
    let organization = write.default_organization().await?.id;
    let event = event(wanted, loaded, &replayed);
    audit::note(env, write.as_mut(), Caller::registry(organization), event).await?;
    // What they say is true now, or that it is not was accepted. Those that are still kept are noted when their registries
    // start, and the others need not be there at the next restore.
    write.forget_journals().await?;
    write.end_restore().await?;
    env.commit(write).await?;
    Ok(replayed)
}

fn event(wanted: &Restore, loaded: &Loaded, replayed: &[Replayed]) -> Event {
    let missing: Vec<String> = loaded.unheard.iter().map(journals::shown).collect();
    let replays: Vec<Value> = replayed
        .iter()
        .map(|one| {
            json!({
                "journal": journals::shown(&one.journal),
                "revocations": one.read,
                "revoked_again": one.again,
                "last_at": one.last_at.map(shown),
            })
        })
        .collect();
    Event::of(Action::InstallationRestored, "installation")
        .with("backup_of", shown(loaded.created_at))
        .with("revision", loaded.revision)
        .with("journals", replays)
        .with("journals_missing", missing)
        .with(
            "accept_revoked_since",
            wanted.accept_revoked_since.map(shown),
        )
}

/// The backup's tables must be those that this program makes for their version, whichever the database.
fn check_tables(found: &[Table], made: &[Table]) -> Result<(), BackupError> {
    let sorted = |table: &Table| {
        let mut table = table.clone();
        table.columns.sort();
        table
    };
    let made: Vec<Table> = made.iter().map(sorted).collect();
    let found: Vec<Table> = found.iter().map(sorted).collect();
    let stray = |one: &[Table], other: &[Table]| {
        let mut strays = one.iter().filter(|table| !other.contains(table));
        strays.next().map(|table| table.name.clone())
    };
    match stray(&found, &made).or_else(|| stray(&made, &found)) {
        Some(name) => Err(BackupError::OtherTables(name)),
        None => Ok(()),
    }
}

/// Many rows in one statement, and never more than that in memory.
async fn fill(reader: &mut Reader, load: &mut Load) -> Result<u64, BackupError> {
    let mut rows: u64 = 0;
    let mut pending: Vec<Vec<Cell>> = Vec::new();
    let mut of = 0;
    loop {
        let next = reader.next()?;
        let full = |width: usize| pending.len().saturating_mul(width) >= MOST_VALUES;
        let flush = match &next {
            Next::Row(place, row) => *place != of || full(row.len()),
            Next::End => true,
        };
        if flush && !pending.is_empty() {
            let table = reader.table(of)?.clone();
            load.insert(&table, std::mem::take(&mut pending)).await?;
        }
        match next {
            Next::Row(place, row) => {
                of = place;
                rows = rows.saturating_add(1);
                pending.push(row);
            }
            Next::End => return Ok(rows),
        }
    }
}
