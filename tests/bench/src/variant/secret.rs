//! What callers send: files with one secret a line, as the load generators read them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use e2e::registry::fresh_secret;
use filter_core::key::SecretType;

use crate::report::Failed;

/// A kind of secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Of `key_auth`.
    ApiKey,
    /// Of `basic_auth`, made by the registry.
    Password,
    /// Of `basic_auth`, chosen by somebody.
    ChosenPassword,
    /// A signed token.
    Jwt,
    /// An opaque token.
    Token,
}

impl Kind {
    /// What stands before the secret in the header that carries it.
    pub const fn header_prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "apikey: ",
            Self::Password | Self::ChosenPassword => "authorization: Basic ",
            Self::Jwt | Self::Token => "authorization: Bearer ",
        }
    }
}

/// Secrets in a file, one a line, each ready to follow [`Kind::header_prefix`].
#[derive(Clone, Debug)]
pub struct Secrets {
    /// How they are sent.
    pub kind: Kind,
    /// The file.
    pub file: PathBuf,
    /// How many there are.
    pub count: usize,
}

impl Secrets {
    /// Writes them to `file`.
    pub fn write(kind: Kind, file: &Path, secrets: &[String]) -> Result<Self, Failed> {
        let mut text = secrets.join("\n");
        text.push('\n');
        fs::write(file, text)?;
        Ok(Self {
            kind,
            file: file.to_owned(),
            count: secrets.len(),
        })
    }

    /// All of them.
    pub fn read(&self) -> Result<Vec<String>, Failed> {
        Ok(fs::read_to_string(&self.file)?
            .lines()
            .map(str::to_owned)
            .collect())
    }
}

/// `user:password` as HTTP Basic carries it.
pub fn basic(pair: &str) -> String {
    STANDARD.encode(pair)
}

/// Keys of the right form that nobody owns.
pub fn unknown_keys(count: usize) -> Vec<String> {
    (0..count)
        .map(|_| fresh_secret(SecretType::ApiKey))
        .collect()
}

/// Keys that are mistyped: one character of each is another.
pub fn malformed_keys(count: usize) -> Vec<String> {
    let mistyped = |key: String| {
        let (rest, last) = key.split_at(key.len() - 1);
        format!("{rest}{}", if last == "0" { '1' } else { '0' })
    };
    unknown_keys(count).into_iter().map(mistyped).collect()
}
