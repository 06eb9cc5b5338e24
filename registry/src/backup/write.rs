//! Making a backup.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    BackupError, cells,
    format::{Begin, Counts, Header, Tagger},
};
use crate::{
    clock::Timestamp,
    entropy::Entropy,
    secrets::Keys,
    store::sql::{Dump, Location},
};

/// Rows between two words on how far it is.
const ROWS_PER_WORD: u64 = 10_000;

/// What is wanted.
pub struct Backup<'a> {
    /// Which database.
    pub location: Location<'a>,
    /// The file to write; `-` for the standard output.
    pub to: &'a Path,
    /// Whether a file of this name may be replaced.
    pub overwrite: bool,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Tables in it.
    pub tables: usize,
    /// Rows in it.
    pub rows: u64,
    /// The log's revision.
    pub revision: u64,
}

/// Makes a backup, and says now and then how many rows it has. A file is complete or not there; on a standard output that
/// was cut off, the end is missing.
pub async fn backup(
    wanted: Backup<'_>,
    keys: &Keys,
    now: Timestamp,
    entropy: &dyn Entropy,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<BackedUp, BackupError> {
    let target = Target::open(wanted.to, wanted.overwrite)?;
    let name = target.name.clone();
    let result = write(wanted.location, target, keys, now, entropy, progress).await;
    if result.is_err()
        && let Some(partial) = partial(wanted.to)
        && !matches!(result, Err(BackupError::Exists { .. }))
    {
        // What is left of it is of no use; that it stays is no second failure.
        let _ = fs::remove_file(partial);
    }
    tracing::debug!(file = name, ok = result.is_ok(), "backup");
    result
}

async fn write(
    location: Location<'_>,
    target: Target,
    keys: &Keys,
    now: Timestamp,
    entropy: &dyn Entropy,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<BackedUp, BackupError> {
    // The moment comes before the snapshot: what was revoked since then may be in it, and nothing else.
    let mut dump = Dump::begin(location).await?;
    let (header, tagger) = Header::new(&dump, now, keys, entropy)?;
    let revision = header.revision;
    let tables = header.tables.clone();
    let mut lines = Lines { target, tagger };
    lines.put(&header)?;
    let mut counts = Counts::default();
    let mut total: u64 = 0;
    for table in &tables {
        lines.put(&Begin {
            table: table.name.clone(),
        })?;
        let count = counts.rows.entry(table.name.clone()).or_default();
        dump.rows(table, |row| {
            *count = count.saturating_add(1);
            total = total.saturating_add(1);
            if total.is_multiple_of(ROWS_PER_WORD) {
                progress(total);
            }
            lines.put(&cells::write(&row))
        })
        .await?;
    }
    lines.put(&counts)?;
    lines.finish()?;
    Ok(BackedUp {
        tables: tables.len(),
        rows: total,
        revision,
    })
}

/// Where it is written to.
struct Target {
    out: Box<dyn Write + Send>,
    /// To wait until it is on the disk, under the name that it gets then.
    file: Option<(File, PathBuf, PathBuf, bool)>,
    name: String,
}

fn partial(to: &Path) -> Option<PathBuf> {
    let mut name = to.file_name()?.to_owned();
    name.push(".partial");
    (to != Path::new("-")).then(|| to.with_file_name(name))
}

impl Target {
    fn open(to: &Path, overwrite: bool) -> Result<Self, BackupError> {
        let name = to.display().to_string();
        let Some(partial) = partial(to) else {
            return Ok(Self {
                out: Box::new(BufWriter::new(io::stdout())),
                file: None,
                name,
            });
        };
        if to.exists() && !overwrite {
            return Err(BackupError::Exists { path: name });
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&partial)
            .map_err(|source| BackupError::file("create", &name, source))?;
        let second = file
            .try_clone()
            .map_err(|source| BackupError::file("create", &name, source))?;
        Ok(Self {
            out: Box::new(BufWriter::new(file)),
            file: Some((second, partial, to.to_owned(), overwrite)),
            name,
        })
    }
}

struct Lines {
    target: Target,
    tagger: Tagger,
}

impl Lines {
    fn put(&mut self, line: &impl Serialize) -> Result<(), BackupError> {
        let text = serde_json::to_vec(line).map_err(io::Error::from);
        let put = |text: Vec<u8>| {
            let text = [text, b"\n".to_vec()].concat();
            self.tagger.update(&text);
            self.target.out.write_all(&text)
        };
        text.and_then(put)
            .map_err(|source| BackupError::file("write", &self.target.name, source))
    }

    fn finish(mut self) -> Result<(), BackupError> {
        let end = self.tagger.clone().end();
        self.put(&end)?;
        let name = self.target.name.clone();
        let failed = |source| BackupError::file("write", &name, source);
        self.target.out.flush().map_err(failed)?;
        let Some((file, partial, to, overwrite)) = self.target.file else {
            return Ok(());
        };
        file.sync_all().map_err(failed)?;
        if overwrite {
            fs::rename(&partial, &to).map_err(failed)?;
        } else {
            // A link, unlike a rename, never replaces what somebody else wrote meanwhile.
            let linked = fs::hard_link(&partial, &to);
            fs::remove_file(&partial).map_err(failed)?;
            linked.map_err(failed)?;
        }
        let directory = to.parent().filter(|path| !path.as_os_str().is_empty());
        let directory = File::open(directory.unwrap_or(Path::new("."))).map_err(failed)?;
        directory.sync_all().map_err(failed)
    }
}
