//! Another registry, from a backup of the one that was killed all the time and from its journal: what was revoked or disabled
//! since the backup is so there too.

use std::{fs, path::Path};

use e2e::registry::{Registry, Settings};

use crate::{check, follower::Follower, model::Model, run::Database};

/// The folder of the backup.
pub(crate) fn backup(of: &Settings, to: &Path) -> Result<(), String> {
    run(of, &["backup", "--overwrite", &to.display().to_string()])
}

fn run(settings: &Settings, arguments: &[&str]) -> Result<(), String> {
    let output = settings.command(arguments).output();
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("keysmith {}: {said}", arguments[0]))
}

/// Restores the backup of `of`, whose registry has ended, and looks for what must not work.
pub(crate) async fn check(
    of: &Settings,
    database: Database,
    from: &Path,
    models: &[&Model],
) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut settings = Settings::new(folder.path());
    settings.admin_token.clone_from(&of.admin_token);
    settings.gateway_token.clone_from(&of.gateway_token);
    let server = match database {
        Database::Sqlite => None,
        Database::Postgres => Some(private_postgres::Database::empty().await),
    };
    let url = server.as_ref().map(|server| server.url().to_owned());
    settings.more = url
        .map(|url| ("DATABASE_URL".to_owned(), url))
        .into_iter()
        .collect();
    fs::create_dir(&settings.data).expect("a folder");
    let key = "master.key";
    fs::copy(of.data.join(key), settings.data.join(key)).expect("the master key");
    let journal = of.data.join("revocations.journal");
    let (from, journal) = (from.display().to_string(), journal.display().to_string());
    run(&settings, &["restore", &from, "--journal", &journal])?;
    let token = settings.gateway_token.clone();
    let registry = Registry::start(settings, folder.path()).await;
    let mut gateway = Follower::new(registry.client(), &token, false);
    gateway.catch_up().await?;
    for model in models {
        check::nothing_is_back(&gateway, model)?;
        check::dead_logins(&registry.admin(), model).await?;
    }
    drop(registry);
    Ok(())
}
