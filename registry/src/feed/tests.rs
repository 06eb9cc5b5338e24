//! Claims about what gateways are told.

use std::{future, time::Duration};

use filter_core::{
    digest::SecretHash,
    feed::{Body, Page},
};

use super::*;
use crate::{
    application::{self, ApplicationPatch},
    credential::{self, CredentialPatch, NewSecret},
    edit::Edit,
    gateway::Mode,
    sweep::LOG_KEPT,
    testing::{DATABASE, HOUR, World, follower::Follower, secret},
};

const KEY: NewSecret = NewSecret::GeneratedApiKey;

fn is_beginning(page: &Page) -> bool {
    matches!(&page.body, Body::Snapshot(snapshot) if snapshot.begins.is_some())
}

async fn next(world: &World, follower: &Follower) -> Page {
    page(&world.env, follower.group, follower.cursor.as_deref())
        .await
        .unwrap()
}

async fn set_enabled(world: &World, id: crate::ids::CredentialId, enabled: bool) {
    let patch = CredentialPatch {
        enabled: Some(enabled),
        ..CredentialPatch::default()
    };
    credential::update(&world.env, world.organization, id, None, patch)
        .await
        .unwrap();
}

async fn move_to(world: &World, id: crate::ids::ApplicationId, groups: Option<&[&str]>) {
    let groups = groups.map(|groups| groups.iter().map(ToString::to_string).collect());
    let patch = ApplicationPatch {
        gateway_groups: Edit::Set(groups),
        ..ApplicationPatch::default()
    };
    application::update(&world.env, world.organization, id, None, patch)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_empty_group_has_a_snapshot_of_two_pages() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    assert_eq!(
        gateway.pages.len(),
        3,
        "one for each table, and the empty page after them"
    );
    assert!(is_beginning(&gateway.pages[0]));
    assert!(gateway.pages[0].more && !gateway.pages[1].more);
    assert_eq!(gateway.pages[0].group, "default");
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
    let other = gateway::create_group(&world.env, "other".to_owned(), Mode::Automatic)
        .await
        .unwrap();
    let mut gateway = world.gateway().await;
    gateway.group = other.id;
    assert!(is_beginning(&next(&world, &gateway).await));
}

