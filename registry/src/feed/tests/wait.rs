//! Claims about polls that wait.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::{shared::Counting, *};
use crate::{clock::Timestamp, ids::ApplicationId};

fn poll(feed: &Arc<Feed>, follower: &Follower, wait: Duration) -> JoinHandle<Page> {
    let (feed, group, cursor) = (Arc::clone(feed), follower.group, follower.cursor.clone());
    tokio::spawn(async move {
        let follow = feed.follow(group, cursor.as_deref(), wait, future::pending());
        follow.await.unwrap().decode().unwrap()
    })
}

fn changes(page: &Page) -> usize {
    match &page.body {
        Body::Changes(changes) => changes.changes.len(),
        Body::Snapshot(_) | Body::Key(_) => panic!("a snapshot is not needed"),
    }
}

async fn listing(world: &World, name: &str, group: &str) -> ApplicationId {
    let new = application::NewApplication {
        gateway_groups: Some(vec![group.to_owned()]),
        ..World::new_application(name)
    };
    world.try_application(new).await.unwrap().id
}

async fn other(world: &World) -> GatewayGroup {
    gateway::create_group(
        &world.env,
        world.caller(),
        "other".to_owned(),
        Mode::Automatic,
    )
    .await
    .unwrap()
    .value
}

#[tokio::test]
async fn a_waiting_gateway_is_told_of_a_change_and_looks_for_no_other_groups() {
    let mut world = World::new().await;
    let group = other(&world).await;
    let there = world.gateway_of(group.id).await;
    let counting = Counting::in_place(&mut world);
    let waiting = poll(&world.feed, &there, Duration::from_mins(1));
    while counting.reads() == 0 {
        tokio::task::yield_now().await;
    }
    for number in 0..5 {
        listing(&world, &format!("a{number}"), "default").await;
    }
    assert_eq!(counting.reads(), 1);
    listing(&world, "there", "other").await;
    assert_eq!(changes(&waiting.await.unwrap()), 1);
    assert_eq!(counting.reads(), 2);
}

#[tokio::test]
async fn a_poll_that_ends_by_time_is_past_what_other_groups_were_told() {
    let world = World::new().await;
    let group = other(&world).await;
    let there = world.gateway_of(group.id).await;
    let waiting = poll(&world.feed, &there, Duration::from_millis(200));
    tokio::task::yield_now().await;
    listing(&world, "only-in-default", "default").await;
    let page = waiting.await.unwrap();
    let Body::Changes(told) = &page.body else {
        panic!("nothing changed")
    };
    assert_eq!((told.changes.len(), told.revision), (0, 1));
    let head = world.env.store.read().await.unwrap().head().await.unwrap();
    let cursor = Cursor::parse(&page.next).unwrap();
    assert_eq!(
        (cursor.revision, cursor.change_id),
        (head.revision, head.change_id)
    );
}

#[tokio::test]
async fn what_gateways_do_not_see_does_not_reach_them() {
    let world = World::new().await;
    let issued = world.credential("a", KEY).await;
    let (id, application) = {
        let credential = &issued.detail.credential;
        (credential.id, credential.application)
    };
    let revision = world.env.store.revision();
    let labels = || Some([("a".to_owned(), "b".to_owned())].into());
    let patch = ApplicationPatch {
        description: Some("for people".to_owned()),
        labels: labels(),
        ..ApplicationPatch::default()
    };
    let caller = world.caller();
    application::update(&world.env, caller, application, None, patch)
        .await
        .unwrap();
    let patch = CredentialPatch {
        name: Some("b".to_owned()),
        description: Some("for people".to_owned()),
        labels: labels(),
        ..CredentialPatch::default()
    };
    credential::update(&world.env, caller, id, None, patch)
        .await
        .unwrap();
    assert_eq!(world.env.store.revision(), revision);

    let seen: [CredentialPatch; 4] = [
        CredentialPatch {
            enabled: Some(false),
            ..CredentialPatch::default()
        },
        CredentialPatch {
            scopes: Some(vec!["read".to_owned()]),
            ..CredentialPatch::default()
        },
        CredentialPatch {
            not_before: Edit::Set(Some(Timestamp::from_millis(1))),
            ..CredentialPatch::default()
        },
        CredentialPatch {
            expires_at: Edit::Set(Some(world.env.now().after(HOUR))),
            ..CredentialPatch::default()
        },
    ];
    for (nth, patch) in (1..).zip(seen) {
        credential::update(&world.env, caller, id, None, patch)
            .await
            .unwrap();
        assert_eq!(world.env.store.revision(), revision + nth);
    }
}

#[tokio::test]
async fn a_poll_ends_empty_when_the_wait_is_over_or_the_registry_stops() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let cursor = gateway.cursor.as_deref();
    let poll = |wait, stop: bool| {
        let feed = &world.feed;
        let group = gateway.group;
        async move {
            let shutdown = async move {
                if !stop {
                    future::pending::<()>().await;
                }
            };
            let follow = feed.follow(group, cursor, wait, shutdown);
            follow.await.unwrap().decode().unwrap()
        }
    };
    for page in [
        poll(Duration::ZERO, false).await,
        poll(Duration::from_mins(1), true).await,
    ] {
        let Body::Changes(changes) = page.body else {
            panic!("nothing changed")
        };
        assert!(changes.changes.is_empty());
        assert_eq!(changes.revision, world.env.store.revision());
    }
}

#[tokio::test]
async fn an_empty_page_moves_the_cursor_past_what_other_groups_were_told() {
    let world = World::new().await;
    let other = gateway::create_group(
        &world.env,
        world.caller(),
        "other".to_owned(),
        Mode::OnDemand,
    )
    .await
    .unwrap();
    let mut there = world.gateway_of(other.value.id).await;
    world.application("only-in-default").await;
    there.catch_up(&world.feed).await;
    let Body::Changes(changes) = &there.pages.last().unwrap().body else {
        panic!("nothing changed")
    };
    assert_eq!(changes.revision, world.env.store.revision());
}
