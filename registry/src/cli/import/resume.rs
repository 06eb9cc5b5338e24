//! How far an import came, in a file, so that another run goes on there.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::records::Record;
use crate::cli::failure::Failure;

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    /// Records that were dealt with, failed ones included.
    records: u64,
    /// SHA-256 of them, by which another file is told from the same one.
    sha256: String,
}

/// Follows the records, and knows which were dealt with by an earlier run.
pub(super) struct Resume {
    path: Option<PathBuf>,
    before: Mark,
    records: u64,
    digest: Sha256,
}

impl Resume {
    /// Reads the mark of an earlier run, if there is one.
    pub(super) fn open(path: Option<PathBuf>) -> Result<Self, Failure> {
        let before = match &path {
            None => Mark::default(),
            Some(path) => match fs::read(path) {
                Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| {
                    let path = path.display();
                    Failure::Usage(format!(
                        "{path} is not the mark of an import: name another file"
                    ))
                })?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Mark::default(),
                Err(source) => return Err(Failure::io(path.display().to_string())(source)),
            },
        };
        Ok(Self {
            path,
            before,
            records: 0,
            digest: Sha256::new(),
        })
    }

    /// Takes note of the next record; whether it is still to be dealt with.
    pub(super) fn pass(&mut self, record: &Record) -> Result<bool, Failure> {
        self.records += 1;
        if let Ok(text) = &record.text {
            self.digest.update(text);
        }
        self.digest.update(b"\n");
        if self.records == self.before.records && self.sha256() != self.before.sha256 {
            return Err(self.other_file());
        }
        Ok(self.records > self.before.records)
    }

    /// At the end of the file: an earlier run cannot have come further than this.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        if self.records < self.before.records {
            return Err(self.other_file());
        }
        Ok(())
    }

    /// Everything that was passed is dealt with: writes that down.
    pub(super) fn mark(&self) -> Result<(), Failure> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let mark = Mark {
            records: self.records,
            sha256: self.sha256(),
        };
        let write = || {
            let partial = path.with_extension("partial");
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&partial)?;
            file.write_all(&serde_json::to_vec(&mark)?)?;
            file.sync_all()?;
            fs::rename(&partial, path)
        };
        write().map_err(Failure::io(path.display().to_string()))
    }

    fn sha256(&self) -> String {
        filter_core::gateway::hex(&self.digest.clone().finalize())
    }

    fn other_file(&self) -> Failure {
        let path = self
            .path
            .as_deref()
            .unwrap_or_else(|| std::path::Path::new("-"));
        Failure::Usage(format!(
            "{} is the mark of another file's import, or the file has changed: name another one to begin anew (what is \
             there already stays as it is)",
            path.display()
        ))
    }
}
