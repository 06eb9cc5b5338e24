use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;
use crate::{
    application,
    audit::AuditQuery,
    credential::{Issued, NewSecret},
    entropy::SeededEntropy,
    environment::Environment,
    journal::{self, Revoked},
    secrets::{Keys, MasterKey},
    store::{
        OpenError, Store as _,
        sql::{Dump, Load, Location, SqlStore},
    },
    testing::{DATABASE, HOUR, World, home::Home, secret},
    token::{self, NewRole, NewToken},
};

mod journals;
mod portable;
mod refused;
mod schema;

/// Makes a backup of the world in its folder.
async fn taken(world: &World) -> PathBuf {
    let to = world.home.path().join("backup");
    take(world, &to, true).await.unwrap();
    to
}

async fn take(world: &World, to: &Path, overwrite: bool) -> Result<BackedUp, BackupError> {
    let wanted = Backup {
        location: world.home.location(),
        to,
        overwrite,
    };
    let env = &world.env;
    backup(
        wanted,
        &env.keys,
        env.now(),
        env.entropy.as_ref(),
        &mut |_| {},
    )
    .await
}

/// With what was revoked since accepted.
fn wanted(world: &World, from: &Path) -> Restore {
    Restore {
        from: from.to_owned(),
        journals: Vec::new(),
        accept_revoked_since: Some(world.env.now()),
    }
}

async fn load_into(world: &World, wanted: &Restore, home: &Home) -> Result<Loaded, BackupError> {
    let env = &world.env;
    load(wanted, home.location(), &env.keys, env.entropy.as_ref()).await
}

/// What use cases need on the database that was filled.
async fn opened(world: &World, home: &Home) -> Environment {
    let env = &world.env;
    let store =
        SqlStore::open_restored(home.location(), &env.keys, env.now(), env.entropy.as_ref());
    Environment {
        store: Arc::new(store.await.unwrap()),
        ..env.clone()
    }
}

/// Restores into a database of its own.
async fn restored(world: &World, wanted: &Restore) -> (World, Vec<Replayed>) {
    let home = world.home.empty().await;
    let loaded = load_into(world, wanted, &home).await.unwrap();
    let env = opened(world, &home).await;
    let replayed = conclude(&env, wanted, &loaded).await.unwrap();
    env.store.close().await;
    (World::open(home, 7).await, replayed)
}

/// Nothing was changed in the database that was to be filled.
async fn assert_untouched(home: &Home) {
    if home.url().is_some() {
        let begun = Dump::begin(home.location()).await;
        assert!(matches!(begun, Err(OpenError::Empty)), "it was filled");
    } else {
        assert!(!home.path().join(DATABASE).exists(), "there is a file");
    }
}

/// Every row of every table, by table.
async fn rows_of(dump: &mut Dump) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for table in dump.tables.clone() {
        let mut rows = Vec::new();
        dump.rows(&table, |row| {
            rows.push(format!("{row:?}"));
            Ok::<_, BackupError>(())
        })
        .await
        .unwrap();
        rows.sort();
        all.insert(table.name, rows);
    }
    all
}

async fn rows(home: &Home) -> BTreeMap<String, Vec<String>> {
    rows_of(&mut Dump::begin(home.location()).await.unwrap()).await
}

/// With something of most kinds.
async fn filled() -> World {
    filled_in(World::new().await).await
}

async fn filled_in(world: World) -> World {
    let one = world.credential("jack", NewSecret::GeneratedApiKey).await;
    let next = crate::credential::RotatedSecret::Generated { username: None };
    world
        .rotate(one.detail.credential.id, HOUR, next)
        .await
        .unwrap();
    let chosen = NewSecret::ChosenPassword {
        username: "rose".to_owned(),
        password: secret("correct horse battery"),
    };
    world.credential("rose", chosen).await;
    let gone = world.credential("gone", NewSecret::GeneratedApiKey).await;
    world.delete_credential(gone.detail.credential.id).await;
    a_token(&world).await;
    world
}