#[tokio::test]
async fn a_database_that_was_rolled_back_begins_a_snapshot() {
    let world = World::new().await;
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
    gateway.catch_up(&world.env).await;
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

#[tokio::test]
async fn what_changes_while_a_snapshot_is_read_follows_it() {
    let world = World::new().await;
    let mut issued = Vec::new();
    for number in 0..30 {
        issued.push(world.credential(&format!("a{number}"), KEY).await);
    }
    let mut gateway = Follower::new(world.default_group().await);
    gateway.step(&world.env).await;
    for one in issued.iter().take(10) {
        world.delete_credential(one.detail.credential.id).await;
    }
    let new = world.credential("new", KEY).await;
    gateway.step(&world.env).await;
    assert!(
        gateway.pages.last().unwrap().more,
        "changes are there already"
    );
    for one in issued.iter().skip(10).take(10) {
        world.delete_credential(one.detail.credential.id).await;
    }
    gateway.catch_up(&world.env).await;
    assert_eq!(gateway.credentials.len(), 11);
    assert!(gateway.by_value(new.secret.as_ref().unwrap()).is_some());
    assert_eq!(gateway.known(), world.gateway().await.known());
}

#[tokio::test]
async fn no_order_of_polls_and_repeats_brings_a_deleted_credential_back() {
    let world = World::new().await;
    let group = world.default_group().await;
    let mut gateways: Vec<Follower> = (0..4).map(|_| Follower::new(group)).collect();
    let mut living = Vec::new();
    for round in 0..120_u64 {
        // A fixed walk that mixes everything: what matters is that it visits many interleavings.
        let choice = round.wrapping_mul(2_654_435_761) >> 7;
        match choice % 5 {
            0 | 1 => living.push(world.credential(&format!("a{round}"), KEY).await),
            2 if !living.is_empty() => {
                let one = living.remove(usize::try_from(choice).unwrap() % living.len());
                world.delete_credential(one.detail.credential.id).await;
            }
            3 if !living.is_empty() => {
                let place = usize::try_from(choice).unwrap() % living.len();
                living[place] = world.rotate_now(living[place].detail.credential.id).await;
            }
            _ => {
                if let Some(one) = living.first() {
                    set_enabled(&world, one.detail.credential.id, choice % 2 == 0).await;
                }
            }
        }
        let gateway = &mut gateways[usize::try_from(choice % 4).unwrap()];
        let before = gateway.cursor.clone();
        gateway.step(&world.env).await;
        if choice % 7 == 0 {
            // The answer is lost after it was applied: the same poll again, and its page once more.
            gateway.cursor = before;
            gateway.step(&world.env).await;
        }
    }
    let fresh = world.gateway().await;
    assert_eq!(fresh.credentials.len(), living.len());
    for gateway in &mut gateways {
        gateway.catch_up(&world.env).await;
        assert_eq!(gateway.known(), fresh.known());
    }
}

#[tokio::test]
async fn disabling_or_renaming_an_application_is_one_change() {
    let world = World::new().await;
    let id = world.application("a").await;
    for name in ["x", "y", "z"] {
        world
            .issue(World::new_credential(id, name, KEY))
            .await
            .unwrap();
    }
    let mut gateway = world.gateway().await;
    let patch = ApplicationPatch {
        name: Some("b".to_owned()),
        enabled: Some(false),
        ..ApplicationPatch::default()
    };
    application::update(&world.env, world.organization, id, None, patch)
        .await
        .unwrap();
    let page = next(&world, &gateway).await;
    let Body::Changes(changes) = &page.body else {
        panic!("{page:?}")
    };
    assert_eq!(changes.changes.len(), 1);
    gateway.apply(page);
    let application = gateway.applications.values().next().unwrap();
    assert_eq!(
        (application.name.as_str(), application.enabled),
        ("b", false)
    );
}

#[tokio::test]
async fn a_group_is_told_of_nothing_that_only_another_may_see() {
    let world = World::new().await;
    let other = gateway::create_group(&world.env, "other".to_owned(), Mode::OnDemand)
        .await
        .unwrap();
    let mut here = world.gateway().await;
    let mut there = world.gateway_of(other.id).await;
    let hidden = World::new_application("hidden-from-default");
    let hidden = application::NewApplication {
        gateway_groups: Some(vec!["other".to_owned()]),
        ..hidden
    };
    let id = world.try_application(hidden).await.unwrap().id;
    let issued = world
        .issue(World::new_credential(id, "x", KEY))
        .await
        .unwrap();
    world.credential("everywhere-automatic", KEY).await;
    here.catch_up(&world.env).await;
    there.catch_up(&world.env).await;
    let value = issued.secret.as_ref().unwrap();
    assert!(there.by_value(value).is_some() && here.by_value(value).is_none());
    assert_eq!(here.application_names(), ["everywhere-automatic"].into());
    assert_eq!(there.application_names(), ["hidden-from-default"].into());

    move_to(&world, id, Some(&["default", "other"])).await;
    here.catch_up(&world.env).await;
    assert!(here.by_value(value).is_some());
    let digest = |follower: &Follower| follower.by_value(value).unwrap().digest;
    assert_ne!(
        digest(&here),
        digest(&there),
        "each group has a key of its own"
    );

    move_to(&world, id, Some(&["default"])).await;
    there.catch_up(&world.env).await;
    assert!(there.credentials.is_empty() && there.applications.is_empty());
    move_to(&world, id, None).await;
    here.catch_up(&world.env).await;
    assert!(here.by_value(value).is_some());
    move_to(&world, id, Some(&[])).await;
    here.catch_up(&world.env).await;
    assert!(here.by_value(value).is_none());
    assert_eq!(here.known(), world.gateway().await.known());
    assert_eq!(there.known(), world.gateway_of(other.id).await.known());
}

#[tokio::test]
async fn a_new_automatic_group_knows_every_application_that_lists_none() {
    let world = World::new().await;
    let before = world.credential("before", KEY).await;
    let listed = application::NewApplication {
        gateway_groups: Some(vec!["default".to_owned()]),
        ..World::new_application("listed")
    };
    world.try_application(listed).await.unwrap();
    let revision = *world.env.store.watch().borrow();
    let group = gateway::create_group(&world.env, "new".to_owned(), Mode::Automatic)
        .await
        .unwrap();
    assert_eq!(
        *world.env.store.watch().borrow(),
        revision,
        "no gateway follows it yet"
    );
    let follower = world.gateway_of(group.id).await;
    assert!(follower.by_value(before.secret.as_ref().unwrap()).is_some());
    assert_eq!(follower.application_names(), ["before"].into());
}

#[tokio::test]
async fn no_page_holds_a_secret_or_its_hash() {
    let world = World::new().await;
    let issued = world.credential("a", KEY).await;
    let value = issued.secret.clone().unwrap();
    let password = "correct horse battery";
    let chosen = NewSecret::ChosenPassword {
        username: "bob-the-builder".to_owned(),
        password: secret(password),
    };
    world.credential("b", chosen).await;
    let mut gateway = world.gateway().await;
    world.rotate_now(issued.detail.credential.id).await;
    gateway.catch_up(&world.env).await;
    let hash = SecretHash::of_value(value.expose().as_bytes());
    for page in &gateway.pages {
        let bytes = page.encode().unwrap();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(value.expose().as_bytes()) && !holds(hash.expose()));
        assert!(!holds(password.as_bytes()) && !holds(b"argon2") && !holds(b"bob-the-builder"));
    }
}

