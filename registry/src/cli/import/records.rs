//! The records of a file that is imported, one at a time.

use std::io::{self, BufRead, BufReader, Read};

use serde_json::{Map, Value};

use crate::csv::Quotes;

/// Bytes of one record at most: more than any credential takes.
const LONGEST: usize = 64 * 1024;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// One JSON object a line
    Ndjson,
    /// A heading with the names of the fields, then one record a line
    Csv,
    /// User names with hashed passwords, as Apache's htpasswd writes them
    Htpasswd,
}

impl Format {
    /// What a file of this name holds, as far as its name says.
    pub(super) fn of(path: &str) -> Option<Self> {
        let (name, extension) = path.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            "htpasswd" => Some(Self::Htpasswd),
            _ if name.ends_with(".htpasswd") => Some(Self::Htpasswd),
            _ => None,
        }
    }

    /// How it travels. What `htpasswd` wrote is translated.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson | Self::Htpasswd => "application/x-ndjson",
            Self::Csv => "text/csv",
        }
    }
}

/// What a file lacks that its records need.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// The application of a htpasswd file's users.
    pub(super) application: String,
    /// Whether it is made when it does not exist.
    pub(super) create: bool,
}

/// One record, and where it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Its first line in the file, counting from 1.
    pub(super) line: u64,
    /// Its bytes as they are sent, without the end of the line; or why it cannot be.
    pub(super) text: Result<Vec<u8>, &'static str>,
}

/// Reads records.
pub(super) struct Records<'a> {
    source: BufReader<Box<dyn Read + 'a>>,
    format: Format,
    owner: Option<Owner>,
    line: u64,
    /// Bytes taken from the source.
    pub(super) taken: u64,
}

impl<'a> Records<'a> {
    pub(super) fn new(source: Box<dyn Read + 'a>, format: Format, owner: Option<Owner>) -> Self {
        Self {
            source: BufReader::new(source),
            format,
            owner,
            line: 0,
            taken: 0,
        }
    }

    /// The first record of a CSV file, which names the fields.
    pub(super) fn heading(&mut self) -> io::Result<Vec<u8>> {
        match self.format {
            Format::Csv => Ok((self.next()?)
                .and_then(|record| record.text.ok())
                .unwrap_or_default()),
            _ => Ok(Vec::new()),
        }
    }

    /// The next record; nothing at the end. Empty lines are no records.
    ///
    /// # Errors
    ///
    /// When the source cannot be read; and for an endless record of a CSV file: where a quoted field ends is not known
    /// without reading it, and what stands in one must not be taken for records.
    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        loop {
            let line = self.line + 1;
            let mut text = Vec::new();
            let mut is_short = self.read_line(&mut text)?;
            if text.is_empty() {
                return Ok(None);
            }
            while self.format == Format::Csv && is_short && is_open(&text) {
                let before = text.len();
                is_short = self.read_line(&mut text)?;
                if text.len() == before {
                    break;
                }
            }
            if self.format == Format::Csv && !is_short {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "the record in line {line} is longer than 64 KiB: is a quotation mark missing?"
                    ),
                ));
            }
            while text.last().is_some_and(|byte| b"\r\n".contains(byte)) {
                text.pop();
            }
            if let Some(text) = self.translate(text, is_short) {
                return Ok(Some(Record { line, text }));
            }
        }
    }

    /// Adds a line with its end to `text`; whether it is short enough. What is beyond the bound is read and dropped.
    fn read_line(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        let mut read = false;
        loop {
            let there = self.source.fill_buf()?;
            let end = there.iter().position(|byte| *byte == b'\n');
            let count = end.map_or(there.len(), |end| end + 1);
            let room = (LONGEST + 1).saturating_sub(text.len());
            text.extend(there.iter().take(count.min(room)));
            self.source.consume(count);
            self.taken += count as u64;
            read |= count > 0;
            if end.is_some() || count == 0 {
                self.line += u64::from(read);
                return Ok(text.len() <= LONGEST);
            }
        }
    }

    fn translate(&self, text: Vec<u8>, is_short: bool) -> Option<Result<Vec<u8>, &'static str>> {
        if text.trim_ascii().is_empty() {
            return None;
        }
        if !is_short {
            return Some(Err("the record is longer than 64 KiB"));
        }
        match &self.owner {
            Some(_) if text.starts_with(b"#") => None,
            Some(owner) => Some(user(&text, owner).ok_or("not a user name, a colon and a hash")),
            None => Some(Ok(text)),
        }
    }
}

/// Whether a quoted field goes on in the next line.
fn is_open(text: &[u8]) -> bool {
    // Spreadsheets begin a file with a mark, and the first field comes after it.
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut quotes = Quotes::default();
    for byte in text {
        quotes.read(*byte);
    }
    quotes.is_open()
}

/// A line of a htpasswd file as the API takes it.
fn user(text: &[u8], owner: &Owner) -> Option<Vec<u8>> {
    let (name, hash) = std::str::from_utf8(text).ok()?.split_once(':')?;
    if name.is_empty() || hash.is_empty() {
        return None;
    }
    let mut fields = Map::new();
    for (field, value) in [
        ("application", owner.application.as_str()),
        ("name", name),
        ("type", "basic"),
        ("username", name),
        ("password_hash", hash),
    ] {
        fields.insert(field.to_owned(), value.into());
    }
    if owner.create {
        fields.insert("create_application".to_owned(), true.into());
    }
    Some(Value::Object(fields).to_string().into_bytes())
}

#[cfg(test)]
mod tests;
