//! Files of the data directory: its lock, and secrets that only the owner reads.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::StartError;

/// The file stays when the lock is given back: to remove it would let two processes lock two files of one name.
pub(super) fn lock(directory: &Path) -> Result<File, StartError> {
    let path = directory.join("lock");
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(|source| file_error("create", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse {
            path: directory.display().to_string(),
        }),
        Err(TryLockError::Error(source)) => Err(file_error("lock", &path, source)),
    }
}

pub(super) fn read_if_exists(path: &Path) -> Result<Option<Zeroizing<String>>, StartError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(file_error("read", path, source)),
    }
}

/// Writes a file that only the owner reads, complete or not at all, and waits until it is on the disk.
pub(super) fn write_secret(path: &Path, text: &str) -> Result<(), StartError> {
    let write = || {
        let partial = write_partial(path, text)?;
        // A link, unlike a rename, never replaces what somebody else wrote meanwhile.
        let linked = fs::hard_link(&partial, path);
        fs::remove_file(&partial)?;
        linked?;
        sync_directory(path)
    };
    write().map_err(|source| file_error("write", path, source))
}

/// The same in place of a file that is there.
pub(super) fn replace_secret(path: &Path, text: &str) -> Result<(), StartError> {
    let write = || {
        fs::rename(write_partial(path, text)?, path)?;
        sync_directory(path)
    };
    write().map_err(|source| file_error("write", path, source))
}

/// Waits until the file's name is on the disk, which its content alone does not promise.
pub(super) fn sync_directory(of: &Path) -> io::Result<()> {
    let directory = of.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

fn write_partial(path: &Path, text: &str) -> io::Result<PathBuf> {
    let partial = path.with_extension("partial");
    // Whoever was killed left it behind, perhaps as a second name of a secret that is in use: only that name may go.
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    Ok(partial)
}

pub(super) fn file_error(doing: &'static str, path: &Path, source: io::Error) -> StartError {
    StartError::File {
        doing,
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_registry_left_under_two_names_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let [used, next, partial] = ["master.key", "master.key.next", "master.key.partial"]
            .map(|name| folder.path().join(name));
        write_secret(&next, "first").unwrap();
        // Killed between the link and the removal; then the key was put to use.
        fs::hard_link(&next, &partial).unwrap();
        fs::rename(&next, &used).unwrap();
        write_secret(&next, "second").unwrap();
        assert_eq!(fs::read_to_string(&used).unwrap(), "first\n");
        assert_eq!(fs::read_to_string(&next).unwrap(), "second\n");
        assert!(!partial.exists());
        fs::hard_link(&used, &partial).unwrap();
        replace_secret(&next, "third").unwrap();
        assert_eq!(fs::read_to_string(&used).unwrap(), "first\n");
    }
}
