//! One run at a time in a folder, which leaves nothing behind: neither folders nor processes.

use std::{
    fs,
    path::Path,
    process::{self, Command},
};

use tokio::signal::unix::{SignalKind, signal};

use crate::report::{Failed, progress};

/// What begins the names of folders that a run needs only for itself.
const PASSING: [&str; 3] = ["registry-", "envoy-", "seeding-"];

/// Keeps other runs out of the folder until this is dropped, and removes what one that was killed left there.
pub fn in_folder(folder: &Path) -> Result<fs::File, Failed> {
    let lock = fs::File::create(folder.join("run.lock"))?;
    lock.try_lock()
        .map_err(|error| format!("another run uses {}: {error}", folder.display()))?;
    sweep(folder)?;
    Ok(lock)
}

fn sweep(folder: &Path) -> Result<(), Failed> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_passing = PASSING.iter().any(|prefix| name.starts_with(prefix));
        if is_passing && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Ends the run, with every process that it started, when it gets SIGTERM or SIGINT. Measuring threads wait for load
/// generators or sleep, so they are not asked.
pub async fn until_signalled(folder: &Path) -> Result<(), Failed> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    progress("asked to end");
    // What starts while others are killed is killed in the next turn.
    for _ in 0..3 {
        for child in children()? {
            Command::new("kill").arg("-KILL").arg(child).status()?;
        }
    }
    let swept = sweep(folder);
    if let Err(error) = swept {
        progress(&error.to_string());
    }
    process::exit(1);
}

/// The processes that this one started, and that still run.
fn children() -> Result<Vec<String>, Failed> {
    let own = process::id().to_string();
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        // It may have ended meanwhile.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        // `number (name) state parent`, where the name may contain anything.
        let (before, behind) = stat.rsplit_once(") ").unwrap_or_default();
        let mut fields = behind.split(' ');
        let (state, parent) = (fields.next(), fields.next());
        // A shell guards a PostgreSQL server, and ends it as soon as this process is gone: without it the server stays.
        let is_guard = before.ends_with(" (sh");
        if parent == Some(own.as_str()) && state != Some("Z") && !is_guard {
            children.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(children)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_run_in_a_folder_is_kept_out_until_the_first_has_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = in_folder(folder.path()).expect("nobody is there");
        assert!(in_folder(folder.path()).is_err());
        drop(first);
        assert!(in_folder(folder.path()).is_ok());
    }

    #[test]
    fn leftovers_are_removed_and_seeds_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = ["registry-a", "envoy-b", "seeding-c", "seed-1000-d"];
        for name in names {
            fs::create_dir(folder.path().join(name)).expect("a new folder");
        }
        drop(in_folder(folder.path()).expect("nobody is there"));
        let is_there = names.map(|name| folder.path().join(name).exists());
        assert_eq!(is_there, [false, false, false, true]);
    }
}
