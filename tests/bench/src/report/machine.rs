//! What the figures were measured on, so that somebody else can judge them.

use std::{env, fmt::Write as _, fs, path::Path, process::Command, thread};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::Context;

/// Where and with what a run took place: names and values in the order in which they are shown.
pub type Facts = Vec<(&'static str, String)>;

/// The facts of this run.
pub fn facts(context: &Context) -> Facts {
    let date = Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
    let cores = thread::available_parallelism().map_or(0, usize::from);
    vec![
        ("Date", date),
        ("Command", command(env::args().skip(1))),
        ("Commit", commit()),
        ("SHA-256 of the filter's module", digest(&context.filter)),
        (
            "Processor",
            format!("{} × {cores}", value("/proc/cpuinfo", "model name")),
        ),
        ("Memory", value("/proc/meminfo", "MemTotal")),
        ("Kernel", read("/proc/sys/kernel/osrelease")),
        ("Envoy", said(&context.envoy, "version: ")),
        ("Rust", said(Path::new("rustc"), "rustc ")),
        ("wrk", said(Path::new("wrk"), "wrk ")),
        ("h2load", said(Path::new("h2load"), "h2load ")),
    ]
}

/// How this run was started; where its files go is left out.
fn command(arguments: impl Iterator<Item = String>) -> String {
    let mut kept = Vec::new();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.split('=').next() {
            Some("--report" | "--folder") if argument.contains('=') => {}
            Some("--report" | "--folder") => drop(arguments.next()),
            _ => kept.push(argument),
        }
    }
    match kept.join(" ").as_str() {
        "" => "make bench".to_owned(),
        "--quick" => "make bench-quick".to_owned(),
        other => format!("bench {other}"),
    }
}

fn digest(file: &Path) -> String {
    let Ok(module) = fs::read(file) else {
        return String::new();
    };
    let mut text = String::new();
    for byte in Sha256::digest(module) {
        write!(text, "{byte:02x}").expect("a text takes everything");
    }
    text
}

fn commit() -> String {
    let hash = first_line("git", &["rev-parse", "--short", "HEAD"]);
    let changed = Command::new("git")
        .args(["status", "--porcelain", "--untracked-files=no"])
        .output();
    match changed {
        Ok(output) if output.stdout.is_empty() => hash,
        _ => format!("{hash}, with changes"),
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(file)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The value behind a name in a file of lines like `name : value`.
fn value(file: &str, name: &str) -> String {
    let text = read(file);
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

/// What stands behind `name` in what a program says about its version.
fn said(program: &Path, name: &str) -> String {
    let argument = if program.ends_with("wrk") {
        "-v"
    } else {
        "--version"
    };
    let line = first_line(&program.display().to_string(), &[argument]);
    let behind = line
        .split_once(name)
        .map_or(line.as_str(), |(_, behind)| behind);
    behind
        .split(" Copyright")
        .next()
        .unwrap_or(behind)
        .to_owned()
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    let line = text.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(arguments: &str) -> String {
        command(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn command_says_what_part_was_measured_and_not_where_files_went() {
        assert_eq!(shown("--report docs/benchmarks"), "make bench");
        assert_eq!(shown("--quick --folder=here"), "make bench-quick");
        assert_eq!(
            shown("--only cpu --rounds 6"),
            "bench --only cpu --rounds 6"
        );
    }
}
