//! The file of a journal.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead as _, BufReader, Read as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{
    JournalError, Revocation,
    line::{Chain, Header},
};
use crate::{clock::Timestamp, entropy::Entropy, secrets::Keys};

/// Bytes at most in a line.
const MAX_LINE: u64 = 1024;

/// Reads a journal from its beginning, checking each line.
pub(crate) struct Reader<'a> {
    lines: BufReader<File>,
    keys: &'a Keys,
    path: PathBuf,
    chain: Chain,
    header: Header,
    /// How many lines were begun.
    line: u64,
    /// Where the line after the last good one begins.
    end: u64,
}

/// A journal that can be added to.
pub(super) struct Appender {
    file: File,
    chain: Chain,
    end: u64,
}

impl<'a> Reader<'a> {
    /// Opens the journal; `None` if nothing was ever written to it.
    pub(crate) fn open(path: &Path, keys: &'a Keys) -> Result<Option<Self>, JournalError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(JournalError::file("open", path, source)),
        };
        let mut reader = Self {
            lines: BufReader::new(file),
            keys,
            path: path.to_owned(),
            chain: Chain::new(),
            header: Header::new([0; 16], Timestamp::from_millis(0)),
            line: 0,
            end: 0,
        };
        let Some(line) = reader.line()? else {
            return Ok(None);
        };
        reader.header = reader
            .chain
            .read_header(keys, &line)
            .ok_or_else(|| reader.altered())?;
        Ok(Some(reader))
    }

    /// The journal's own id.
    pub(crate) fn id(&self) -> [u8; 16] {
        self.header.id().unwrap_or_default()
    }

    /// How many revocations were read.
    pub(crate) const fn number(&self) -> u64 {
        self.chain.number()
    }

    /// The next revocation; `None` at the end, or where a crash cut off the last line.
    pub(crate) fn next(&mut self) -> Result<Option<Revocation>, JournalError> {
        let Some(line) = self.line()? else {
            return Ok(None);
        };
        let read = self.chain.read(self.keys, &line);
        Ok(Some(read.ok_or_else(|| self.altered())?))
    }

    /// The next line that is complete.
    fn line(&mut self) -> Result<Option<String>, JournalError> {
        self.line = self.line.saturating_add(1);
        let mut bytes = Vec::new();
        let mut bounded = (&mut self.lines).take(MAX_LINE);
        let read = bounded.read_until(b'\n', &mut bytes);
        let length = read.map_err(|source| JournalError::file("read", &self.path, source))?;
        if bytes.pop() != Some(b'\n') {
            let is_short = u64::try_from(length).is_ok_and(|length| length < MAX_LINE);
            let is_cut_off = is_short || (is_blank(&bytes) && self.is_blank_from_here()?);
            return is_cut_off.then_some(None).ok_or_else(|| self.altered());
        }
        self.end = self.end.saturating_add(length as u64);
        // What is not text fails its tag.
        Ok(Some(String::from_utf8(bytes).unwrap_or_default()))
    }

    /// Where the power failed, some file systems leave zeros in place of what was to be written last.
    fn is_blank_from_here(&mut self) -> Result<bool, JournalError> {
        let failed = |source| JournalError::file("read", &self.path, source);
        loop {
            let bytes = self.lines.fill_buf().map_err(failed)?;
            let length = bytes.len();
            if length == 0 || !is_blank(bytes) {
                return Ok(length == 0);
            }
            self.lines.consume(length);
        }
    }

    fn altered(&self) -> JournalError {
        JournalError::Altered {
            path: self.path.display().to_string(),
            line: self.line,
        }
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

impl Appender {
    /// Takes the journal for this process, and makes it where there is none: nobody else adds to it while this lives.
    pub(super) fn lock(path: &Path) -> Result<File, JournalError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|source| JournalError::file("create", path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(JournalError::InUse {
                path: path.display().to_string(),
            }),
            Err(TryLockError::Error(source)) => Err(JournalError::file("lock", path, source)),
        }
    }

    /// Begins a journal in an empty file. Answers its id.
    pub(super) fn begin(
        file: File,
        path: &Path,
        keys: &Keys,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(Self, [u8; 16]), JournalError> {
        let id = entropy.bytes()?;
        let mut chain = Chain::new();
        let line = chain.begin(keys, &Header::new(id, now));
        let mut appender = Self {
            file,
            chain,
            end: 0,
        };
        let write = |appender: &mut Self| {
            appender.file.set_len(0)?;
            appender.put(line.as_bytes())?;
            let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
        };
        write(&mut appender).map_err(|source| JournalError::file("write", path, source))?;
        Ok((appender, id))
    }

    /// Goes on with a journal that was read to its end. What a crash cut off is removed.
    pub(super) fn resume(file: File, path: &Path, read: Reader<'_>) -> Result<Self, JournalError> {
        file.set_len(read.end)
            .map_err(|source| JournalError::file("write", path, source))?;
        Ok(Self {
            file,
            chain: read.chain,
            end: read.end,
        })
    }

    pub(super) const fn number(&self) -> u64 {
        self.chain.number()
    }

    /// Adds revocations, which are on the disk when this returns. After an error, the same can be added again: it is
    /// written in the same place.
    pub(super) fn append(&mut self, keys: &Keys, revocations: &[Revocation]) -> io::Result<()> {
        if revocations.is_empty() {
            return Ok(());
        }
        let mut chain = self.chain.clone();
        let text: String = revocations
            .iter()
            .map(|revocation| chain.add(keys, revocation))
            .collect();
        self.put(text.as_bytes())?;
        self.chain = chain;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.end)?;
        self.file.sync_data()?;
        self.end = self.end.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

#[cfg(test)]
impl Appender {
    /// Writes to this file, whatever becomes of it.
    pub(super) const fn onto(file: File) -> Self {
        Self {
            file,
            chain: Chain::new(),
            end: 0,
        }
    }
}