#[tokio::test]
async fn a_waiting_gateway_is_told_of_a_change_and_woken_by_no_other_group() {
    let world = World::new().await;
    let other = gateway::create_group(&world.env, "other".to_owned(), Mode::OnDemand)
        .await
        .unwrap();
    let there = world.gateway_of(other.id).await;
    let waiting = {
        let (env, cursor) = (world.env.clone(), there.cursor.clone());
        tokio::spawn(async move {
            let wait = Duration::from_mins(1);
            follow(&env, other.id, cursor.as_deref(), wait, future::pending()).await
        })
    };
    world.credential("only-in-default", KEY).await;
    let listed = application::NewApplication {
        gateway_groups: Some(vec!["other".to_owned()]),
        ..World::new_application("there")
    };
    world.try_application(listed).await.unwrap();
    let page = waiting.await.unwrap().unwrap();
    let Body::Changes(changes) = page.body else {
        panic!("a snapshot is not needed")
    };
    assert_eq!(changes.changes.len(), 1);
}

#[tokio::test]
async fn a_poll_ends_empty_when_the_wait_is_over_or_the_registry_stops() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    let cursor = gateway.cursor.as_deref();
    let poll = |wait, stop: bool| {
        let env = &world.env;
        let group = gateway.group;
        async move {
            let shutdown = async move {
                if !stop {
                    future::pending::<()>().await;
                }
            };
            follow(env, group, cursor, wait, shutdown).await.unwrap()
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
        assert_eq!(changes.revision, *world.env.store.watch().borrow());
    }
}

#[tokio::test]
async fn an_empty_page_moves_the_cursor_past_what_other_groups_were_told() {
    let world = World::new().await;
    let other = gateway::create_group(&world.env, "other".to_owned(), Mode::OnDemand)
        .await
        .unwrap();
    let mut there = world.gateway_of(other.id).await;
    world.application("only-in-default").await;
    there.catch_up(&world.env).await;
    let Body::Changes(changes) = &there.pages.last().unwrap().body else {
        panic!("nothing changed")
    };
    assert_eq!(changes.revision, *world.env.store.watch().borrow());
}

#[tokio::test]
async fn a_deleted_group_has_no_feed() {
    let world = World::new().await;
    let other = gateway::create_group(&world.env, "other".to_owned(), Mode::Automatic)
        .await
        .unwrap();
    world.credential("a", KEY).await;
    gateway::delete_group(&world.env, "other").await.unwrap();
    let result = page(&world.env, other.id, None).await;
    assert!(matches!(result, Err(Error::NotFound(Kind::GatewayGroup))));
    world.credential("b", KEY).await;
    assert_eq!(world.gateway().await.applications.len(), 2);
}
