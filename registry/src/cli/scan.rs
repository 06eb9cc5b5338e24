//! `keysmith scan`.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use filter_core::key::is_brand;

use super::{console::Console, desk::Common, failure::Failure, leaks};

mod find;
mod report;
mod shown;
mod walk;

use find::{Found, Reading, Wanted};

/// What `keysmith scan --help` says about exit codes, which are those of `grep`.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  nothing was found in what was read; files that are not text are skipped, and counted on standard error
  1  something was found
  2  something could not be read, reported or understood, or a file was too large and nothing was found";

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
    /// Files that were larger than is wanted.
    too_large: Vec<String>,
    /// Files that are not text.
    binary: usize,
    /// Files of text in UTF-16, in which secrets do not look like themselves.
    utf16: usize,
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
        let mut outcomes = Vec::new();
        let reported = if self.report {
            self.send(console, &tally.found, &mut outcomes)
        } else {
            Ok(())
        };
        // What was found is said whatever became of the reports.
        shown::print(console, self.common.format(), &tally.found, &outcomes)?;
        tally.notes(self.max_size, console);
        reported?;
        Ok(tally.code())
    }

    /// Reports what may be a credential's, and puts what became of it into `outcomes`, as far as the registry said.
    fn send(
        &self,
        console: &mut Console<'_>,
        found: &[(String, Found)],
        outcomes: &mut Vec<report::Outcome>,
    ) -> Result<(), Failure> {
        let mut answers = Vec::new();
        let result = self.common.open(console).and_then(|mut desk| {
            leaks::report(&mut desk.client, &report::leaks(found), &mut answers)
        });
        *outcomes = report::outcomes(found, answers);
        result
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
                tally.too_large.push(name);
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
        match find::search(source, wanted, each) {
            Ok(Reading::Text) => {}
            Ok(Reading::NotText) => tally.binary += 1,
            Ok(Reading::Utf16) => tally.utf16 += 1,
            Err(error) => tally.troubles.push(format!("{shown}: {error}")),
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

impl Tally {
    /// Says what was not read, and why.
    fn notes(&self, max_size: u64, console: &mut Console<'_>) {
        for name in &self.too_large {
            console.note(format_args!(
                "keysmith: {name}: skipped, it is larger than {max_size} MiB (--max-size)"
            ));
        }
        for line in &self.troubles {
            console.note(format_args!("keysmith: {line}"));
        }
        if self.binary > 0 {
            let count = self.binary;
            console.note(format_args!(
                "keysmith: not searched because they are not text (--binary): {count}"
            ));
        }
        if self.utf16 > 0 {
            let count = self.utf16;
            console.note(format_args!(
                "keysmith: not searched because they are UTF-16 (make UTF-8 of them): {count}"
            ));
        }
    }

    /// The exit code: nothing is said to be found only where everything that was asked for was read.
    fn code(&self) -> u8 {
        let is_unsure =
            !self.troubles.is_empty() || (self.found.is_empty() && !self.too_large.is_empty());
        if is_unsure {
            2
        } else {
            u8::from(!self.found.is_empty())
        }
    }
}

fn brand(text: &str) -> Result<String, String> {
    if is_brand(text.as_bytes()) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 16 of a-z and 0-9".to_owned())
    }
}
