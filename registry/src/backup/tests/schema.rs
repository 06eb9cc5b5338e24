//! Claims about tables: those of earlier versions, and those of other ones.

use super::*;

/// A database with the tables of an earlier version and the least that a start makes.
async fn of_version(world: &World, version: i64, home: &Home) {
    let mut dump = Dump::begin(world.home.location()).await.unwrap();
    let mut load = Load::begin(home.location(), version).await.unwrap();
    for table in load.tables.clone() {
        if ![
            "installation",
            "organizations",
            "gateway_groups",
            "digest_keys",
            "revisions",
        ]
        .contains(&table.name.as_str())
        {
            continue;
        }
        let mut rows = Vec::new();
        dump.rows(&table, |row| {
            rows.push(row);
            Ok::<_, BackupError>(())
        })
        .await
        .unwrap();
        load.insert(&table, rows).await.unwrap();
    }
    load.commit([9; 16]).await.unwrap();
}

#[tokio::test]
async fn the_backup_of_an_earlier_version_is_brought_up_to_date() {
    let world = World::new().await;
    let old = world.home.empty().await;
    of_version(&world, 3, &old).await;
    let to = old.path().join("backup");
    let wanted_backup = Backup {
        location: old.location(),
        to: &to,
        overwrite: false,
    };
    let env = &world.env;
    backup(
        wanted_backup,
        &env.keys,
        env.now(),
        env.entropy.as_ref(),
        &mut |_| {},
    )
    .await
    .unwrap();
    let (world, _) = restored(&world, &wanted(&world, &to)).await;
    world.credential("new", NewSecret::GeneratedApiKey).await;
}

#[tokio::test]
async fn tables_of_a_later_version_are_refused_by_name_of_the_version() {
    let world = filled().await;
    let backup = taken(&world).await;
    let home = world.home.empty().await;
    let refused = Load::begin(home.location(), 9_999).await;
    assert!(matches!(refused, Err(OpenError::UnknownTables(9_999))));
    // Tables without rows, of this version: an older backup would not fit.
    let home = world.home.empty().await;
    drop(Load::begin(home.location(), 4).await.unwrap());
    let refused = Load::begin(home.location(), 3).await;
    assert!(matches!(
        refused,
        Err(OpenError::NewerTables { at: 4, wanted: 3 })
    ));
    load_into(&world, &wanted(&world, &backup), &home)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_load_that_was_interrupted_never_happened() {
    let world = World::new().await;
    let home = world.home.empty().await;
    let mut load = Load::begin(home.location(), 4).await.unwrap();
    let mut dump = Dump::begin(world.home.location()).await.unwrap();
    let organizations = dump.tables.iter().find(|one| one.name == "organizations");
    let organizations = organizations.unwrap().clone();
    let mut rows = Vec::new();
    dump.rows(&organizations, |row| {
        rows.push(row);
        Ok::<_, BackupError>(())
    })
    .await
    .unwrap();
    load.insert(&organizations, rows).await.unwrap();
    drop(load);
    let env = &world.env;
    // A registry may begin on it as on any empty database.
    home.open(&env.keys, env.now(), &SeededEntropy::new(6))
        .await
        .unwrap();
}

#[tokio::test]
async fn every_table_is_in_a_backup() {
    let world = World::new().await;
    let dump = Dump::begin(world.home.location()).await.unwrap();
    let mut named: Vec<String> = dump.tables.iter().map(|table| table.name.clone()).collect();
    named.sort();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut declared = Vec::new();
    for migration in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(migration.unwrap().path()).unwrap();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("create table ") {
                declared.push(rest.split([' ', '(']).next().unwrap().to_owned());
            }
        }
    }
    declared.sort();
    assert_eq!(named, declared);
}
