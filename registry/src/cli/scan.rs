//! `keysmith scan`.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use filter_core::key::{SecretType, is_brand};
use serde_json::{Value, json};

use super::{
    console::Console,
    desk::Common,
    failure::Failure,
    leaks::{self, Leak},
    output::{Format, print_json},
};

mod find;
mod walk;

use find::{Found, Wanted};

/// What `keysmith scan --help` says about exit codes, which are those of `grep`.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  nothing was found
  1  something was found
  2  something could not be read, reported or understood";

/// Finds secrets in files.
#[derive(Debug, Args)]
pub struct Scan {
    #[command(flatten)]
    pub(super) common: Common,
    /// Files and folders; `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only secrets that begin with this brand [default: any]
    #[arg(long, value_name = "NAME", value_parser = brand)]
    brand: Option<String>,
    /// Look into files that are not text, too
    #[arg(long)]
    binary: bool,
    /// Skip files larger than this
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    max_size: u64,
    /// Report what was found to the registry, which does with the credentials what is configured
    #[arg(long)]
    report: bool,
}

/// What a search came to.
#[derive(Debug, Default)]
struct Tally {
    found: Vec<(String, Found)>,
    troubles: Vec<String>,
    notes: Vec<String>,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Found")
    }
}

impl Scan {
    /// Searches, prints, and answers the exit code.
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<u8, Failure> {
        let tally = self.search();
        let outcomes = if self.report {
            self.send(console, &tally.found)?
        } else {
            vec![None; tally.found.len()]
        };
        let found = tally.found.iter().zip(&outcomes);
        match self.common.format() {
            Format::Json => {
                let items =
                    found.map(|((path, found), outcome)| as_json(path, found, outcome.as_ref()));
                print_json(console, &Value::Array(items.collect()))?;
            }
            Format::Table => {
                for ((path, found), outcome) in found {
                    console.line(as_line(path, found, outcome.as_ref()))?;
                }
            }
        }
        for line in tally.notes.iter().chain(&tally.troubles) {
            console.note(format_args!("keysmith: {line}"));
        }
        Ok(match (tally.troubles.is_empty(), tally.found.is_empty()) {
            (false, _) => 2,
            (true, false) => 1,
            (true, true) => 0,
        })
    }

    /// Reports what may be a credential's. Answers what became of each find; nothing for those that were not reported.
    fn send(
        &self,
        console: &mut Console<'_>,
        found: &[(String, Found)],
    ) -> Result<Vec<Option<Value>>, Failure> {
        let is_reported = |found: &Found| {
            matches!(
                found.kind,
                SecretType::ApiKey | SecretType::BearerToken | SecretType::ClientSecret
            )
        };
        let leaks: Vec<Leak> = found
            .iter()
            .filter(|(_, found)| is_reported(found))
            .map(|(path, found)| Leak {
                value: found.value.clone(),
                url: format!("{path}:{}", found.line),
                source: "keysmith scan".to_owned(),
            })
            .collect();
        let mut client = self.common.open(console)?.client;
        let mut outcomes = leaks::report(&mut client, &leaks)?.into_iter();
        let each = found
            .iter()
            .map(|(_, found)| is_reported(found).then(|| outcomes.next()).flatten());
        Ok(each.collect())
    }

    fn search(&self) -> Tally {
        let mut files = Vec::new();
        let mut tally = Tally::default();
        for path in &self.paths {
            if path.as_os_str() == "-" {
                files.push(path.clone());
                continue;
            }
            walk::walk(
                path,
                &mut |file| files.push(file.to_owned()),
                &mut |path, error| {
                    tally.troubles.push(format!("{}: {error}", path.display()));
                },
            );
        }
        for file in &files {
            self.search_file(file, &mut tally);
        }
        tally
    }

    fn search_file(&self, path: &Path, tally: &mut Tally) {
        let name = path.display().to_string();
        let source = match self.open(path) {
            Ok(Some(source)) => source,
            Ok(None) => {
                let limit = self.max_size;
                tally.notes.push(format!(
                    "{name}: skipped, it is larger than {limit} MiB (--max-size)"
                ));
                return;
            }
            Err(error) => {
                tally.troubles.push(format!("{name}: {error}"));
                return;
            }
        };
        let wanted = Wanted {
            brand: self.brand.as_deref(),
            binary: self.binary,
        };
        let shown = if name == "-" {
            "(standard input)"
        } else {
            &name
        };
        let each = |found| tally.found.push((shown.to_owned(), found));
        if let Err(error) = find::search(source, wanted, each) {
            tally.troubles.push(format!("{shown}: {error}"));
        }
    }

    /// Opens a file; `None` when it is too large.
    fn open(&self, path: &Path) -> io::Result<Option<Box<dyn Read>>> {
        if path.as_os_str() == "-" {
            return Ok(Some(Box::new(io::stdin().lock())));
        }
        let file = File::open(path)?;
        let is_small = file.metadata()?.len() <= self.max_size.saturating_mul(1024 * 1024);
        Ok(is_small.then_some(Box::new(file) as _))
    }
}

fn brand(text: &str) -> Result<String, String> {
    if is_brand(text.as_bytes()) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 16 of a-z and 0-9".to_owned())
    }
}

fn as_line(path: &str, found: &Found, outcome: Option<&Value>) -> String {
    let (line, column, word) = (found.line, found.column, word(found.kind));
    let outcome = outcome.map_or_else(String::new, |outcome| {
        format!(" {}", leaks::describe(outcome))
    });
    format!("{path}:{line}:{column} {word} {}{outcome}", found.masked())
}

fn as_json(path: &str, found: &Found, outcome: Option<&Value>) -> Value {
    let mut item = json!({
        "path": path, "line": found.line, "column": found.column, "type": word(found.kind),
        "masked": found.masked(),
    });
    if let (Some(fields), Some(outcome)) = (item.as_object_mut(), outcome) {
        fields.insert("report".to_owned(), outcome.clone());
    }
    item
}

const fn word(kind: SecretType) -> &'static str {
    match kind {
        SecretType::ApiKey => "api_key",
        SecretType::BearerToken => "bearer_token",
        SecretType::ClientSecret => "client_secret",
        SecretType::Password => "password",
        SecretType::GatewayToken => "gateway_token",
        SecretType::AdminToken => "admin_token",
        SecretType::RegistrationToken => "registration_token",
    }
}