async fn a_token(world: &World) -> crate::ids::TokenId {
    let new = NewToken {
        role: NewRole::PortalAdmin,
        description: "back\\slash, quote \" and ünïcode".to_owned(),
        expires_at: None,
    };
    let (token, _) = token::create(&world.env, world.caller(), new, None)
        .await
        .unwrap();
    token.id
}

fn of(issued: &Issued) -> crate::secrets::SecretText {
    issued.secret.clone().unwrap()
}

#[tokio::test]
async fn what_is_restored_is_what_was_backed_up_in_every_table() {
    let world = filled().await;
    let backup = taken(&world).await;
    let home = world.home.empty().await;
    load_into(&world, &wanted(&world, &backup), &home)
        .await
        .unwrap();
    let mut before = rows(&world.home).await;
    let mut after = rows(&home).await;
    for table in ["secrets", "tokens", "audit", "changes", "deployed_secrets"] {
        assert!(!before[table].is_empty(), "{table}");
    }
    let installation = before.remove("installation").unwrap();
    assert_ne!(
        after.remove("installation").unwrap(),
        installation,
        "the log has a new identity"
    );
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_backup_is_of_one_moment_whatever_is_written_meanwhile() {
    let world = filled().await;
    let before = rows(&world.home).await;
    let mut dump = Dump::begin(world.home.location()).await.unwrap();
    let one = world.credential("late", NewSecret::GeneratedApiKey).await;
    world.rotate_now(one.detail.credential.id).await;
    let id = one.detail.credential.application;
    application::delete(&world.env, world.caller(), id, None)
        .await
        .unwrap();
    assert_eq!(rows_of(&mut dump).await, before);
    assert_ne!(rows(&world.home).await, before);
}

#[tokio::test]
async fn gateways_take_a_snapshot_of_what_was_restored_and_forget_the_rest() {
    let world = World::new().await;
    let kept = world.credential("kept", NewSecret::GeneratedApiKey).await;
    let backup = taken(&world).await;
    let lost = world.credential("lost", NewSecret::GeneratedApiKey).await;
    let mut gateway = world.gateway().await;
    let (world, _) = restored(&world, &wanted(&world, &backup)).await;
    // As many changes as were lost.
    world.credential("other", NewSecret::GeneratedApiKey).await;
    gateway.catch_up(&world.feed).await;
    assert_eq!(gateway.known(), world.gateway().await.known());
    assert!(gateway.by_value(&of(&kept)).is_some());
    assert!(gateway.by_value(&of(&lost)).is_none());
}

#[tokio::test]
async fn a_backup_is_readable_for_its_owner_alone_and_replaces_nothing_by_itself() {
    let world = filled().await;
    let to = world.home.path().join("backup");
    // Somebody who waits for it can have no file of the same name ready.
    let planted = world.home.path().join("backup.partial");
    fs::write(&planted, "").unwrap();
    take(&world, &to, false).await.unwrap();
    assert_eq!(fs::read(&planted).unwrap(), b"");
    fs::remove_file(&planted).unwrap();
    let mode = fs::metadata(&to).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = fs::read(&to).unwrap();
    let refused = take(&world, &to, false).await;
    assert!(matches!(refused, Err(BackupError::Exists { .. })));
    assert_eq!(fs::read(&to).unwrap(), before);
    take(&world, &to, true).await.unwrap();
    assert_ne!(fs::read(&to).unwrap(), before);
    let left = fs::read_dir(world.home.path()).unwrap();
    let partial = left
        .map(|file| file.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "partial"));
    assert_eq!(partial, None);
}

#[tokio::test]
async fn a_backup_holds_no_secret_and_no_hash_of_one() {
    let world = World::new().await;
    let one = world.credential("jack", NewSecret::GeneratedApiKey).await;
    let backup = taken(&world).await;
    let text = fs::read_to_string(&backup).unwrap();
    let value = of(&one);
    assert!(!text.contains(value.expose()));
    let hash = filter_core::digest::SecretHash::of_value(value.expose().as_bytes());
    assert!(!text.contains(&STANDARD.encode(hash.expose())));
    assert!(text.contains("jack"), "it is readable");
}
