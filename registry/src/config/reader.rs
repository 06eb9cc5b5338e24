//! Takes settings from two places by name, collects every mistake, and knows which names were never asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt::{self, Display},
    fs,
    net::SocketAddr,
    path::Path,
    str::FromStr,
    time::Duration,
};

use zeroize::Zeroizing;

use super::ConfiguredSecret;
use crate::cli::connection::VARIABLES;

const PREFIX: &str = "KEYSMITH_";
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable {
        /// The path as it was given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file {path} is not TOML: {message}")]
    NotToml {
        /// The path as it was given.
        path: String,
        /// Where and why, without the offending text, which may be a secret.
        message: String,
    },
    /// Settings that are unknown or have bad values, all of them.
    #[error("{}", list(.0))]
    Mistakes(Vec<Mistake>),
}

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The setting as its author wrote it: `listen` or `KEYSMITH_LISTEN`.
    pub key: String,
    /// What is wrong with it, never with the value of a secret.
    pub problem: String,
}

impl Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.problem)
    }
}

fn list(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    format!("configuration: {}", lines.join("\nconfiguration: "))
}

/// Reads the file into its top-level settings.
pub(super) fn read_file(path: &Path) -> Result<BTreeMap<String, toml::Value>, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.display().to_string(),
        source,
    })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        ConfigError::NotToml {
            path: path.display().to_string(),
            message: format!("line {line}: {}", error.message()),
        }
    })?;
    Ok(table.into_iter().collect())
}

/// The settings of both places, and what was wrong with those taken so far.
pub(super) struct Reader {
    file: BTreeMap<String, toml::Value>,
    environment: BTreeMap<String, OsString>,
    known: BTreeSet<&'static str>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    pub(super) fn new(
        file: BTreeMap<String, toml::Value>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let environment = environment
            .into_iter()
            .filter_map(|(name, value)| {
                let name = name.into_string().ok()?;
                let name = name.strip_prefix(PREFIX)?;
                Some((name.to_ascii_lowercase(), value))
            })
            .collect();
        Self {
            file,
            environment,
            known: BTreeSet::new(),
            mistakes: Vec::new(),
        }
    }

    /// Notes that `key` has a problem, under the name by which it was given.
    pub(super) fn mistake(&mut self, key: &str, problem: &str) {
        let key = self.name(key);
        self.mistakes.push(Mistake {
            key,
            problem: problem.to_owned(),
        });
    }

    /// A text, when it is set.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.known.insert(key);
        if let Some(value) = self.environment.get(key) {
            let text = value.clone().into_string();
            if text.is_err() {
                self.mistake(key, "is not UTF-8");
            }
            return text.ok();
        }
        match self.file.get(key)? {
            toml::Value::String(text) => Some(text.clone()),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Boolean(flag) => Some(flag.to_string()),
            _ => {
                self.mistake(key, "must be a text, a whole number or a boolean");
                None
            }
        }
    }

    /// An address with its port.
    pub(super) fn address(&mut self, key: &'static str, default: SocketAddr) -> SocketAddr {
        self.parsed(
            key,
            "must be an address and port such as 127.0.0.1:8080",
            default,
        )
    }

    /// A boolean.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.parsed(key, "must be true or false", default)
    }

    /// A whole number within bounds.
    pub(super) fn number<T>(&mut self, key: &'static str, default: T, least: T, most: T) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let problem = format!("must be a whole number from {least} to {most}");
        let number = self.parsed(key, &problem, default);
        if number < least || number > most {
            self.mistake(key, &problem);
        }
        number
    }

    /// A duration in whole seconds.
    pub(super) fn seconds(
        &mut self,
        key: &'static str,
        default: u64,
        least: u64,
        most: u64,
    ) -> Duration {
        Duration::from_secs(self.number(key, default, least, most))
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        default: T,
    ) -> T {
        let Some(text) = self.text(key) else {
            return default;
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.mistake(key, &format!("must be one of: {}", words.join(", ")));
        default
    }

    /// A secret, given itself or by the file that holds it. The environment hides both of the file's forms.
    pub(super) fn secret(
        &mut self,
        key: &'static str,
        file_key: &'static str,
    ) -> Option<ConfiguredSecret> {
        if self.environment.contains_key(key) || self.environment.contains_key(file_key) {
            self.file.remove(key);
            self.file.remove(file_key);
        }
        let text = self.text(key).map(Zeroizing::new);
        let path = self.text(file_key);
        let (text, origin) = match (text, path) {
            (Some(_), Some(_)) => {
                self.mistake(
                    key,
                    &format!("and {} must not both be set", self.name(file_key)),
                );
                return None;
            }
            (Some(text), None) => (text, key),
            (None, Some(path)) => (self.secret_file(file_key, &path)?, file_key),
            (None, None) => return None,
        };
        if text.is_empty() {
            self.mistake(origin, "is empty");
            return None;
        }
        let origin = self.name(origin);
        Some(ConfiguredSecret { text, origin })
    }

    /// Ends the reading: every name that was given and never asked for is one more mistake.
    pub(super) fn finish(mut self) -> Result<(), ConfigError> {
        let environment = self.environment.keys();
        let environment = environment.filter(|key| !is_service_link(key) && !is_for_clients(key));
        let unknown: Vec<String> = (self.file.keys().chain(environment))
            .filter(|key| !self.known.contains(key.as_str()))
            .cloned()
            .collect();
        for key in unknown {
            self.mistake(&key, "is not a setting (keysmith serve --help lists them)");
        }
        if self.mistakes.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Mistakes(self.mistakes))
        }
    }

    fn parsed<T: FromStr>(&mut self, key: &'static str, problem: &str, default: T) -> T {
        let Some(text) = self.text(key) else {
            return default;
        };
        text.parse().unwrap_or_else(|_| {
            self.mistake(key, problem);
            default
        })
    }

    fn secret_file(&mut self, key: &str, path: &str) -> Option<Zeroizing<String>> {
        let read = || {
            if fs::metadata(path)?.len() > MAX_SECRET_BYTES {
                return Err(std::io::Error::other("it is larger than 64 KiB"));
            }
            fs::read_to_string(path)
        };
        match read() {
            Ok(text) => {
                let text = Zeroizing::new(text);
                Some(Zeroizing::new(
                    text.trim_end_matches(['\r', '\n']).to_owned(),
                ))
            }
            Err(error) => {
                self.mistake(key, &format!("names {path}, which cannot be read: {error}"));
                None
            }
        }
    }

    /// The name under which `key` was given.
    fn name(&self, key: &str) -> String {
        if self.environment.contains_key(key) {
            format!("{PREFIX}{}", key.to_ascii_uppercase())
        } else {
            key.to_owned()
        }
    }
}

/// Whether the command line reads the name: one environment may serve both.
fn is_for_clients(key: &str) -> bool {
    let name = format!("{PREFIX}{}", key.to_ascii_uppercase());
    VARIABLES.contains(&name.as_str())
}

/// Whether Kubernetes puts the name into the environment of a Service's neighbours, when the Service's name begins with
/// `keysmith`; not meant for us.
fn is_service_link(key: &str) -> bool {
    // A name that is the prefix and nothing else leaves the key without its first underscore.
    let key = format!("_{key}");
    let of_port = |(_, rest): (&str, &str)| {
        let (number, protocol) = rest.split_once('_').unwrap_or_default();
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number
            && ["tcp", "udp", "sctp"]
                .iter()
                .any(|name| protocol.starts_with(name))
    };
    key.ends_with("_service_host")
        || key.contains("_service_port")
        || key.ends_with("_port")
        || key.rsplit_once("_port_").is_some_and(of_port)
}
