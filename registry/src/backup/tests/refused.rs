//! Claims about what is refused: backups that are not whole, other keys, and databases that do not fit.

use super::*;
use crate::keys;

#[tokio::test]
async fn no_registry_starts_before_everything_is_revoked_again() {
    let world = filled().await;
    let backup = taken(&world).await;
    let home = world.home.empty().await;
    let wanted = wanted(&world, &backup);
    let loaded = load_into(&world, &wanted, &home).await.unwrap();
    let env = &world.env;
    let entropy = SeededEntropy::new(6);
    let start = || home.open(&env.keys, env.now(), &entropy);
    assert!(matches!(start().await, Err(OpenError::RestoreInProgress)));
    let again = load_into(&world, &wanted, &home).await;
    assert!(matches!(again, Err(BackupError::Open(OpenError::NotEmpty))));
    let env = opened(&world, &home).await;
    conclude(&env, &wanted, &loaded).await.unwrap();
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
    let home = world.home.empty().await;
    for (nth, text) in altered.iter().enumerate() {
        fs::write(&backup, text).unwrap();
        let refused = load_into(&world, &wanted(&world, &backup), &home).await;
        assert!(
            matches!(refused, Err(BackupError::Altered { .. })),
            "{nth}: {refused:?}"
        );
        assert_untouched(&home).await;
    }
    for text in ["", "{}\n", "not json\n", "{\"keysmith_backup\":2}\n"] {
        fs::write(&backup, text).unwrap();
        let refused = load_into(&world, &wanted(&world, &backup), &home).await;
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
    let to = world.home.path().join("backup");
    let take = async |keys: &Keys| {
        let wanted = Backup {
            location: world.home.location(),
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
    let home = world.home.empty().await;
    let location = home.location();
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
    let home = world.home.empty().await;
    let other = MasterKey::generate(&SeededEntropy::new(5)).unwrap();
    let keys = Keys::derive(&other);
    let wanted = wanted(&world, &backup);
    let location = home.location();
    let refused = load(&wanted, location, &keys, world.env.entropy.as_ref()).await;
    assert!(matches!(refused, Err(BackupError::WrongMasterKey)));
    assert_untouched(&home).await;
}

#[tokio::test]
async fn only_an_empty_database_is_restored_into() {
    let world = filled().await;
    let backup = taken(&world).await;
    let other = World::seeded(2).await;
    let before = rows(&other.home).await;
    let refused = load_into(&world, &wanted(&world, &backup), &other.home).await;
    assert!(matches!(
        refused,
        Err(BackupError::Open(OpenError::NotEmpty))
    ));
    assert_eq!(rows(&other.home).await, before);
}

#[tokio::test]
async fn there_is_nothing_to_back_up_where_no_registry_was() {
    let world = World::new().await;
    let home = world.home.empty().await;
    let begun = Dump::begin(home.location()).await;
    assert!(begun.is_err(), "there is nothing");
    assert_untouched(&home).await;
    if home.url().is_none() {
        fs::write(home.path().join(DATABASE), "").unwrap();
    }
    let begun = Dump::begin(home.location()).await;
    assert!(matches!(begun, Err(OpenError::Empty)));
}

#[tokio::test]
async fn no_backup_is_made_under_another_key_than_the_databases() {
    let world = filled().await;
    let to = world.home.path().join("backup");
    let wanted = Backup {
        location: world.home.location(),
        to: &to,
        overwrite: false,
    };
    let other = MasterKey::generate(&SeededEntropy::new(5)).unwrap();
    let env = &world.env;
    let keys = Keys::derive(&other);
    let refused = backup(wanted, &keys, env.now(), env.entropy.as_ref(), &mut |_| {}).await;
    assert!(
        matches!(refused, Err(BackupError::Open(OpenError::WrongMasterKey))),
        "{refused:?}"
    );
    assert!(!to.exists());
}

#[tokio::test]
async fn nothing_of_a_backup_is_believed_before_its_tag_fits() {
    let world = filled().await;
    let backup = taken(&world).await;
    let whole = fs::read_to_string(&backup).unwrap();
    let (header, rest) = whole.split_once('\n').unwrap();
    // What a parser would have to hold in memory a hundred times over is not parsed.
    let bomb = format!("[{}]", "[],".repeat(100_000));
    fs::write(&backup, format!("{header}\n{bomb}\n{rest}")).unwrap();
    let home = world.home.empty().await;
    let refused = load_into(&world, &wanted(&world, &backup), &home).await;
    assert!(matches!(
        refused,
        Err(BackupError::Altered {
            what: "its tag does not fit",
            ..
        })
    ));
    let long = format!("{header}{}\n{rest}", " ".repeat(300_000));
    fs::write(&backup, long).unwrap();
    let refused = load_into(&world, &wanted(&world, &backup), &home).await;
    assert!(matches!(refused, Err(BackupError::Altered { .. })));
    assert_untouched(&home).await;
}
