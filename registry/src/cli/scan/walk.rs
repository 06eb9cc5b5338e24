//! The files below a path.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What is stored of a repository's history is compressed: there is nothing to find by reading it.
const SKIPPED_FOLDER: &str = ".git";

/// Hands every regular file below `path` to `each`, in order of name. Symbolic links are not followed, but for `path`
/// itself. What cannot be read goes to `trouble`, and the rest is walked all the same.
pub(super) fn walk(
    path: &Path,
    each: &mut dyn FnMut(&Path),
    trouble: &mut dyn FnMut(&Path, &io::Error),
) {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {}
        // Whatever was named is read: also a pipe of the shell.
        Ok(_) => return each(path),
        Err(error) => return trouble(path, &error),
    }
    // A stack, because folders may lie deeper than calls may.
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        match children(&path) {
            Ok(None) => each(&path),
            Ok(Some(children)) => waiting.extend(children.into_iter().rev()),
            Err(error) => trouble(&path, &error),
        }
    }
}

/// What of a folder is to be looked at; `None` for a file.
fn children(path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let is_wanted = kind.is_file() || (kind.is_dir() && entry.file_name() != SKIPPED_FOLDER);
        if is_wanted {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(Some(found))
}
