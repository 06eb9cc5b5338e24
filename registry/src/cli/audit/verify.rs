//! `keysmith audit verify`, which runs beside the registry: with its configuration, its database and its master key.

use std::{
    fs::File,
    io::{BufReader, Write as _},
    path::PathBuf,
};

use clap::Args;
use serde_json::json;

use super::super::{
    console::Console,
    failure::Failure,
    output::{Format, print_json},
};
use crate::{
    audit::{
        Head,
        verify::{Report, verify, verify_export},
    },
    config::Config,
    inspect::Inspection,
};

/// What `keysmith audit verify --help` says about exit codes.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  the log is intact
  1  it is not: the first broken record is named
  2  it could not be verified";

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A head that was kept elsewhere, as the registry's log has it; may be given several times
    #[arg(long = "head", value_name = "HEAD")]
    heads: Vec<Head>,
    /// Verify this export of the log (GET /v1/audit/export) instead of the database's
    #[arg(long, value_name = "EXPORT")]
    file: Option<PathBuf>,
    /// The configuration file (TOML), as for `serve`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Records between two words on how far it is.
const RECORDS_PER_WORD: u64 = 10_000;

impl Verify {
    /// Verifies, prints, and answers the exit code.
    pub(super) fn run(self, format: Format, console: &mut Console<'_>) -> Result<u8, Failure> {
        let environment = std::mem::take(&mut console.environment);
        let config = Config::load(self.config.as_deref(), environment).map_err(other)?;
        let report = self.verify(&config, console)?;
        match format {
            Format::Json => print_json(console, &as_json(&report))?,
            Format::Table => print(console, &report)?,
        }
        Ok(u8::from(!report.findings.is_empty()))
    }

    fn verify(&self, config: &Config, console: &mut Console<'_>) -> Result<Report, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::io("the runtime"))?;
        runtime.block_on(async {
            let inspection = Inspection::open(config).await.map_err(other)?;
            let report = match &self.file {
                Some(path) => {
                    let name = path.display().to_string();
                    let file = File::open(path).map_err(Failure::io(name.clone()))?;
                    verify_export(BufReader::new(file), &inspection.keys, &self.heads)
                        .map_err(|error| Failure::Other(format!("{name}: {error}")))?
                }
                None => self.verify_database(&inspection, console).await?,
            };
            Ok(report)
        })
    }

    async fn verify_database(
        &self,
        inspection: &Inspection,
        console: &mut Console<'_>,
    ) -> Result<Report, Failure> {
        let now = console.clock.now();
        let draws = console.draws_progress;
        let mut said = 0;
        let err = &mut console.err;
        let progress = |records: u64| {
            if draws && records / RECORDS_PER_WORD > said {
                said = records / RECORDS_PER_WORD;
                let _ = write!(err, "\r{records} records");
            }
        };
        let store = &*inspection.store;
        let report = verify(store, &inspection.keys, &self.heads, now, progress).await;
        if said > 0 {
            let _ = write!(console.err, "\r");
        }
        report.map_err(other)
    }
}

fn other(error: impl std::error::Error) -> Failure {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    Failure::Other(text)
}

fn print(console: &mut Console<'_>, report: &Report) -> Result<(), Failure> {
    let Report { intact, first, .. } = report;
    let last = first.saturating_add(*intact).saturating_sub(1);
    match report.findings.first() {
        None if *intact == 0 => console.line("OK: the log has no records")?,
        None => console.line(format_args!(
            "OK: {intact} records are intact, {first} to {last}"
        ))?,
        Some(finding) => {
            console.line(format_args!("BROKEN: {finding}"))?;
            for further in report.findings.iter().skip(1) {
                console.line(format_args!("also: {further}"))?;
            }
            if *intact > 0 {
                console.line(format_args!(
                    "Each record from {first} to {last} follows the one before it."
                ))?;
            }
        }
    }
    for notice in &report.notices {
        console.line(format_args!("note: {notice}"))?;
    }
    match &report.head {
        Some(head) => console.line(format_args!("head: {head}")),
        None => Ok(()),
    }
}

fn as_json(report: &Report) -> serde_json::Value {
    let texts = |items: Vec<String>| json!(items);
    let record = report
        .findings
        .first()
        .and_then(|finding| finding.record.as_ref());
    json!({
        "intact": report.findings.is_empty(),
        "first": report.first,
        "records": report.intact,
        "first_broken": record.map(|record| record.sequence),
        "findings": texts(report.findings.iter().map(ToString::to_string).collect()),
        "notices": texts(report.notices.iter().map(ToString::to_string).collect()),
        "head": report.head.map(|head| head.to_string()),
    })
}
