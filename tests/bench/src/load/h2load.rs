//! h2load, for HTTP/2 and for fixed rates. It cannot vary a header, so the secret travels in the query: `?apikey=`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{Seen, Traffic};
use crate::{random::Random, report::Failed};

/// Requests prepared for one run, each with a secret drawn from all; h2load goes round them.
const PREPARED: usize = 10_000;

/// How h2load sends.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// HTTP/2 as fast as it goes: one connection with so many streams at a time.
    Streams(u32),
    /// HTTP/1.1 at so many requests per second over so many connections.
    Fixed {
        /// Requests per second over all connections.
        rate: u32,
        /// Connections.
        connections: u32,
    },
}

/// What h2load saw.
#[derive(Clone, Debug)]
pub struct Run {
    /// The answers.
    pub seen: Seen,
    /// Of each request, microseconds until its answer ended. Only at a fixed rate.
    pub latencies: Vec<f64>,
}

/// Sends for `duration`. `folder` gets its files; draws are decided by `seed`.
pub fn run(
    traffic: &Traffic,
    pace: Pace,
    duration: Duration,
    seed: u64,
    folder: &Path,
) -> Result<Run, Failed> {
    let targets = folder.join("h2load.targets");
    let log = folder.join("h2load.log");
    fs::write(&targets, prepared(traffic, seed)?)?;
    // h2load appends to a log that is there.
    let _ = fs::remove_file(&log);
    let mut command = Command::new("h2load");
    command
        .args(["--threads", "1"])
        .args(["--duration", &format!("{}ms", duration.as_millis())])
        .arg("--input-file")
        .arg(&targets);
    match pace {
        Pace::Streams(streams) => {
            command.args([
                "--clients",
                "1",
                "--max-concurrent-streams",
                &streams.to_string(),
            ]);
        }
        Pace::Fixed { rate, connections } => {
            command
                .args(["--h1", "--clients", &connections.to_string()])
                .args(["--rps", &(rate / connections).to_string()])
                .arg(format!("--log-file={}", log.display()));
        }
    }
    let output = command
        .output()
        .map_err(|error| format!("h2load (Debian package nghttp2-client): {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers = seen(&said).ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("h2load says: {said}{complaint}")
    })?;
    let latencies = match pace {
        Pace::Streams(_) => Vec::new(),
        Pace::Fixed { .. } => latencies(&log)?,
    };
    Ok(Run {
        seen: answers,
        latencies,
    })
}

fn prepared(traffic: &Traffic, seed: u64) -> Result<String, Failed> {
    let target = format!("http://{}{}", traffic.address, traffic.path);
    let Some(secrets) = &traffic.secrets else {
        return Ok(format!("{target}\n"));
    };
    let secrets = secrets.read()?;
    let mut random = Random::new(seed);
    let mut text = String::new();
    for _ in 0..PREPARED {
        writeln!(
            text,
            "{target}?apikey={}",
            secrets[random.below(secrets.len())]
        )?;
    }
    Ok(text)
}

fn latencies(log: &PathBuf) -> Result<Vec<f64>, Failed> {
    let text = fs::read_to_string(log)?;
    let third = |line: &str| line.split('\t').nth(2)?.trim().parse().ok();
    Ok(text.lines().filter_map(third).collect())
}

fn seen(said: &str) -> Option<Seen> {
    let done = before(said, "requests: ", " done")?;
    let failed = before(said, "requests: ", " failed")?;
    let timeouts = before(said, "requests: ", " timeout")?;
    let codes = ["2xx", "3xx"].map(|code| before(said, "status codes: ", &format!(" {code}")));
    Some(Seen {
        answered: done,
        refused: done.checked_sub(codes[0]? + codes[1]?)?,
        // A refusal counts as failed, too.
        failed: (failed + timeouts).saturating_sub(done - codes[0]? - codes[1]?),
    })
}

/// The number that stands before `name` in the line that begins with `start`.
fn before(said: &str, start: &str, name: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.starts_with(start))?;
    let text = &line[..line.find(name)?];
    text.rsplit([' ', ',']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "finished in 400.50ms, 25000.00 req/s, 1.20MB/s
requests: 10020 total, 10020 started, 10000 done, 9990 succeeded, 10 failed, 0 errored, 0 timeout
status codes: 9990 2xx, 0 3xx, 10 4xx, 0 5xx
";

    #[test]
    fn refusals_are_told_from_failures() {
        let counted = Seen {
            answered: 10_000,
            refused: 10,
            failed: 0,
        };
        assert_eq!(seen(SAID), Some(counted));
    }

    #[test]
    fn words_without_numbers_are_an_error() {
        assert_eq!(seen("unable to connect"), None);
    }
}
