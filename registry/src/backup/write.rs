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
    format::{Begin, Counts, Header, MAX_LINE, Tagger},
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
    let target = Target::open(wanted.to, wanted.overwrite, entropy)?;
    let name = target.name.clone();
    let partial = target.file.as_ref().map(|file| file.partial.clone());
    let result = write(wanted.location, target, keys, now, entropy, progress).await;
    if result.is_err()
        && let Some(partial) = partial
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
    // A backup under another key than the database's would be found to be of no use when it is needed.
    dump.check(keys).await?;
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
    /// `None` for the standard output.
    file: Option<Named>,
    name: String,
}

/// A file that gets its name once it is complete.
struct Named {
    /// To wait until it is on the disk.
    file: File,
    partial: PathBuf,
    to: PathBuf,
    overwrite: bool,
}

/// Nobody else's name: neither a backup that is being made at the same time nor who knows what is done here can have it.
fn partial(to: &Path, entropy: &dyn Entropy) -> Result<Option<PathBuf>, BackupError> {
    if to == Path::new("-") {
        return Ok(None);
    }
    let is_a_directory = || {
        let shown = to.display().to_string();
        BackupError::file("create", &shown, io::ErrorKind::IsADirectory.into())
    };
    let mut name = to.file_name().ok_or_else(is_a_directory)?.to_owned();
    let random = u64::from_be_bytes(entropy.bytes()?);
    name.push(format!(".{random:016x}.partial"));
    Ok(Some(to.with_file_name(name)))
}

impl Target {
    fn open(to: &Path, overwrite: bool, entropy: &dyn Entropy) -> Result<Self, BackupError> {
        let name = to.display().to_string();
        let Some(partial) = partial(to, entropy)? else {
            return Ok(Self {
                out: Box::new(BufWriter::new(io::stdout())),
                file: None,
                name,
            });
        };
        if to.exists() && !overwrite {
            return Err(BackupError::Exists { path: name });
        }
        let created = |source| BackupError::file("create", &name, source);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)
            .map_err(created)?;
        let named = Named {
            file: file.try_clone().map_err(created)?,
            partial,
            to: to.to_owned(),
            overwrite,
        };
        Ok(Self {
            out: Box::new(BufWriter::new(file)),
            file: Some(named),
            name,
        })
    }
}

impl Named {
    /// Waits until it is on the disk under its name.
    fn settle(self) -> io::Result<()> {
        self.file.sync_all()?;
        // A link, unlike a rename, never replaces what somebody else wrote meanwhile.
        let linked = !self.overwrite && fs::hard_link(&self.partial, &self.to).is_ok();
        if linked {
            fs::remove_file(&self.partial)?;
        } else if self.overwrite || !self.to.exists() {
            // Not every file system has links.
            fs::rename(&self.partial, &self.to)?;
        } else {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let directory = self.to.parent().filter(|path| !path.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }
}

struct Lines {
    target: Target,
    tagger: Tagger,
}

impl Lines {
    fn put(&mut self, line: &impl Serialize) -> Result<(), BackupError> {
        let text = serde_json::to_vec(line).map_err(io::Error::from);
        let put = |mut text: Vec<u8>| {
            text.push(b'\n');
            if text.len() as u64 >= MAX_LINE {
                let what = "a row is larger than a backup can hold";
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
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
        let Some(file) = self.target.file else {
            return Ok(());
        };
        file.settle().map_err(failed)
    }
}
