//! A process that says when it is ready, and ends with the value that stands for it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long one may take to get ready. Generous: two cores build, boot and test side by side.
const DEADLINE: Duration = Duration::from_mins(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);
/// What it prints before its address when it is ready.
const READY: &str = "ready ";

/// A running server, which is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` in `folder`, waits until it is ready, and says at which address.
    pub(crate) fn start(mut command: Command, folder: &Path) -> (Self, String) {
        let log = folder.join("log");
        let file = File::options().create(true).append(true).open(&log);
        let file = file.expect("a log file");
        let said_before = fs::read_to_string(&log).expect("the log").len();
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("the log file again"))
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut server = Self { child, log };
        let started = Instant::now();
        loop {
            let log = server.log();
            let said = log[said_before..].lines();
            if let Some(address) = said.filter_map(|line| line.strip_prefix(READY)).next_back() {
                return (server, address.to_owned());
            }
            let ended = server.child.try_wait().expect("the state of a child");
            assert!(
                ended.is_none() && started.elapsed() < DEADLINE,
                "{command:?} does not get ready; ended: {ended:?}; it says:\n{log}"
            );
            thread::sleep(PAUSE);
        }
    }

    /// Everything it printed so far, whole lines.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = whole.map_or(0, |end| end + 1);
        String::from_utf8_lossy(&bytes[..whole]).into_owned()
    }

    /// How many requests it got that begin like this, such as `GET /jwks`.
    pub(crate) fn requests(&self, beginning: &str) -> usize {
        let wanted = format!("request {beginning}");
        let log = self.log();
        log.lines().filter(|line| line.starts_with(&wanted)).count()
    }

    /// Ends it, and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            eprintln!("---- the log of {}:\n{}", self.log.display(), self.log());
        }
    }
}
