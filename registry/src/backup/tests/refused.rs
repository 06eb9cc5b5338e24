//! Claims about what is refused: backups that are not whole, other keys, and databases that do not fit.

use super::*;
use crate::keys;

#[tokio::test]
async fn no_registry_starts_before_everything_is_revoked_again() {
    let world = filled().await;
    let backup = taken(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let wanted = wanted(&world, &backup);
    let loaded = load_into(&world, &wanted, &file).await.unwrap();
    let env = &world.env;
    let start = || SqlStore::open_sqlite(&file, &env.keys, env.now(), env.entropy.as_ref());
    assert!(matches!(start().await, Err(OpenError::RestoreInProgress)));
    let again = load_into(&world, &wanted, &file).await;
    assert!(matches!(again, Err(BackupError::Open(OpenError::NotEmpty))));
    let env = opened(&world, &file).await;
    conclude(&env, &wanted, loaded).await.unwrap();
    env.store.close().await;
    start().await.unwrap();
}

#[tokio::test]
async fn a_backup_that_was_altered_or_cut_off_is_refused_and_nothing_changed() {
    let world = filled().await;
    let backup = taken(&world).await;
    let whole = fs::read_to_string(&backup).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let without = |nth: usize| [&lines[..nth], &lines[nth + 1..]].concat().concat();
    let row = lines.iter().position(|line| line.starts_with('[')).unwrap();
    let last = lines.len() - 1;
    let half = whole.len() / 2;
    let altered = [
        without(row),
        without(last),
        without(last - 1),
        lines[..last - 1].concat(),
        whole[..half].to_owned(),
        whole[..whole.len() - 1].to_owned(),
        whole.replacen("jack", "jill", 1),
        format!("{whole}{}", lines[row]),
        whole.replacen("\"schema\":", "\"schema\": ", 1),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    for (nth, text) in altered.iter().enumerate() {
        fs::write(&backup, text).unwrap();
        let refused = load_into(&world, &wanted(&world, &backup), &file).await;
        assert!(
            matches!(refused, Err(BackupError::Altered { .. })),
            "{nth}: {refused:?}"
        );
        assert!(!file.exists(), "nothing was changed");
    }
    for text in ["", "{}\n", "not json\n", "{\"keysmith_backup\":2}\n"] {
        fs::write(&backup, text).unwrap();
        let refused = load_into(&world, &wanted(&world, &backup), &file).await;
        assert!(matches!(refused, Err(BackupError::NotABackup { .. })));
    }
}

#[tokio::test]
async fn a_backup_is_under_the_master_key_in_use_whichever_is_given_first() {
    let world = filled().await;
    let next = MasterKey::generate(&SeededEntropy::new(7)).unwrap();
    let id = world.env.keys.learn(&next);
    let (_running, shutdown) = crate::shutdown::channel();
    let presence = keys::Presence::new(&world.env, "here".to_owned()).unwrap();
    let source = keys::KeySource::Configured(Some(id));
    let rotator = keys::MasterRotator::new(world.env.clone(), source, presence, shutdown);
    let rotator = Arc::new(rotator);
    rotator.rotate(world.caller()).await.unwrap();
    while keys::status(&world.env).await.unwrap().rotation.is_some() {
        tokio::task::yield_now().await;
    }
    let (file, to) = (
        database(world.home.path()),
        world.home.path().join("backup"),
    );
    let take = async |keys: &Keys| {
        let wanted = Backup {
            location: Location::File(&file),
            to: &to,
            overwrite: false,
        };
        let now = world.env.now();
        backup(wanted, keys, now, world.env.entropy.as_ref(), &mut |_| {}).await
    };
    let old = Keys::derive(&crate::testing::master_key());
    let refused = take(&old).await;
    let wrong = matches!(refused, Err(BackupError::Open(OpenError::WrongMasterKey)));
    assert!(wrong && !to.exists());
    old.learn(&next);
    take(&old).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(&database(folder.path()));
    let entropy = world.env.entropy.as_ref();
    load(
        &wanted(&world, &to),
        location,
        &Keys::derive(&next),
        entropy,
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn another_master_key_is_refused_and_nothing_changed() {
    let world = filled().await;
    let backup = taken(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let other = MasterKey::generate(&SeededEntropy::new(5)).unwrap();
    let keys = Keys::derive(&other);
    let wanted = wanted(&world, &backup);
    let location = Location::File(&file);
    let refused = load(&wanted, location, &keys, world.env.entropy.as_ref()).await;
    assert!(matches!(refused, Err(BackupError::WrongMasterKey)));
    assert!(!file.exists());
}

#[tokio::test]
async fn only_an_empty_database_is_restored_into() {
    let world = filled().await;
    let backup = taken(&world).await;
    let other = World::open(crate::testing::home::Home::sqlite(), 2).await;
    let file = database(other.home.path());
    let before = rows(&file).await;
    let refused = load_into(&world, &wanted(&world, &backup), &file).await;
    assert!(matches!(
        refused,
        Err(BackupError::Open(OpenError::NotEmpty))
    ));
    assert_eq!(rows(&file).await, before);
}

#[tokio::test]
async fn there_is_nothing_to_back_up_where_no_registry_was() {
    let world = World::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let begun = Dump::begin(Location::File(&file)).await;
    assert!(begun.is_err(), "there is no file");
    assert!(!file.exists(), "and none is made");
    fs::write(&file, "").unwrap();
    let begun = Dump::begin(Location::File(&file)).await;
    assert!(matches!(begun, Err(OpenError::Empty)));
    drop(world);
}
