//! Verifying an export of the log, wherever it lies.

use std::io::BufRead;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Finding, Report, Walk, Why};
use crate::{
    audit::{
        Head, KeptRecord, Record,
        chain::{Link, Mac, text},
    },
    secrets::Keys,
};

/// Bytes at most in a line.
const MAX_LINE: u64 = 1024 * 1024;

/// A record as it is written out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordLine {
    /// Its number.
    pub sequence: u64,
    /// The organization's id.
    pub organization: String,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// The token's id.
    pub token: Option<String>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// What was done.
    pub action: String,
    /// The application's id.
    pub application: Option<String>,
    /// The credential's id.
    pub credential: Option<String>,
    /// The name of what it was done to.
    pub subject: String,
    /// More about it.
    pub detail: Map<String, Value>,
    /// Under which version of the key it is MACed.
    pub key_version: u32,
    /// Its MAC, in base64url.
    pub mac: String,
}

/// A head as it is written out, with the place that it is of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadLine {
    /// The head.
    pub head: String,
    /// Under which version of the key the record before is MACed.
    pub key_version: u32,
    /// The MAC of the record before, in base64url.
    pub mac: String,
}

/// A line of an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// A head.
    Head(HeadLine),
    /// A record.
    Record(Box<RecordLine>),
}

/// Why an export cannot be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableExport {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A line is no record and no head.
    #[error("line {0} is neither a record nor a head")]
    Line(u64),
    /// It does not begin with a head.
    #[error(
        "its first line is not a head of this installation: it was not exported here, or it was cut"
    )]
    Beginning,
}

impl HeadLine {
    /// As it is written.
    #[must_use]
    pub fn new(head: &Head, link: &Link) -> Self {
        Self {
            head: head.to_string(),
            key_version: link.key_version,
            mac: URL_SAFE_NO_PAD.encode(link.mac),
        }
    }

    fn read(&self) -> Option<(Head, Link)> {
        let head: Head = self.head.parse().ok()?;
        let link = Link {
            sequence: head.sequence,
            key_version: self.key_version,
            mac: mac(&self.mac)?,
        };
        Some((head, link))
    }
}

impl RecordLine {
    /// As it is written; `None` for a record that was altered so that it cannot be.
    #[must_use]
    pub fn new(record: &Record) -> Option<Self> {
        let record = record.clone();
        Some(Self {
            sequence: record.sequence,
            organization: record.organization,
            at: record.at,
            token: record.token,
            address: record.address,
            action: record.action,
            application: record.application,
            credential: record.credential,
            subject: record.subject,
            detail: serde_json::from_str(&record.detail).ok()?,
            key_version: record.key_version?,
            mac: URL_SAFE_NO_PAD.encode(record.mac?),
        })
    }

    fn read(self) -> KeptRecord {
        let Some(mac) = mac(&self.mac) else {
            return KeptRecord::Unreadable(self.sequence);
        };
        KeptRecord::Read(Record {
            sequence: self.sequence,
            organization: self.organization,
            at: self.at,
            token: self.token,
            address: self.address,
            action: self.action,
            application: self.application,
            credential: self.credential,
            subject: self.subject,
            detail: text(&self.detail),
            key_version: Some(self.key_version),
            mac: Some(mac),
        })
    }
}

fn mac(text: &str) -> Option<Mac> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Reads an export from its first line to its last. It proves what the log was up to its last head.
pub fn verify_export(
    export: impl BufRead,
    keys: &Keys,
    heads: &[Head],
) -> Result<Report, UnreadableExport> {
    let mut lines = Lines {
        input: export,
        number: 0,
    };
    let Some(Line::Head(beginning)) = lines.next()? else {
        return Err(UnreadableExport::Beginning);
    };
    let (head, base) = beginning.read().ok_or(UnreadableExport::Beginning)?;
    if !head.is_of(keys, &base) {
        return Err(UnreadableExport::Beginning);
    }
    let mut walk = Walk::new(keys, base, heads);
    let mut newest = head;
    while let Some(line) = lines.next()? {
        let is_broken = match line {
            Line::Record(record) => walk.take(&[record.read()]),
            Line::Head(line) => {
                newest = line
                    .head
                    .parse()
                    .map_err(|_| UnreadableExport::Line(lines.number))?;
                walk.expect(newest)
            }
        };
        if is_broken {
            break;
        }
    }
    if newest.sequence != walk.last().sequence {
        walk.find(Finding::of_log(Why::ExportCut));
    }
    walk.check_heads();
    let first = walk.base().sequence.saturating_add(1);
    let (intact, findings, notices) = walk.finish();
    let head = findings.is_empty().then_some(newest);
    Ok(Report {
        intact,
        first,
        findings,
        notices,
        head,
    })
}

struct Lines<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<Line>, UnreadableExport> {
        let mut text = Vec::new();
        let mut bounded = std::io::Read::take(&mut self.input, MAX_LINE);
        if bounded.read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        let line =
            serde_json::from_slice(&text).map_err(|_| UnreadableExport::Line(self.number))?;
        Ok(Some(line))
    }
}
