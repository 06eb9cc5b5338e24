//! The command line, as somebody in a shell sees it: the real binary against a registry.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{TestRegistry, admin_token};

mod apps;
mod audit;
mod bridges;
mod connection;
mod credentials;
mod deployments;
mod gateways;
mod import;
mod keys;
mod observed;
mod retry;
mod scan;
mod secrets;
mod usage;

/// Somebody at a shell, in a folder of their own, without a terminal.
pub(crate) struct Shell {
    folder: TempDir,
    environment: Vec<(String, String)>,
    input: String,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Shell {
    /// Knows the registry's address and the admin token.
    pub(crate) fn at(registry: &TestRegistry) -> Self {
        let url = format!("http://{}", registry.address());
        Self::without_anything()
            .with("KEYSMITH_URL", &url)
            .with("KEYSMITH_TOKEN", &admin_token())
    }

    pub(crate) fn without_anything() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
            input: String::new(),
        }
    }

    /// With a variable, in place of one of the same name.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.lacking(name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn lacking(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// The next commands read this on standard input.
    pub(crate) fn typing(mut self, input: &str) -> Self {
        input.clone_into(&mut self.input);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a command, which may hold quoted words, to its end.
    pub(crate) async fn run(&self, command: &str) -> Ran {
        let words = words(command);
        let (folder, input) = (self.folder.path().to_owned(), self.input.clone());
        let environment = self.environment.clone();
        // The registry lives in this thread.
        let running =
            tokio::task::spawn_blocking(move || run(&words, &folder, &environment, &input));
        running.await.unwrap()
    }

    /// Runs a command that succeeds, and answers what it printed.
    pub(crate) async fn does(&self, command: &str) -> String {
        let ran = self.run(command).await;
        assert_eq!(ran.code, 0, "keysmith {command}: {ran:?}");
        ran.out
    }

    /// The same with `--output json`.
    pub(crate) async fn json(&self, command: &str) -> Value {
        let out = self.does(&format!("{command} --output json")).await;
        serde_json::from_str(&out).unwrap()
    }

    /// Runs a command that fails with this code, and answers what it said of that.
    pub(crate) async fn fails(&self, code: i32, command: &str) -> String {
        let ran = self.run(command).await;
        assert_eq!(ran.code, code, "keysmith {command}: {ran:?}");
        assert_eq!(ran.out, "", "keysmith {command}");
        ran.err
    }
}

fn run(words: &[String], folder: &Path, environment: &[(String, String)], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keysmith"))
        .args(words)
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A command that reads nothing closes the pipe.
    let typing = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    typing.join().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Words as a shell would split them, single quotes included.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for character in command.chars() {
        match character {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}
