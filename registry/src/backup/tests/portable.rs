//! Claims about moving from one kind of database to the other.

use private_postgres::Database;

use super::*;

async fn into(world: &World, from: &Path, location: Location<'_>) {
    let env = &world.env;
    load(
        &wanted(world, from),
        location,
        &env.keys,
        env.entropy.as_ref(),
    )
    .await
    .unwrap();
}

async fn out_of(world: &World, location: Location<'_>, to: &Path) {
    let wanted = Backup {
        location,
        to,
        overwrite: true,
    };
    let env = &world.env;
    let entropy = env.entropy.as_ref();
    backup(wanted, &env.keys, env.now(), entropy, &mut |_| {})
        .await
        .unwrap();
}

/// Without the identity of the log, which is new each time.
async fn comparable(location: Location<'_>) -> BTreeMap<String, Vec<String>> {
    let mut dump = Dump::begin(location).await.unwrap();
    // The databases list a table's columns in orders of their own.
    for table in &mut dump.tables {
        table.columns.sort();
    }
    let mut rows = rows_of(&mut dump).await;
    rows.remove("installation");
    rows
}

#[tokio::test]
async fn everything_moves_to_postgresql_and_back() {
    let world = filled_in(World::sqlite().await).await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");
    let server = Database::empty().await;
    let file = world.home.path().join(DATABASE);
    out_of(&world, Location::File(&file), &to).await;
    into(&world, &to, Location::Server(server.url())).await;
    let before = comparable(Location::File(&file)).await;
    assert_eq!(before, comparable(Location::Server(server.url())).await);
    out_of(&world, Location::Server(server.url()), &to).await;
    let back = folder.path().join(DATABASE);
    into(&world, &to, Location::File(&back)).await;
    assert_eq!(before, comparable(Location::File(&back)).await);
}

#[tokio::test]
async fn a_registry_starts_on_what_was_moved_to_postgresql() {
    let world = filled_in(World::sqlite().await).await;
    let gateway = world.gateway().await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("backup");
    let server = Database::empty().await;
    let file = world.home.path().join(DATABASE);
    out_of(&world, Location::File(&file), &to).await;
    let wanted = wanted(&world, &to);
    let env = &world.env;
    let location = Location::Server(server.url());
    let entropy = env.entropy.as_ref();
    let loaded = load(&wanted, location, &env.keys, entropy).await.unwrap();
    let store = SqlStore::open_restored(location, &env.keys, env.now(), entropy).await;
    let moved = Environment {
        store: Arc::new(store.unwrap()),
        ..env.clone()
    };
    conclude(&moved, &wanted, &loaded).await.unwrap();
    let feed = crate::feed::Feed::new(moved.clone());
    let mut follower = crate::testing::follower::Follower::new(world.default_group().await);
    follower.catch_up(&feed).await;
    assert_eq!(follower.known(), gateway.known());
    moved.store.close().await;
}

#[tokio::test]
async fn a_backup_of_postgresql_is_of_one_moment_whatever_is_written_meanwhile() {
    let world = World::postgres().await;
    let location = Location::Server(world.home.url().unwrap());
    world.credential("jack", NewSecret::GeneratedApiKey).await;
    let before = comparable(location).await;
    let mut dump = Dump::begin(location).await.unwrap();
    for table in &mut dump.tables {
        table.columns.sort();
    }
    let late = world.credential("late", NewSecret::GeneratedApiKey).await;
    world.delete_credential(late.detail.credential.id).await;
    let mut rows = rows_of(&mut dump).await;
    rows.remove("installation");
    assert_eq!(rows, before);
}
