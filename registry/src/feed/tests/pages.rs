//! Claims about how much comes at once.

use super::*;

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
    gateway.catch_up(&world.env).await;
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
    let id = world.application("big").await;
    for name in 0..1010 {
        world
            .issue(World::new_credential(id, &format!("c{name}"), KEY))
            .await
            .unwrap();
    }
    let mut gateway = world.gateway().await;
    application::delete(&world.env, world.organization, id, None)
        .await
        .unwrap();
    world.application("next").await;
    gateway.step(&world.env).await;
    assert!(gateway.credentials.is_empty() && gateway.applications.is_empty());
    assert!(gateway.pages.last().unwrap().more);
    gateway.catch_up(&world.env).await;
    assert_eq!(gateway.known(), world.gateway().await.known());
}
