//! `keysmith import`.

use std::{fs, path::PathBuf, time::Duration};

use axum::body::Bytes;
use clap::Args;
use serde_json::{Value, json};

use super::{
    client::Ask,
    console::{Console, open},
    desk::{Common, Desk},
    failure::Failure,
    output::{self, print_json, text},
};

mod progress;
mod records;
mod resume;

use progress::Progress;
use records::{Format, Owner, Record, Records};
use resume::Resume;

/// Records in one request at most.
const RECORDS: usize = 500;
/// Bytes in one request, unless a single record is longer.
const BYTES: usize = 512 * 1024;

/// How often records are sent at most while the registry is too busy for them.
const ATTEMPTS: u32 = 10;
/// Between two of those.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// A record on its way: its line in the file, and its bytes.
type Sent = (u64, Vec<u8>);

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

/// What became of the records.
#[derive(Debug, Default)]
struct Tally {
    created: u64,
    unchanged: u64,
    skipped: u64,
    failures: Vec<(u64, Value)>,
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
        run.report(&mut desk)?;
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

    /// Sends some records, and those for which the registry was too busy again.
    fn send(
        &mut self,
        desk: &mut Desk<'_, '_>,
        heading: &[u8],
        chunk: Vec<Sent>,
    ) -> Result<(), Failure> {
        let mut busy = chunk;
        for attempt in 1..=ATTEMPTS {
            if busy.is_empty() {
                return Ok(());
            }
            if attempt > 1 {
                desk.client.pause(BUSY_PAUSE);
            }
            busy = self.send_once(desk, heading, &busy)?;
        }
        let why = json!({"title": "the registry is too busy with hashing passwords: import this again later"});
        self.tally
            .failures
            .extend(busy.into_iter().map(|(line, _)| (line, why.clone())));
        Ok(())
    }

    /// Sends some records, fewer at a time where the registry takes less in one request. Answers those for which it was
    /// too busy.
    fn send_once(
        &mut self,
        desk: &mut Desk<'_, '_>,
        heading: &[u8],
        chunk: &[Sent],
    ) -> Result<Vec<Sent>, Failure> {
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
                let mut busy = self.send_once(desk, heading, first)?;
                busy.extend(self.send_once(desk, heading, second)?);
                Ok(busy)
            }
            Err(failure) => Err(failure),
        }
    }

    /// What became of the records, also of an import that stopped on its way.
    fn report(&self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let Tally {
            created,
            unchanged,
            skipped,
            failures,
        } = &self.tally;
        let failed = failures.len();
        if desk.format == output::Format::Json {
            let failures: Vec<Value> = (failures.iter())
                .map(|(line, problem)| json!({"line": line, "problem": problem}))
                .collect();
            let summary = json!({
                "created": created, "unchanged": unchanged, "skipped": skipped, "failed": failed, "failures": failures,
            });
            return print_json(desk.console, &summary);
        }
        for (line, problem) in failures {
            desk.console
                .line(format_args!("line {line}: {}", explain(problem)))?;
        }
        let skipped = match skipped {
            0 => String::new(),
            skipped => format!(", {skipped} skipped"),
        };
        desk.console.line(format_args!(
            "{created} created, {unchanged} unchanged, {failed} failed{skipped}"
        ))
    }
}

impl Tally {
    fn done(&self) -> u64 {
        self.created + self.unchanged + self.skipped + self.failures.len() as u64
    }

    /// Reads the results, one a line in the order of the records. Answers the records for which there was no room.
    fn count(&mut self, chunk: &[Sent], answer: &[u8]) -> Result<Vec<Sent>, Failure> {
        let strange = || Failure::Other("the registry's answer cannot be understood".to_owned());
        let lines = answer.split(|byte| *byte == b'\n');
        let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
        if lines.len() != chunk.len() {
            return Err(strange());
        }
        let mut busy = Vec::new();
        for (result, sent) in lines.into_iter().zip(chunk) {
            let result: Value = serde_json::from_slice(result).map_err(|_| strange())?;
            match text(&result, "status").as_str() {
                "created" => self.created += 1,
                "unchanged" => self.unchanged += 1,
                "failed" => {
                    let problem = result.get("problem").cloned().unwrap_or_default();
                    if problem.get("status").and_then(Value::as_u64) == Some(503) {
                        busy.push(sent.clone());
                    } else {
                        self.failures.push((sent.0, problem));
                    }
                }
                _ => return Err(strange()),
            }
        }
        Ok(busy)
    }
}

/// The field and the reason, or the title alone.
fn explain(problem: &Value) -> String {
    let parts = [text(problem, "field"), text(problem, "detail")];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        text(problem, "title")
    } else {
        parts.join(": ")
    }
}
