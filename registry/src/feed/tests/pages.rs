//! Claims about how much comes at once.

use super::*;
use crate::ids::ApplicationId;

async fn with_credentials(world: &World, name: &str, count: usize) -> ApplicationId {
    let id = world.application(name).await;
    for nth in 0..count {
        world
            .issue(World::new_credential(id, &format!("c{nth}"), KEY))
            .await
            .unwrap();
    }
    id
}

#[tokio::test]
async fn a_snapshot_of_many_comes_in_bounded_pages() {
    let world = World::new().await;
    for number in 0..25 {
        let id = world.application(&format!("a{number}")).await;
        for name in 0..50 {
            let new = World::new_credential(id, &format!("c{name}"), KEY);
            world.issue(new).await.unwrap();
        }
    }
    let gateway = world.gateway().await;
    assert_eq!(gateway.applications.len(), 25);
    assert_eq!(gateway.credentials.len(), 1250);
    for page in &gateway.pages {
        assert!(page.encode().unwrap().len() <= filter_core::feed::MAX_PAGE_BYTES + 1024);
    }
    assert!(gateway.pages.len() > 3);
}

#[tokio::test]
async fn many_changes_come_in_bounded_pages_of_whole_revisions() {
    let world = World::new().await;
    let mut gateway = world.gateway().await;
    for number in 0..510 {
        world.credential(&format!("a{number}"), KEY).await;
    }
    let before = gateway.pages.len();
    gateway.catch_up(&world.feed).await;
    let pages = &gateway.pages[before..];
    assert!(
        pages.len() == 3 && pages[0].more,
        "two full, and the empty one"
    );
    for page in pages {
        let Body::Changes(changes) = &page.body else {
            panic!("a snapshot is not needed")
        };
        assert!(changes.changes.len() <= filter_core::feed::MAX_PAGE_RECORDS);
        assert!(page.encode().unwrap().len() <= filter_core::feed::MAX_PAGE_BYTES + 1024);
    }
    assert_eq!(gateway.known(), world.gateway().await.known());
}

#[tokio::test]
async fn a_transaction_is_never_split_over_pages() {
    let world = World::new().await;
    let id = with_credentials(&world, "big", 1010).await;
    let mut gateway = world.gateway().await;
    application::delete(&world.env, world.caller(), id, None)
        .await
        .unwrap();
    world.application("next").await;
    gateway.step(&world.feed).await;
    assert!(gateway.credentials.is_empty() && gateway.applications.is_empty());
    assert!(gateway.pages.last().unwrap().more);
    gateway.catch_up(&world.feed).await;
    assert_eq!(gateway.known(), world.gateway().await.known());
}

#[tokio::test]
async fn a_transaction_too_large_to_be_told_is_a_snapshot() {
    let world = World::new().await;
    let stays = world.credential("stays", KEY).await;
    // Gone from one group and deployed to another at once: both ways of writing many changes.
    let id = with_credentials(&world, "big", 1110).await;
    groups::move_to(&world, id, Some(&["default"])).await;
    let other = gateway::create_group(
        &world.env,
        world.caller(),
        "other".to_owned(),
        Mode::Automatic,
    )
    .await
    .unwrap();
    let mut here = world.gateway().await;
    let mut there = world.gateway_of(other.value.id).await;
    groups::move_to(&world, id, Some(&["other"])).await;
    for gateway in [&mut here, &mut there] {
        assert!(is_beginning(&next(&world, gateway).await));
        gateway.catch_up(&world.feed).await;
    }
    assert_eq!((here.credentials.len(), there.credentials.len()), (1, 1111));
    assert!(here.by_value(stays.secret.as_ref().unwrap()).is_some());
}
