//! What the figures were measured on, so that somebody else can judge them.

use std::{fs, path::Path, process::Command, thread};

use jiff::Timestamp;

use super::Context;

/// Where and with what a run took place: names and values in the order in which they are shown.
pub type Facts = Vec<(&'static str, String)>;

/// The facts of this run.
pub fn facts(context: &Context) -> Facts {
    let date = Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let command = if context.quick {
        "make bench-quick"
    } else {
        "make bench"
    };
    vec![
        ("Date", date),
        ("Command", command.to_owned()),
        ("Commit", commit()),
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
