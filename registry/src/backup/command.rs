//! `keysmith backup` and `keysmith restore`: with the configuration that `serve` reads.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::Path,
};

use super::{BackedUp, Backup, BackupError, Loaded, Replayed, Restore, shown, write};
use crate::{
    config::Config,
    serve::{self, ServeError, World},
    start::DataDir,
    store::sql::Location,
};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The backup or the database.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// What a registry needs as well.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Makes a backup while a registry may run. Says what it did on the standard error.
pub async fn backup(
    config: &Config,
    world: &World,
    to: &Path,
    overwrite: bool,
) -> Result<(), CommandError> {
    let data = DataDir::beside(&config.data_dir);
    let file = data.database_path();
    let keys = serve::known_keys(config, &data, &file.display().to_string());
    let keys = keys.map_err(ServeError::from)?;
    let wanted = Backup {
        location: location(config, &file),
        to,
        overwrite,
    };
    let draws = io::stderr().is_terminal();
    let mut progress = |rows: u64| {
        if draws {
            let _ = write!(io::stderr(), "\r{rows} rows");
        }
    };
    let now = world.clock.now();
    let done = write::backup(wanted, &keys, now, &*world.entropy, &mut progress).await?;
    say_backed_up(to, done, draws);
    Ok(())
}

fn say_backed_up(to: &Path, done: BackedUp, draws: bool) {
    let BackedUp {
        tables,
        rows,
        revision,
    } = done;
    let place = if to == Path::new("-") {
        "the standard output".to_owned()
    } else {
        to.display().to_string()
    };
    let back = if draws { "\r" } else { "" };
    let _ = writeln!(
        io::stderr(),
        "{back}{rows} rows of {tables} tables at revision {revision} are in {place}. Keep the master key elsewhere: \
         the backup does not hold it, and is of no use without it."
    );
}

/// Fills an empty database. No registry may use it meanwhile. Says what it did on the standard error.
pub async fn restore(
    config: Config,
    world: &World,
    mut wanted: Restore,
) -> Result<(), CommandError> {
    let data = DataDir::open(&config.data_dir).map_err(ServeError::from)?;
    let own = &config.revocation_journal;
    let has_own = std::fs::metadata(own).is_ok_and(|metadata| metadata.len() > 0);
    if has_own && !wanted.journals.contains(own) {
        wanted.journals.push(own.clone());
    }
    let keys = serve::known_keys(&config, &data, "the backup").map_err(ServeError::from)?;
    let file = data.database_path();
    let location = location(&config, &file);
    let loaded = super::load(&wanted, location, &keys, &*world.entropy).await?;
    let environment = serve::open_restored(&config, &data, keys, world).await?;
    let replayed = super::conclude(&environment, &wanted, &loaded).await;
    environment.store.close().await;
    say_restored(&loaded, &replayed?, &wanted);
    Ok(())
}

fn say_restored(loaded: &Loaded, replayed: &[Replayed], wanted: &Restore) {
    let mut err = io::stderr();
    let Loaded {
        created_at,
        revision,
        rows,
        ..
    } = loaded;
    let created_at = shown(*created_at);
    let _ = writeln!(
        err,
        "{rows} rows of the backup of {created_at} (revision {revision}) are restored."
    );
    for one in replayed {
        let path = one.path.display();
        let (read, again) = (one.read, one.again);
        let until = one
            .last_at
            .map_or_else(String::new, |last| format!(", the last of {}", shown(last)));
        let _ = writeln!(
            err,
            "{path}: {read} entries{until}; {again} of them were not in the backup and are carried out again."
        );
    }
    if let Some(since) = wanted.accept_revoked_since {
        let since = shown(since);
        let _ = writeln!(
            err,
            "What was revoked since {since} and is in no journal works again, as accepted. That is in the audit log."
        );
    }
    let _ = writeln!(
        err,
        "The registry can be started. Every gateway takes a full snapshot, and serves what it has until then."
    );
}

fn location<'a>(config: &'a Config, file: &'a Path) -> Location<'a> {
    match &config.database.url {
        Some(url) => Location::Server(url.expose()),
        None => Location::File(file),
    }
}
