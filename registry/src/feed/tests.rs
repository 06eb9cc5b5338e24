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
    error::Kind,
    gateway::{self, GatewayGroup, Mode},
    sweep::LOG_KEPT,
    testing::{DATABASE, HOUR, World, follower::Follower, secret},
};

mod cursor;
mod groups;
mod issuers;
mod pages;
mod shared;
mod wait;

const KEY: NewSecret = NewSecret::GeneratedApiKey;

fn is_beginning(page: &Page) -> bool {
    matches!(&page.body, Body::Snapshot(snapshot) if snapshot.begins.is_some())
}

async fn next(world: &World, follower: &Follower) -> Page {
    let cursor = follower.cursor.as_deref();
    let answer = world.feed.page(follower.group, cursor).await.unwrap();
    answer.decode().unwrap()
}

async fn set_enabled(world: &World, id: crate::ids::CredentialId, enabled: bool) {
    let patch = CredentialPatch {
        enabled: Some(enabled),
        ..CredentialPatch::default()
    };
    credential::update(&world.env, world.caller(), id, None, patch)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_empty_group_has_a_snapshot_of_three_pages() {
    let world = World::new().await;
    let gateway = world.gateway().await;
    assert_eq!(
        gateway.pages.len(),
        4,
        "one for each table, and the empty page after them"
    );
    assert!(is_beginning(&gateway.pages[0]));
    assert!(gateway.pages[0].more && gateway.pages[1].more && !gateway.pages[2].more);
    assert_eq!(gateway.pages[0].group, "default");
}

#[tokio::test]
async fn what_changes_while_a_snapshot_is_read_follows_it() {
    let world = World::new().await;
    let mut issued = Vec::new();
    for number in 0..30 {
        issued.push(world.credential(&format!("a{number}"), KEY).await);
    }
    let mut gateway = Follower::new(world.default_group().await);
    gateway.step(&world.feed).await;
    for one in issued.iter().take(10) {
        world.delete_credential(one.detail.credential.id).await;
    }
    let new = world.credential("new", KEY).await;
    gateway.step(&world.feed).await;
    assert!(
        gateway.pages.last().unwrap().more,
        "changes are there already"
    );
    for one in issued.iter().skip(10).take(10) {
        world.delete_credential(one.detail.credential.id).await;
    }
    gateway.catch_up(&world.feed).await;
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
        gateway.step(&world.feed).await;
        if choice % 7 == 0 {
            // The answer is lost after it was applied: the same poll again, and its page once more.
            gateway.cursor = before;
            gateway.step(&world.feed).await;
        }
    }
    let fresh = world.gateway().await;
    assert_eq!(fresh.credentials.len(), living.len());
    for gateway in &mut gateways {
        gateway.catch_up(&world.feed).await;
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
    application::update(&world.env, world.caller(), id, None, patch)
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
    gateway.catch_up(&world.feed).await;
    let hash = SecretHash::of_value(value.expose().as_bytes());
    for page in &gateway.pages {
        let bytes = page.encode().unwrap();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(value.expose().as_bytes()) && !holds(hash.expose()));
        assert!(!holds(password.as_bytes()) && !holds(b"argon2") && !holds(b"bob-the-builder"));
    }
}
