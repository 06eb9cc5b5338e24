//! A server of one's own.

use std::{
    fs,
    io::Write as _,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::install::{binaries, user_instead_of_root};

const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(10);
/// What a server is started with: nothing has to survive a loss of power here.
const OPTIONS: [&str; 9] = [
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=500",
    "shared_buffers=64MB",
    "jit=off",
    "max_prepared_transactions=0",
    "timezone=UTC",
];
/// Runs the server until the line `keep` comes, or the pipe ends because whoever started it is gone: then nothing stays.
const GUARD: &str = r#"folder=$1; shift
"$@" >>"$folder/log" 2>&1 &
server=$!
read -r line
kill -QUIT "$server"
wait "$server"
[ "$line" = keep ] || rm -rf "$folder""#;

/// A PostgreSQL server in a folder of its own, reached through a socket there. Ends with this value, and with the process.
#[derive(Debug)]
pub struct Server {
    binaries: PathBuf,
    folder: TempDir,
    /// The shell that runs the server, and its way to hear that it is to end.
    guard: Option<Child>,
    options: Vec<String>,
}

impl Server {
    /// Starts a server.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with further options, as `name=value`.
    pub fn start_with(options: &[&str]) -> Self {
        let mut server = Self {
            binaries: binaries(),
            folder: short_folder(),
            guard: None,
            options: OPTIONS
                .iter()
                .chain(options)
                .map(ToString::to_string)
                .collect(),
        };
        if let Some((user, group)) = user_instead_of_root() {
            chown(server.folder.path(), Some(user), Some(group)).unwrap();
        }
        server.initialise();
        server.go_on();
        server
    }

    /// Starts a standby: a copy of this server that follows it.
    #[must_use]
    pub fn standby(&self) -> Self {
        let mut standby = Self {
            binaries: self.binaries.clone(),
            folder: short_folder(),
            guard: None,
            options: self.options.clone(),
        };
        if let Some((user, group)) = user_instead_of_root() {
            chown(standby.folder.path(), Some(user), Some(group)).unwrap();
        }
        let mut command = standby.command(standby.binaries.join("pg_basebackup"));
        command.arg("-h").arg(self.folder());
        command.args([
            "-U",
            "keysmith",
            "-c",
            "fast",
            "-X",
            "stream",
            "-R",
            "--no-sync",
        ]);
        command.arg("-D").arg(standby.data());
        let done = command.output().unwrap();
        assert!(
            done.status.success(),
            "pg_basebackup: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        standby.go_on();
        standby
    }

    /// Where it lies: the socket is here, and the folder `data`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How one of its databases is reached; `postgres` always exists.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres://keysmith@localhost/{database}?host={folder}")
    }

    /// Makes a database: an empty one, or a copy of `template`, to which nobody may be connected.
    pub fn create_database(&self, name: &str, template: &str) {
        let mut command = self.command(self.binaries.join("createdb"));
        command.arg("-h").arg(self.folder());
        command.args(["-U", "keysmith", "-T", template, "--", name]);
        let done = command.output().unwrap();
        assert!(
            done.status.success(),
            "createdb: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    /// Ends it at once, as a crash does; what was committed stays.
    pub fn stop(&mut self) {
        let Some(mut guard) = self.guard.take() else {
            return;
        };
        let mut pipe = guard.stdin.take().unwrap();
        // It may be gone already.
        let _ = pipe.write_all(b"keep\n");
        drop(pipe);
        let _ = guard.wait();
    }

    /// Starts it again after [`Server::stop`].
    pub fn go_on(&mut self) {
        let _ = fs::remove_file(self.data().join("postmaster.pid"));
        let mut command = self.command("sh");
        command.args(["-c", GUARD, "sh"]).arg(self.folder());
        command.arg(self.binaries.join("postgres"));
        command.arg("-D").arg(self.data());
        command.arg("-k").arg(self.folder());
        for option in &self.options {
            command.arg("-c").arg(option);
        }
        // In a group of its own: the key that interrupts the tests does not reach it, the end of the pipe does.
        command.stdin(Stdio::piped()).process_group(0);
        self.guard = Some(command.spawn().unwrap());
        self.wait_until_ready();
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn initialise(&self) {
        let mut command = self.command(self.binaries.join("initdb"));
        command.arg("-D").arg(self.data());
        command.args(["-U", "keysmith", "-A", "trust", "--no-sync"]);
        command.args(["-E", "UTF8", "--locale=C.UTF-8"]);
        let done = command.output().unwrap();
        assert!(
            done.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder());
        if let Some((user, group)) = user_instead_of_root() {
            command.uid(user).gid(group);
        }
        command
    }

    fn wait_until_ready(&mut self) {
        let file = self.data().join("postmaster.pid");
        let begun = Instant::now();
        loop {
            let state = fs::read_to_string(&file).unwrap_or_default();
            if state
                .lines()
                .nth(7)
                .is_some_and(|state| ["ready", "standby"].contains(&state.trim()))
            {
                return;
            }
            let ended = self.guard.as_mut().unwrap().try_wait().unwrap();
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.folder().join("log"));
                panic!("PostgreSQL does not start: {}", log.unwrap_or_default());
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The name of a socket has at most 107 bytes.
fn short_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("pg").tempdir().unwrap();
    if folder.path().as_os_str().len() < 80 {
        return folder;
    }
    tempfile::Builder::new()
        .prefix("pg")
        .tempdir_in("/tmp")
        .unwrap()
}
