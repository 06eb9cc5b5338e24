//! What the kernel counted: processor time of a process in nanoseconds, and time that the hypervisor took from the machine.

use std::fs;

use crate::report::Failed;

/// `/proc` counts in hundredths of a second on every architecture (`USER_HZ`).
const PER_SECOND: f64 = 100.0;

/// Nanoseconds that all threads of a process have run. The scheduler's own count, because `stat` counts in hundredths of a
/// second, of which a slice has too few.
pub fn ran(process: u32) -> Result<u64, Failed> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let counted = fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = counted.split_whitespace().next();
        sum += first.ok_or("an empty schedstat")?.parse::<u64>()?;
    }
    Ok(sum)
}

/// The machine's time since its start, in hundredths of a second over all processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What the hypervisor took.
    pub stolen: u64,
    /// What processors spent on anything.
    pub busy: u64,
}

impl Machine {
    /// Now.
    pub fn now() -> Result<Self, Failed> {
        Self::parse(&fs::read_to_string("/proc/stat")?).ok_or_else(|| "/proc/stat".into())
    }

    /// Seconds of processor time since `earlier` that were stolen.
    pub fn stolen_since(self, earlier: Self) -> f64 {
        self.stolen.saturating_sub(earlier.stolen) as f64 / PER_SECOND
    }

    /// Seconds of processor time since `earlier` that were spent on anything.
    pub fn busy_since(self, earlier: Self) -> f64 {
        self.busy.saturating_sub(earlier.busy) as f64 / PER_SECOND
    }

    /// user, nice, system, idle, iowait, irq, softirq, steal; what follows is contained in the first two.
    fn parse(stat: &str) -> Option<Self> {
        let numbers = stat.lines().next()?.split_whitespace().skip(1).take(8);
        let numbers: Vec<u64> = numbers
            .map(|number| number.parse().ok())
            .collect::<Option<_>>()?;
        Some(Self {
            stolen: *numbers.get(7)?,
            busy: [0, 1, 2, 5, 6].iter().map(|field| numbers[*field]).sum(),
        })
    }
}

/// Seconds of processor time of all children that have ended: those of the load generators.
pub fn children() -> Result<f64, Failed> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may contain spaces; after it the state is field 3, and fields 16 and 17 are what is wanted.
    let behind = stat.rsplit(')').next().ok_or("/proc/self/stat")?;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let ticks = |field: usize| -> Result<f64, Failed> {
        Ok(fields.get(field - 3).ok_or("a short stat")?.parse()?)
    };
    Ok((ticks(16)? + ticks(17)?) / PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_and_busy_time_are_counted_over_all_processors() {
        let earlier = Machine::parse("cpu  100 0 50 800 10 0 5 35 9 9\ncpu0 1").expect("numbers");
        let later = Machine::parse("cpu  160 0 70 815 10 0 5 40 9 9").expect("numbers");
        assert!((later.stolen_since(earlier) - 0.05).abs() < 1e-9);
        assert!((later.busy_since(earlier) - 0.8).abs() < 1e-9);
    }

    #[test]
    fn a_process_has_run_for_more_and_more_nanoseconds() {
        // Not this process: its other tests' threads come and go.
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("cat");
        let earlier = ran(child.id());
        let later = ran(child.id());
        child.kill().expect("it runs");
        child.wait().expect("its end");
        assert!(later.expect("a count") >= earlier.expect("a count"));
    }
}
