//! Claims about positions, and what happens where they do not match.

use super::*;

#[tokio::test]
async fn an_unknown_cursor_begins_a_snapshot() {
    let world = World::new().await;
    let mut gateway = world.gateway().await;
    let valid = gateway.cursor.clone().unwrap();
    for cursor in [
        "",
        "42",
        "nonsense!",
        &valid[..valid.len() - 1],
        &format!("{valid}A"),
    ] {
        gateway.cursor = Some(cursor.to_owned());
        assert!(is_beginning(&next(&world, &gateway).await), "{cursor}");
    }
    gateway.cursor = Some(valid);
    assert!(!is_beginning(&next(&world, &gateway).await));
}

#[tokio::test]
async fn a_cursor_of_another_database_begins_a_snapshot() {
    let mut gateway = World::seeded(1).await.gateway().await;
    let other = World::seeded(2).await;
    gateway.group = other.default_group().await;
    assert!(is_beginning(&next(&other, &gateway).await));
}

#[tokio::test]
async fn a_cursor_of_another_group_begins_a_snapshot() {
    let world = World::new().await;
    let other = gateway::create_group(
        &world.env,
        world.caller(),
        "other".to_owned(),
        Mode::Automatic,
    )
    .await
    .unwrap();
    let mut gateway = world.gateway().await;
    gateway.group = other.value.id;
    assert!(is_beginning(&next(&world, &gateway).await));
}

#[tokio::test]
async fn a_database_that_was_rolled_back_begins_a_snapshot() {
    let world = World::sqlite().await;
    let gone = world.credential("gone", KEY).await;
    let folder = world.close().await;
    let backup = std::fs::read(folder.path().join(DATABASE)).unwrap();
    let world = World::open(folder, 2).await;
    world.delete_credential(gone.detail.credential.id).await;
    let mut gateway = world.gateway().await;
    let head = world.env.store.read().await.unwrap().head().await.unwrap();
    let folder = world.close().await;

    std::fs::write(folder.path().join(DATABASE), backup).unwrap();
    let world = World::open(folder, 3).await;
    assert!(
        is_beginning(&next(&world, &gateway).await),
        "the revision does not exist yet"
    );
    world.credential("other", KEY).await;
    let again = world.env.store.read().await.unwrap().head().await.unwrap();
    assert!(again.epoch == head.epoch && again.revision >= head.revision);
    assert!(
        is_beginning(&next(&world, &gateway).await),
        "the revision is another one"
    );
    gateway.catch_up(&world.feed).await;
    assert_eq!(gateway.known(), world.gateway().await.known());
}

#[tokio::test]
async fn a_gateway_that_was_away_longer_than_the_log_is_kept_takes_a_snapshot() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let at_the_end = {
        world.credential("a", KEY).await;
        world.gateway().await
    };
    world.clock.advance(LOG_KEPT + HOUR);
    world.sweep().await;
    assert!(is_beginning(&next(&world, &gateway).await));
    assert!(
        !is_beginning(&next(&world, &at_the_end).await),
        "nothing is missing after the last revision"
    );
    world.credential("b", KEY).await;
    assert!(!is_beginning(&next(&world, &at_the_end).await));
}
