//! wrk, for HTTP/1.1 as fast as it goes.

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Seen, Traffic};
use crate::{report::Failed, variant::secret::Secrets};

/// The script that draws the secrets.
const SCRIPT: &str = include_str!("keys.lua");

/// wrk counts in whole seconds; it is interrupted when the slice is over, which it takes as the end of its time.
const LONGER: &str = "60s";

/// The number of the signal by which it is interrupted.
const INTERRUPT: i32 = 2;
/// After so long without an end it is interrupted again; its threads look every 100 ms whether they are to end.
const AGAIN: Duration = Duration::from_millis(300);
const POLL: Duration = Duration::from_millis(2);

/// Sends for `duration` over `connections`, and reads what wrk says about it. `folder` gets the script; draws are
/// decided by `seed`.
pub fn run(
    traffic: &Traffic,
    connections: u32,
    duration: Duration,
    seed: u64,
    folder: &Path,
) -> Result<Seen, Failed> {
    let script = folder.join("keys.lua");
    if !script.exists() {
        fs::write(&script, SCRIPT)?;
    }
    let (file, width, prefix) = match &traffic.secrets {
        Some(secrets) => (
            secrets.file.display().to_string(),
            width(secrets)?,
            secrets.kind.header_prefix(),
        ),
        None => (String::new(), 0, ""),
    };
    let mut child = Command::new("wrk")
        .args(["--threads", "1"])
        .args(["--connections", &connections.to_string()])
        .args(["--duration", LONGER])
        .arg("--script")
        .arg(&script)
        .arg(format!("http://{}/", traffic.address))
        .arg("--")
        .args([file.as_str(), &width.to_string(), traffic.path, prefix])
        .arg(seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("wrk (Debian package wrk): {error}"))?;
    // The slice: wrk itself only knows whole seconds.
    thread::sleep(duration);
    interrupt(&mut child)?;
    let output = child.wait_with_output()?;
    if output.status.signal() == Some(INTERRUPT) {
        // Before it had begun.
        return Ok(Seen::NOTHING);
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    seen(&said).ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("wrk says: {said}{complaint}").into()
    })
}

/// Interrupts until it has ended: an interrupt that comes just before wrk begins to wait for the end of its time is lost.
fn interrupt(child: &mut Child) -> Result<(), Failed> {
    while child.try_wait()?.is_none() {
        // Without success only when wrk ends at this moment.
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .stderr(Stdio::null())
            .status()
            .map_err(|error| format!("kill: {error}"))?;
        let sent = Instant::now();
        while child.try_wait()?.is_none() && sent.elapsed() < AGAIN {
            thread::sleep(POLL);
        }
    }
    Ok(())
}

/// The bytes of every line with its end; 0 when lines differ.
fn width(secrets: &Secrets) -> Result<usize, Failed> {
    let length = usize::try_from(fs::metadata(&secrets.file)?.len())?;
    if length > 1 << 20 && length.is_multiple_of(secrets.count) {
        Ok(length / secrets.count)
    } else {
        Ok(0)
    }
}

fn seen(said: &str) -> Option<Seen> {
    let answered = said
        .lines()
        .find(|line| line.contains(" requests in "))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    let failures = ["connect ", "read ", "write ", "timeout "];
    let errors = said.split_once("Socket errors:");
    let failed = errors.map_or(0, |(_, errors)| {
        failures
            .iter()
            .filter_map(|name| number_behind(errors, name))
            .sum()
    });
    Some(Seen {
        answered,
        refused: number_behind(said, "Non-2xx or 3xx responses:").unwrap_or(0),
        failed,
    })
}

fn number_behind(said: &str, text: &str) -> Option<u64> {
    let behind = &said[said.find(text)? + text.len()..];
    let digits = behind.trim_start();
    let end = digits.find(|digit: char| !digit.is_ascii_digit());
    digits[..end.unwrap_or(digits.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 400ms test @ http://127.0.0.1:1/
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   301.34us  181.31us   4.38ms   92.88%
    Req/Sec    27.20k     1.05k   28.10k    80.00%
  10828 requests in 400.10ms, 1.21MB read
";

    #[test]
    fn answers_are_counted() {
        let all_good = Seen {
            answered: 10_828,
            refused: 0,
            failed: 0,
        };
        assert_eq!(seen(SAID), Some(all_good));
    }

    #[test]
    fn refusals_and_failures_are_counted() {
        let said = format!(
            "{SAID}  Socket errors: connect 0, read 3, write 0, timeout 1\n  Non-2xx or 3xx responses: 77\n"
        );
        let counted = seen(&said).expect("numbers");
        assert_eq!((counted.refused, counted.failed), (77, 4));
    }

    #[test]
    fn words_without_numbers_are_an_error() {
        assert_eq!(seen("unable to connect"), None);
    }
}
