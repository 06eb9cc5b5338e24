//! Secrets: in from files and prompts, never from arguments; out to where the caller says, and nowhere else.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    console::{Console, open},
    failure::Failure,
    output::{Format, print_json},
};
use crate::secrets::SecretText;

const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Where a new secret goes.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
#[command(next_help_heading = "Where the secret goes (one of)")]
pub(super) struct Destination {
    /// Print the secret on standard output; in a table alone on the last line
    #[arg(long)]
    show_secret: bool,
    /// Write the secret into a new file that only you can read
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// The same where it depends on the other arguments whether there is a secret.
#[derive(Clone, Debug, Default, Args)]
#[group(id = "destination", required = false, multiple = false)]
#[command(next_help_heading = "Where a secret that the registry makes goes (one of)")]
pub(super) struct OptionalDestination {
    /// Print the secret on standard output; in a table alone on the last line
    #[arg(long)]
    show_secret: bool,
    /// Write the secret into a new file that only you can read
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl OptionalDestination {
    /// Insists on a destination exactly when a secret will be `made`.
    pub(super) fn check(self, made: bool) -> Result<Destination, Failure> {
        let given = self.show_secret || self.secret_file.is_some();
        if made && !given {
            return Err(Failure::Usage(
                "the registry will make a secret, which is shown this once: say where it goes with --show-secret or \
                 --secret-file FILE"
                    .to_owned(),
            ));
        }
        if given && !made {
            return Err(Failure::Usage(
                "no secret is made here: leave --show-secret and --secret-file away".to_owned(),
            ));
        }
        Ok(Destination {
            show_secret: self.show_secret,
            secret_file: self.secret_file,
        })
    }
}

/// Where a secret will be written, made before it is asked for.
pub(super) struct Outlet {
    shown: bool,
    file: Option<(PathBuf, File)>,
}

impl Destination {
    /// Creates the file, if it is to be one: a secret that cannot be kept is better not made.
    pub(super) fn open(self) -> Result<Outlet, Failure> {
        let file = self.secret_file.map(create).transpose()?;
        Ok(Outlet {
            shown: self.show_secret,
            file,
        })
    }
}

fn create(path: PathBuf) -> Result<(PathBuf, File), Failure> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(Failure::io(format!("cannot create {}", path.display())))?;
    Ok((path, file))
}

impl Outlet {
    /// Runs the request that makes the secret; without an answer the file goes away again.
    pub(super) fn around<T>(
        &self,
        request: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let result = request();
        if let (Err(_), Some((path, _))) = (&result, &self.file) {
            let _ = fs::remove_file(path);
        }
        result
    }

    /// Writes the answer, and the secrets that [`take`] finds in it, to where they go.
    pub(super) fn deliver(
        mut self,
        console: &mut Console<'_>,
        format: Format,
        mut answer: Value,
        print: impl FnOnce(&mut Console<'_>, &Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let whole = answer.clone();
        let secrets = take(&mut answer);
        if let Some((path, file)) = &mut self.file {
            write_all(file, &secrets).map_err(Failure::io(path.display().to_string()))?;
        }
        if format == Format::Json {
            return print_json(console, if self.shown { &whole } else { &answer });
        }
        print(console, &answer)?;
        if let Some((path, _)) = &self.file {
            console.note(format_args!("the secret is in {}", path.display()));
        }
        if self.shown {
            for secret in &secrets {
                console.line(secret.expose())?;
            }
        }
        Ok(())
    }
}

fn write_all(file: &mut File, secrets: &[SecretText]) -> std::io::Result<()> {
    for secret in secrets {
        file.write_all(secret.expose().as_bytes())?;
        file.write_all(b"\n")?;
    }
    file.sync_all()
}

/// Takes out of an answer what only its destination may see: a token, a new secret with both of its parts, also that of a
/// credential made with its application, and revealed secrets; in the order in which they are presented.
pub(super) fn take(answer: &mut Value) -> Vec<SecretText> {
    let mut found = Vec::new();
    let mut keep = |text: Option<Value>| {
        if let Some(Value::String(text)) = text {
            found.push(SecretText::new(text));
        }
    };
    let Some(fields) = answer.as_object_mut() else {
        return found;
    };
    keep(fields.remove("token"));
    if let Some(Value::Object(mut parts)) = fields.remove("secret") {
        keep(parts.remove("value"));
        keep(parts.remove("shared_secret"));
    }
    if let Some(Value::Array(revealed)) = fields.get_mut("secrets") {
        for secret in revealed.iter_mut().filter_map(Value::as_object_mut) {
            keep(secret.remove("value"));
        }
    }
    if let Some(made) = fields.get_mut("default_credential") {
        found.extend(take(made));
    }
    found
}

/// Reads a secret from a file, from standard input for `-`, or, without a path, from whoever sits at the terminal.
pub(super) fn read(
    console: &mut Console<'_>,
    path: Option<&Path>,
    what: &str,
    option: &str,
) -> Result<SecretText, Failure> {
    let Some(path) = path else {
        if !console.interactive {
            return Err(Failure::Usage(format!(
                "there is no terminal to ask for the {what} on: name a file, as in {option} FILE, or {option} - for \
                 standard input"
            )));
        }
        return console.prompt_secret(what);
    };
    let path = path.to_string_lossy();
    let mut text = Zeroizing::new(String::new());
    open(&path)?
        .take(MAX_SECRET_BYTES)
        .read_to_string(&mut text)
        .map_err(Failure::io(path.clone()))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Failure::Usage(format!("{path} is empty")));
    }
    Ok(SecretText::new(secret.to_owned()))
}
