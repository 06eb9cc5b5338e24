//! `keysmith import`.

use std::{fs, path::PathBuf, time::Duration};

use axum::body::Bytes;
use clap::Args;
use serde_json::json;

use super::{
    client::Ask,
    console::{Console, open},
    desk::{Common, Desk},
    failure::Failure,
};

mod patience;
mod progress;
mod records;
mod resume;
mod tally;

use patience::{Delayed, until_taken};
use progress::Progress;
use records::{Format, Owner, Record, Records};
use resume::Resume;
use tally::{Sent, Tally};

/// Records in one request at most.
const RECORDS: usize = 500;
/// Bytes in one request, unless a single record is longer.
const BYTES: usize = 512 * 1024;

/// Before records are sent again that the registry could not take.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// Brings credentials that exist elsewhere.
#[derive(Debug, Args)]
pub struct Import {
    #[command(flatten)]
    pub(super) common: Common,
    /// The file; `-` for standard input
    #[arg(value_name = "FILE")]
    path: String,
    /// How the file is written [default: what its name ends with]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// The application of a htpasswd file's users, by name
    #[arg(long, value_name = "APPLICATION")]
    application: Option<String>,
    /// Create that application if it does not exist
    #[arg(long, requires = "application")]
    create_application: bool,
    /// Keep how far the import came in this file, and go on there if an earlier run was interrupted
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
}

impl Import {
    /// Imports, prints, and answers the exit code.
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<u8, Failure> {
        let format = self.format.or_else(|| Format::of(&self.path));
        let format = format.ok_or_else(|| {
            Failure::Usage(format!(
                "{}: say how it is written with --format",
                self.path
            ))
        })?;
        let owner = self.owner(format)?;
        let total = fs::metadata(&self.path).ok().filter(|_| self.path != "-");
        let mut desk = self.common.open(console)?;
        let mut run = Run {
            records: Records::new(open(&self.path)?, format, owner),
            path: self.path,
            resume: Resume::open(self.resume)?,
            progress: Progress {
                total: total.map(|found| found.len()),
            },
            format,
            tally: Tally::default(),
        };
        let result = run.through(&mut desk);
        Progress::clear(desk.console);
        run.tally.report(&mut desk)?;
        result.map(|()| u8::from(!run.tally.failures.is_empty()))
    }

    fn owner(&self, format: Format) -> Result<Option<Owner>, Failure> {
        match (format, &self.application) {
            (Format::Htpasswd, Some(application)) => Ok(Some(Owner {
                application: application.clone(),
                create: self.create_application,
            })),
            (Format::Htpasswd, None) => Err(Failure::Usage(
                "whose users are these? Name their application with --application".to_owned(),
            )),
            (_, Some(_)) => Err(Failure::Usage(
                "--application is for htpasswd files: the records of others name theirs".to_owned(),
            )),
            (_, None) => Ok(None),
        }
    }
}

/// One import, on its way.
struct Run {
    path: String,
    records: Records<'static>,
    resume: Resume,
    progress: Progress,
    format: Format,
    tally: Tally,
}

impl Run {
    /// Goes through the whole file.
    fn through(&mut self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let heading = self
            .records
            .heading()
            .map_err(Failure::io(self.path.clone()))?;
        let mut chunk: Vec<Sent> = Vec::new();
        let mut bytes = 0;
        while let Some(Record { line, text }) = self.next()? {
            match text {
                Ok(text) => {
                    bytes += text.len();
                    chunk.push((line, text));
                }
                Err(why) => self.tally.failures.push((line, json!({"title": why}))),
            }
            if chunk.len() == RECORDS || bytes >= BYTES {
                self.send(desk, &heading, std::mem::take(&mut chunk))?;
                bytes = 0;
                self.resume.mark()?;
                self.progress
                    .draw(desk.console, self.records.taken, self.tally.done());
            }
        }
        self.send(desk, &heading, chunk)?;
        self.resume.finish()?;
        self.resume.mark()
    }

    /// The next record that no earlier run dealt with.
    fn next(&mut self) -> Result<Option<Record>, Failure> {
        loop {
            let next = self
                .records
                .next()
                .map_err(Failure::io(self.path.clone()))?;
            let Some(record) = next else {
                return Ok(None);
            };
            if self.resume.pass(&record)? {
                return Ok(Some(record));
            }
            self.tally.skipped += 1;
        }
    }

    /// Sends some records until each is dealt with.
    fn send(
        &mut self,
        desk: &mut Desk<'_, '_>,
        heading: &[u8],
        chunk: Vec<Sent>,
    ) -> Result<(), Failure> {
        until_taken(chunk, |attempt, waiting| {
            if attempt > 1 {
                desk.client.pause(BUSY_PAUSE);
            }
            self.send_once(desk, heading, waiting)
        })
    }

    /// Sends some records, fewer at a time where the registry takes less in one request. Answers those that it could not
    /// take.
    fn send_once(
        &mut self,
        desk: &mut Desk<'_, '_>,
        heading: &[u8],
        chunk: &[Sent],
    ) -> Result<Vec<Delayed>, Failure> {
        let mut body = Vec::new();
        let lines = chunk.iter().map(|(_, text)| text.as_slice());
        for line in std::iter::once(heading)
            .filter(|line| !line.is_empty())
            .chain(lines)
        {
            body.extend(line);
            body.push(b'\n');
        }
        // Importing twice is as good as once.
        let ask = Ask::post("/v1/import")
            .body(self.format.media_type(), Bytes::from(body))
            .repeatable();
        match desk.client.send(&ask) {
            Ok(reply) => self.tally.count(chunk, &reply.body),
            Err(failure) if failure.is_too_large() && chunk.len() > 1 => {
                let (first, second) = chunk.split_at(chunk.len() / 2);
                let mut delayed = self.send_once(desk, heading, first)?;
                delayed.extend(self.send_once(desk, heading, second)?);
                Ok(delayed)
            }
            Err(failure) => Err(failure),
        }
    }
}
