//! Reading a backup: once to see whether it is whole, before anything of it is believed; once to see whether it can be taken;
//! and once to take it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
};

use serde_json::Value;

use super::{
    BackupError, cells,
    format::{Begin, Counts, End, FORMAT, Header, MAX_HEADER, MAX_LINE, Tagger},
};
use crate::{
    secrets::Keys,
    store::sql::{Cell, Table},
};

/// A backup that is being read.
pub(super) struct Reader {
    lines: BufReader<File>,
    name: String,
    tagger: Tagger,
    pub(super) header: Header,
    table: Option<usize>,
    counts: BTreeMap<String, u64>,
}

/// What comes next.
pub(super) enum Next {
    /// A row of the table with this place in the header.
    Row(usize, Vec<Cell>),
    /// Nothing: the backup was whole and unaltered.
    End,
}

impl Reader {
    /// Reads what it is. Nothing of it is proven until the end was read.
    pub(super) fn open(path: &Path, keys: &Keys) -> Result<Self, BackupError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| BackupError::file("open", &name, source))?;
        let mut lines = BufReader::new(file);
        let not = |what| BackupError::NotABackup {
            path: name.clone(),
            what,
        };
        let Some(line) = line(&mut lines, &name, MAX_HEADER)? else {
            return Err(not("its first line is missing"));
        };
        let said: Value = serde_json::from_slice(&line)
            .map_err(|_| not("its first line does not say that it is one"))?;
        match said.get("keysmith_backup").and_then(Value::as_u64) {
            None => return Err(not("its first line does not say that it is one")),
            Some(format) if format != u64::from(FORMAT) => {
                return Err(not(
                    "it is of another format, of another version of keysmith",
                ));
            }
            Some(_) => {}
        }
        let header: Header = serde_json::from_value(said)
            .map_err(|_| not("its first line does not say all that it should"))?;
        let mut tagger = header.tagger(keys)?;
        tagger.update(&line);
        Ok(Self {
            lines,
            name,
            tagger,
            header,
            table: None,
            counts: BTreeMap::new(),
        })
    }

    pub(super) fn table(&self, place: usize) -> Result<&Table, BackupError> {
        let table = self.header.tables.get(place);
        table.ok_or_else(|| self.altered("a row belongs to no table"))
    }

    /// Reads to the end, whatever the lines say: the backup is whole and unaltered, or this is an error.
    pub(super) fn prove(mut self) -> Result<(), BackupError> {
        loop {
            let Some(line) = line(&mut self.lines, &self.name, MAX_LINE)? else {
                return Err(self.altered("its last line is missing"));
            };
            if is_last(&line) {
                return self.check_end(&line);
            }
            self.tagger.update(&line);
        }
    }

    /// Reads on.
    pub(super) fn next(&mut self) -> Result<Next, BackupError> {
        loop {
            let Some(line) = line(&mut self.lines, &self.name, MAX_LINE)? else {
                return Err(self.altered("its last line is missing"));
            };
            if is_last(&line) {
                self.check_end(&line)?;
                return Ok(Next::End);
            }
            self.tagger.update(&line);
            if line.starts_with(b"[") {
                let place = self.table.unwrap_or(usize::MAX);
                let row = serde_json::from_slice(&line).ok();
                let row = row.and_then(|row| cells::read(row, self.table(place).ok()?));
                let row = row.ok_or_else(|| self.altered("a row is not one of its table"))?;
                let name = self.table(place)?.name.clone();
                let count = self.counts.entry(name).or_default();
                *count = count.saturating_add(1);
                return Ok(Next::Row(place, row));
            }
            if let Ok(begin) = serde_json::from_slice::<Begin>(&line) {
                self.begin(&begin.table)?;
                continue;
            }
            let counts: Option<Counts> = serde_json::from_slice(&line).ok();
            if counts.is_none_or(|counts| counts.rows != self.counts) {
                return Err(self.altered("it does not hold what it says"));
            }
        }
    }

    fn begin(&mut self, table: &str) -> Result<(), BackupError> {
        let place = self.header.tables.iter().position(|one| one.name == table);
        if place.is_none() || self.counts.contains_key(table) {
            return Err(self.altered("a table is not one of those that it names"));
        }
        self.table = place;
        self.counts.insert(table.to_owned(), 0);
        Ok(())
    }

    fn check_end(&mut self, last: &[u8]) -> Result<(), BackupError> {
        let end: Option<End> = serde_json::from_slice(last).ok();
        let expected = self.tagger.clone().end();
        // Who can try tags has the file, and no other way to learn whether one is right than to restore it.
        if end.is_none_or(|end| end.tag != expected.tag) {
            return Err(self.altered("its tag does not fit"));
        }
        if line(&mut self.lines, &self.name, MAX_LINE)?.is_some() {
            return Err(self.altered("something follows its end"));
        }
        Ok(())
    }

    fn altered(&self, what: &'static str) -> BackupError {
        BackupError::Altered {
            path: self.name.clone(),
            what,
        }
    }
}

fn is_last(line: &[u8]) -> bool {
    line.starts_with(b"{\"tag\"")
}

/// The next line with its end; `None` at the end of the file.
fn line(
    lines: &mut BufReader<File>,
    name: &str,
    most: u64,
) -> Result<Option<Vec<u8>>, BackupError> {
    let mut bytes = Vec::new();
    let read = lines.take(most).read_until(b'\n', &mut bytes);
    read.map_err(|source| BackupError::file("read", name, source))?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.last() != Some(&b'\n') {
        return Err(BackupError::Altered {
            path: name.to_owned(),
            what: "a line has no end",
        });
    }
    Ok(Some(bytes))
}
