//! What a process has used, as the kernel counts it.

use std::{collections::BTreeMap, fs, io, path::Path, time::Duration};

/// Bytes in one of the kernel's kB.
const KIB: f64 = 1024.0;
/// Bytes in an MB.
const MEGABYTE: f64 = 1e6;

/// Processor time by the names of a process's threads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processor(BTreeMap<String, Duration>);

impl Processor {
    /// What the process has used so far. Threads that have ended are not in it.
    pub(crate) fn of(process: u32) -> io::Result<Self> {
        let mut by_name: BTreeMap<String, Duration> = BTreeMap::new();
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let thread = thread?.path();
            // A thread may end between the two looks.
            if let Ok((name, used)) = of_thread(&thread) {
                *by_name.entry(name).or_default() += used;
            }
        }
        Ok(Self(by_name))
    }

    /// What was used after `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let since = |(name, used): (&String, &Duration)| {
            let before = earlier.0.get(name).copied().unwrap_or_default();
            (name.clone(), used.saturating_sub(before))
        };
        Self(self.0.iter().map(since).collect())
    }

    /// All threads together.
    pub(crate) fn total(&self) -> Duration {
        self.0.values().sum()
    }

    /// The threads that used the most, in words.
    pub(crate) fn describe(&self) -> String {
        let mut threads: Vec<_> = self.0.iter().collect();
        threads.sort_by_key(|(_, used)| std::cmp::Reverse(**used));
        let named = threads
            .iter()
            .filter(|(_, used)| **used >= Duration::from_millis(10))
            .take(5)
            .map(|(name, used)| format!("{name} {:.2} s", used.as_secs_f64()));
        named.collect::<Vec<_>>().join(", ")
    }
}

fn of_thread(thread: &Path) -> io::Result<(String, Duration)> {
    let name = fs::read_to_string(thread.join("comm"))?;
    let text = fs::read_to_string(thread.join("schedstat"))?;
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    let used = Duration::from_nanos(nanoseconds.ok_or(io::ErrorKind::InvalidData)?);
    // `wrk:worker_0` and `wrk:worker_1` do the same.
    let name = name
        .trim()
        .trim_end_matches(|last: char| last.is_ascii_digit());
    Ok((name.trim_end_matches('_').to_owned(), used))
}

/// Memory that the process holds, in MB. What it shares with other processes counts in full: their coming and going
/// changes nothing.
pub(crate) fn memory(process: u32) -> io::Result<f64> {
    field(&format!("/proc/{process}/smaps_rollup"), "Rss:")
}

/// The most memory that the process ever held, in MB.
pub(crate) fn peak_memory(process: u32) -> io::Result<f64> {
    field(&format!("/proc/{process}/status"), "VmHWM:")
}

fn field(path: &str, name: &str) -> io::Result<f64> {
    let text = fs::read_to_string(path)?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<f64>().ok());
    Ok(value.ok_or(io::ErrorKind::InvalidData)? * KIB / MEGABYTE)
}
