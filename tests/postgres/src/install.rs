//! Finds what is installed, and who may run it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What to do where nothing is found.
const MISSING: &str = "PostgreSQL is missing: install it (Debian: apt-get install postgresql), or name a server in \
                       TEST_POSTGRES_URL (postgres://user:password@host/database)";

/// The folder with `initdb` and `postgres`.
pub(crate) fn binaries() -> PathBuf {
    let candidates = configured()
        .into_iter()
        .chain(packaged())
        .chain(on_the_path());
    let found = candidates
        .into_iter()
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists());
    found.unwrap_or_else(|| panic!("{MISSING}"))
}

fn configured() -> Option<PathBuf> {
    let said = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(said.stdout).ok()?.trim()))
}

/// Debian's, the newest first.
fn packaged() -> Vec<PathBuf> {
    let Ok(versions) = fs::read_dir("/usr/lib/postgresql") else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = versions
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    let number = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok()).unwrap_or(0)
    };
    found.sort_by_key(|path| std::cmp::Reverse(number(path)));
    found.into_iter().map(|path| path.join("bin")).collect()
}

fn on_the_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

/// As whom root runs a server, which PostgreSQL refuses to run as root: user and group.
pub(crate) fn user_instead_of_root() -> Option<(u32, u32)> {
    let of_this = fs::read_to_string("/proc/self/status").ok()?;
    let ids = of_this.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    if ids.split_whitespace().nth(1) != Some("0") {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids_of = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(
        ids_of("postgres")
            .or_else(|| ids_of("nobody"))
            .unwrap_or((65_534, 65_534)),
    )
}
