//! What surrounds a command: where it writes, what it may ask, and what it knows of the world.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    io::{self, BufRead as _, IsTerminal as _, Read, Write},
};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::failure::Failure;
use crate::{clock::Clock, entropy::Entropy, secrets::SecretText};

/// Where a command writes, what it may ask, and what it knows of the world.
pub struct Console<'a> {
    /// For what was asked for.
    pub out: &'a mut dyn Write,
    /// For everything said beside it.
    pub err: &'a mut dyn Write,
    /// The environment's variables.
    pub environment: BTreeMap<OsString, OsString>,
    /// Whether somebody sits at standard input and standard error.
    pub interactive: bool,
    /// Whether standard error is a terminal, on which progress is drawn.
    pub draws_progress: bool,
    /// The present.
    pub clock: &'a dyn Clock,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
}

impl fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Console")
    }
}

impl Console<'_> {
    /// A variable of the environment, when it is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Result<Option<String>, Failure> {
        let Some(value) = self.environment.get(OsStr::new(name)) else {
            return Ok(None);
        };
        let text = value
            .to_str()
            .ok_or_else(|| Failure::Usage(format!("{name} is not UTF-8")))?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// One line on standard output.
    pub(super) fn line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(Failure::io("standard output"))
    }

    /// One line on standard error. A reader that has left is no reason to fail.
    pub(super) fn note(&mut self, text: impl fmt::Display) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Lets a person confirm by typing `name`; without one, `--yes` must have been given.
    pub(super) fn confirm(&mut self, yes: bool, what: &str, name: &str) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        if !self.interactive {
            return Err(Failure::Usage(format!("{what}: confirm it with --yes")));
        }
        let _ = write!(self.err, "{what}. Type {name} to confirm: ");
        let _ = self.err.flush();
        let mut line = String::new();
        io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(Failure::io("standard input"))?;
        if line.trim() == name {
            return Ok(());
        }
        Err(Failure::Other("nothing was changed".to_owned()))
    }

    /// Asks for a secret, which the terminal does not show.
    pub(super) fn prompt_secret(&mut self, what: &str) -> Result<SecretText, Failure> {
        let _ = write!(self.err, "{what}: ");
        let _ = self.err.flush();
        let text = read_without_echo().map_err(Failure::io("the terminal"));
        let _ = writeln!(self.err);
        text
    }
}

/// Whether somebody sits at standard input and standard error.
#[must_use]
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// What Ctrl-C sends.
const INTERRUPT: u8 = 3;

/// Reads a line that the terminal does not show. Ctrl-C ends the line instead of the process, so that the terminal is never
/// left without its echo.
fn read_without_echo() -> io::Result<SecretText> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent
        .local_modes
        .remove(LocalModes::ECHO | LocalModes::ISIG);
    silent.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let line = read_line(&mut stdin.lock());
    tcsetattr(&stdin, OptionalActions::Now, &before)?;
    line
}

/// Reads to the end of a line, of the input, or to Ctrl-C, which is a failure.
fn read_line(source: &mut impl io::BufRead) -> io::Result<SecretText> {
    let mut line = Zeroizing::new(Vec::new());
    loop {
        let there = source.fill_buf()?;
        let count = there.len();
        line.extend_from_slice(there);
        source.consume(count);
        if line.contains(&INTERRUPT) {
            return Err(io::Error::other("interrupted"));
        }
        if count == 0 || line.last() == Some(&b'\n') {
            break;
        }
    }
    let text = str::from_utf8(&line)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "what was typed is not UTF-8"))?;
    Ok(SecretText::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

/// Opens a file, or standard input for `-`.
pub(super) fn open(path: &str) -> Result<Box<dyn Read>, Failure> {
    if path == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = std::fs::File::open(path).map_err(Failure::io(path))?;
    Ok(Box::new(file))
}
