//! A seed in a PostgreSQL server.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use jiff::Timestamp;
use private_postgres::Server;
use tempfile::TempDir;

use super::Seeded;
use crate::report::{Context, Failed};

/// As a server is operated: a commit is on the disk before it is answered.
const DURABLE: [&str; 4] = [
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "shared_buffers=128MB",
];
/// The database with the seed, of which every registry gets a copy.
const SEED: &str = "seed";

/// A server with the seed in it, and the data folder that belongs to it.
#[derive(Debug)]
pub(super) struct Filled {
    server: Server,
    folder: TempDir,
    copies: AtomicU32,
}

impl Filled {
    /// Starts a server, and fills it with what lies in `seed`'s file.
    pub(super) fn from(seed: &Seeded, context: &Context) -> Result<Self, Failed> {
        let filled = Self {
            server: Server::start_with(&DURABLE),
            folder: TempDir::with_prefix_in("seeding-", &context.folder)?,
            copies: AtomicU32::new(0),
        };
        let (source, backup) = (
            filled.folder.path().join("source"),
            filled.folder.path().join("backup"),
        );
        seed.copy_to(&source)?;
        fs::create_dir(filled.data_dir())?;
        fs::copy(
            source.join("master.key"),
            filled.data_dir().join("master.key"),
        )?;
        let before = Timestamp::from_second(Timestamp::now().as_second())?.to_string();
        keysmith(context, &source).run(&["backup", path(&backup)?])?;
        filled.server.create_database(SEED, "template0");
        // Nothing was ever revoked in a seed, so there is no journal to be replayed.
        let accept = ["--accept-revoked-since", &before];
        let mut restore = keysmith(context, &filled.data_dir());
        restore
            .command
            .env("KEYSMITH_DATABASE_URL", filled.server.url(SEED));
        restore.run(&[&["restore", path(&backup)?], &accept[..]].concat())?;
        fs::remove_file(backup)?;
        fs::remove_dir_all(source)?;
        Ok(filled)
    }

    /// What a registry on one of the copies must find in its data folder.
    pub(super) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A new copy of the database: how it is reached.
    pub(super) fn copy(&self) -> String {
        let name = format!("copy_{}", self.copies.fetch_add(1, Ordering::Relaxed));
        self.server.create_database(&name, SEED);
        self.server.url(&name)
    }
}

/// The registry's binary as a command on the registry's machine.
struct Keysmith {
    command: Command,
}

fn keysmith(context: &Context, data: &Path) -> Keysmith {
    let mut command = Command::new(&context.keysmith);
    command.env("KEYSMITH_DATA_DIR", data);
    Keysmith { command }
}

impl Keysmith {
    fn run(mut self, arguments: &[&str]) -> Result<(), Failed> {
        let done = self.command.args(arguments).output()?;
        if done.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        Err(format!("keysmith {}: {said}", arguments.join(" ")).into())
    }
}

fn path(path: &Path) -> Result<&str, Failed> {
    path.to_str()
        .ok_or_else(|| "the folder's name is not UTF-8".into())
}
