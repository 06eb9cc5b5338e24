//! What happened while the host was in a VM.

use std::{collections::BTreeMap, fmt};

/// One callback, from the host's entry into the VM to its return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The callback.
    pub callback: &'static str,
    /// The host calls, in order.
    pub calls: Vec<&'static str>,
    /// How often the host had to ask the VM for memory: once for each call that returns data.
    pub landings: usize,
    /// Bytes that the host copied into the VM.
    pub bytes_in: usize,
    /// Bytes that the VM handed to the host.
    pub bytes_out: usize,
    /// Values read from shared data, each by its length; one that does not exist has none.
    pub shared_reads: Vec<usize>,
    /// Values written to shared data, each by its length.
    pub shared_writes: Vec<usize>,
    /// Instructions, in the interpreter's units.
    pub instructions: u64,
}

impl Entry {
    pub(crate) fn of(callback: &'static str) -> Self {
        Self {
            callback,
            ..Self::default()
        }
    }

    /// How often a host call was made.
    pub fn count(&self, call: &str) -> usize {
        self.calls.iter().filter(|made| **made == call).count()
    }

    /// The host calls by name.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for call in &self.calls {
            *tally.0.entry(call).or_default() += 1;
        }
        tally
    }
}

/// How often each host call was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(pub BTreeMap<&'static str, usize>);

impl<const N: usize> From<[(&'static str, usize); N]> for Tally {
    fn from(counts: [(&'static str, usize); N]) -> Self {
        Self(counts.into())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in &self.0 {
            writeln!(f, "{count:6} {name}")?;
        }
        Ok(())
    }
}

/// The dearest of some entries, figure by figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dearest {
    /// Host calls.
    pub calls: usize,
    /// Values read from shared data.
    pub shared_reads: usize,
    /// Bytes of them.
    pub shared_bytes_read: usize,
    /// Values written to shared data.
    pub shared_writes: usize,
    /// Bytes of them.
    pub shared_bytes_written: usize,
    /// The longest value read or written.
    pub longest_value: usize,
    /// Bytes that the host copied into the VM.
    pub bytes_in: usize,
    /// Instructions.
    pub instructions: u64,
}

impl Dearest {
    /// Of these entries.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut dearest = Self::default();
        for entry in entries {
            let longest = entry.shared_reads.iter().chain(&entry.shared_writes).max();
            dearest = Self {
                calls: dearest.calls.max(entry.calls.len()),
                shared_reads: dearest.shared_reads.max(entry.shared_reads.len()),
                shared_bytes_read: dearest
                    .shared_bytes_read
                    .max(entry.shared_reads.iter().sum()),
                shared_writes: dearest.shared_writes.max(entry.shared_writes.len()),
                shared_bytes_written: dearest
                    .shared_bytes_written
                    .max(entry.shared_writes.iter().sum()),
                longest_value: dearest.longest_value.max(longest.copied().unwrap_or(0)),
                bytes_in: dearest.bytes_in.max(entry.bytes_in),
                instructions: dearest.instructions.max(entry.instructions),
            };
        }
        dearest
    }

    /// Whether no figure is above that of `bound`.
    pub fn is_within(&self, bound: &Self) -> bool {
        self.calls <= bound.calls
            && self.shared_reads <= bound.shared_reads
            && self.shared_bytes_read <= bound.shared_bytes_read
            && self.shared_writes <= bound.shared_writes
            && self.shared_bytes_written <= bound.shared_bytes_written
            && self.longest_value <= bound.longest_value
            && self.bytes_in <= bound.bytes_in
            && self.instructions <= bound.instructions
    }
}
