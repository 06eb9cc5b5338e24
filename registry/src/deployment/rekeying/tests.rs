//! Claims about replacing a digest key.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use filter_core::feed::Body;

use super::*;
use crate::{
    audit::Action,
    credential::NewSecret,
    error::{Conflict, Error},
    gateway::{DEFAULT_GROUP, Gateways, MaxStaleness, Report},
    ids::{GroupId, TokenId},
    store::Phase,
    testing::{HOUR, World, follower::Follower},
};

mod callers;

use callers::Callers;

const KEY: NewSecret = NewSecret::GeneratedApiKey;
static SEQUENCE: AtomicU64 = AtomicU64::new(1);

async fn start(world: &World) -> Result<crate::store::Rekeying, Error> {
    begin(&world.env, world.caller(), DEFAULT_GROUP).await
}

/// What a gateway says that has come so far.
async fn reports(world: &World, gateways: &Gateways, group: GroupId, revision: u64) {
    let mut read = world.env.store.read().await.unwrap();
    let report = Report {
        gateway: "edge".to_owned(),
        instance: [1; 16],
        sequence: SEQUENCE.fetch_add(1, Ordering::SeqCst),
        epoch: read.head().await.unwrap().epoch,
        revision,
        complete: true,
        workers: 2,
        max_staleness: Some(MaxStaleness::Bounded(HOUR)),
    };
    let token = TokenId::generate(world.env.now(), world.env.entropy.as_ref()).unwrap();
    crate::gateway::report(&world.env, gateways, group, token, report).unwrap();
}

async fn phase(world: &World, group: GroupId) -> Option<Phase> {
    let mut read = world.env.store.read().await.unwrap();
    Some(read.rekeying(group).await.unwrap()?.phase)
}

async fn records(world: &World, group: GroupId, version: u32) -> u64 {
    let mut read = world.env.store.read().await.unwrap();
    read.count_records(group, version).await.unwrap()
}

fn told_keys(gateway: &Follower) -> usize {
    let pages = gateway.pages.iter();
    pages
        .filter(|page| matches!(page.body, Body::Key(_)))
        .count()
}

#[tokio::test]
async fn every_credential_is_found_at_every_step_by_every_gateway() {
    let world = World::new().await;
    let group = world.default_group().await;
    let mut callers = Callers::of_every_kind(&world).await;
    let gateways = Gateways::default();
    let mut quick = world.gateway().await;
    let mut slow = world.gateway().await;
    let begun = start(&world).await.unwrap();
    assert_eq!((begun.from, begun.to), (1, 2));
    let before = callers.count() as u64;
    assert_eq!(begun.records, before);
    let mut gone = Vec::new();
    for round in 0.. {
        let done = step(&world.env, &gateways, group).await.unwrap();
        // What comes and goes meanwhile comes and goes under both keys.
        if round < 12 {
            callers.add(&world, &format!("new{round}")).await;
            let short = world.credential(&format!("short{round}"), KEY).await;
            slow.step(&world.feed).await;
            world.delete_credential(short.detail.credential.id).await;
            gone.push(short.secret.unwrap());
        }
        quick.catch_up(&world.feed).await;
        if round % 3 == 0 {
            slow.catch_up(&world.feed).await;
        }
        callers.are_known_to(&quick);
        callers.are_known_to(&world.gateway().await);
        for value in &gone {
            assert!(quick.by_value(value).is_none());
        }
        match done {
            Step::Done => reports(&world, &gateways, group, 0).await,
            Step::Waits => {
                // Whom the slow one knew of before the switch, it knows until it has gone over.
                slow.catch_up(&world.feed).await;
                callers.are_known_to(&slow);
                reports(&world, &gateways, group, world.env.store.revision()).await;
            }
            Step::Ended => break,
        }
        assert!(round < 200, "it ends");
    }
    assert_eq!(phase(&world, group).await, None);
    assert_eq!(records(&world, group, 1).await, 0);
    assert_eq!(records(&world, group, 2).await, callers.count() as u64);
    for gateway in [&mut quick, &mut slow] {
        gateway.catch_up(&world.feed).await;
        callers.are_known_to(gateway);
        assert_eq!(told_keys(gateway), 1);
        assert_eq!(gateway.known(), world.gateway().await.known());
        assert_eq!(gateway.credentials.len(), callers.count());
    }
}

#[tokio::test]
async fn it_goes_on_where_it_was_left_whenever_the_registry_stops() {
    let mut world = World::new().await;
    let group = world.default_group().await;
    let callers = Callers::of_every_kind(&world).await;
    let mut gateway = world.gateway().await;
    start(&world).await.unwrap();
    for steps in 0.. {
        let seed = 100 + steps;
        world = World::open(world.close().await, seed).await;
        let done = step(&world.env, &Gateways::default(), group).await.unwrap();
        gateway.catch_up(&world.feed).await;
        callers.are_known_to(&gateway);
        if done == Step::Ended {
            break;
        }
        assert!(steps < 100, "it ends");
    }
    assert_eq!(records(&world, group, 1).await, 0);
    assert_eq!(records(&world, group, 2).await, callers.count() as u64);
    callers.are_known_to(&world.gateway().await);
}

#[tokio::test]
async fn the_old_records_stay_until_every_gateway_has_gone_over() {
    let world = World::new().await;
    let group = world.default_group().await;
    let callers = Callers::of_every_kind(&world).await;
    let gateways = Gateways::default();
    reports(&world, &gateways, group, world.env.store.revision()).await;
    start(&world).await.unwrap();
    while step(&world.env, &gateways, group).await.unwrap() == Step::Done {}
    let Some(Phase::Switched { revision }) = phase(&world, group).await else {
        panic!("it waits for the gateway");
    };
    reports(&world, &gateways, group, revision - 1).await;
    assert_eq!(
        step(&world.env, &gateways, group).await.unwrap(),
        Step::Waits
    );
    let state = of_key(&world.env, &gateways, DEFAULT_GROUP).await.unwrap();
    let propagation = state.replacement.unwrap().propagation.unwrap();
    assert_eq!(
        (state.version, propagation.applied, propagation.of),
        (2, 0, 1)
    );
    assert_eq!(records(&world, group, 1).await, callers.count() as u64);

    reports(&world, &gateways, group, revision).await;
    assert_eq!(
        step(&world.env, &gateways, group).await.unwrap(),
        Step::Done
    );
    assert_eq!(phase(&world, group).await, Some(Phase::Removing));
}

#[tokio::test]
async fn a_gateway_that_another_registry_knows_is_waited_for() {
    let world = World::postgres().await;
    let other = world.beside(2).await;
    let group = world.default_group().await;
    Callers::of_every_kind(&world).await;
    let here = Gateways::load(&world.env).await.unwrap();
    let elsewhere = Gateways::load(&other.env).await.unwrap();
    reports(&other, &elsewhere, group, world.env.store.revision()).await;
    elsewhere.save(&other.env).await.unwrap();
    start(&world).await.unwrap();
    let waits = async || {
        while step(&world.env, &here, group).await.unwrap() == Step::Done {}
        phase(&world, group).await
    };
    let Some(Phase::Switched { revision }) = waits().await else {
        panic!("it waits for the gateway");
    };
    reports(&other, &elsewhere, group, revision).await;
    let told = Some(Phase::Switched { revision });
    assert_eq!(waits().await, told, "that is not written down yet");
    world.clock.advance(Duration::from_mins(2));
    elsewhere.save(&other.env).await.unwrap();
    assert_eq!(waits().await, told, "who knows what it has heard since");
    other.clock.advance(Duration::from_mins(2));
    elsewhere.save(&other.env).await.unwrap();
    assert_eq!(waits().await, None, "it is done");
}

#[tokio::test]
async fn a_silent_gateway_counts_until_it_stops_deciding_and_begins_anew_when_it_is_back() {
    let world = World::new().await;
    let group = world.default_group().await;
    let callers = Callers::of_every_kind(&world).await;
    let gateways = Gateways::default();
    let mut silent = world.gateway().await;
    reports(&world, &gateways, group, world.env.store.revision()).await;
    start(&world).await.unwrap();
    while step(&world.env, &gateways, group).await.unwrap() == Step::Done {}
    world.clock.advance(HOUR / 2);
    assert_eq!(
        step(&world.env, &gateways, group).await.unwrap(),
        Step::Waits
    );
    callers.are_known_to(&silent);
    world.clock.advance(HOUR);
    while step(&world.env, &gateways, group).await.unwrap() != Step::Ended {}
    let pages = silent.pages.len();
    silent.step(&world.feed).await;
    let Body::Snapshot(snapshot) = &silent.pages[pages].body else {
        panic!("it begins anew");
    };
    assert!(snapshot.begins.is_some());
    silent.catch_up(&world.feed).await;
    assert_eq!(silent.known(), world.gateway().await.known());
}

#[tokio::test]
async fn a_credentials_receipts_stay_as_they_were() {
    let world = World::new().await;
    let group = world.default_group().await;
    let issued = world.credential("a", KEY).await;
    let credential = &issued.detail.credential;
    let positions = async || {
        let mut read = world.env.store.read().await.unwrap();
        read.positions(credential.id, credential.application)
            .await
            .unwrap()
    };
    let before = positions().await;
    start(&world).await.unwrap();
    while step(&world.env, &Gateways::default(), group).await.unwrap() != Step::Ended {
        assert_eq!(positions().await, before);
    }
    assert_eq!(positions().await, before);
}

#[tokio::test]
async fn one_key_is_replaced_after_the_other_and_both_times_it_is_noted() {
    let world = World::new().await;
    let group = world.default_group().await;
    let callers = Callers::of_every_kind(&world).await;
    let mut gateway = world.gateway().await;
    for version in [2, 3] {
        start(&world).await.unwrap();
        let again = start(&world).await;
        assert!(
            matches!(
                again,
                Err(Error::Conflict(Conflict::DigestKeyBeingReplaced))
            ),
            "{again:?}"
        );
        while step(&world.env, &Gateways::default(), group).await.unwrap() != Step::Ended {
            gateway.catch_up(&world.feed).await;
            callers.are_known_to(&gateway);
        }
        let state = of_key(&world.env, &Gateways::default(), DEFAULT_GROUP)
            .await
            .unwrap();
        assert_eq!((state.version, state.replacement), (version, None));
    }
    let mut read = world.env.store.read().await.unwrap();
    let keys = read.deploying_keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.version).collect::<Vec<_>>(), [3]);
    let query = crate::audit::AuditQuery {
        limit: 100,
        ..Default::default()
    };
    let entries = read
        .audit_entries(world.organization, &query)
        .await
        .unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries {
        *counts.entry(entry.entry.action).or_default() += 1;
    }
    for action in [Action::DigestKeyReplacementBegun, Action::DigestKeyReplaced] {
        assert_eq!(counts.get(action.word()), Some(&2));
    }
}

#[tokio::test]
async fn a_snapshot_that_began_before_the_switch_goes_over_with_it() {
    let world = World::new().await;
    let group = world.default_group().await;
    let callers = Callers::of_every_kind(&world).await;
    let gateways = Gateways::default();
    reports(&world, &gateways, group, 0).await;
    let mut gateway = Follower::new(group);
    gateway.step(&world.feed).await;
    start(&world).await.unwrap();
    while step(&world.env, &gateways, group).await.unwrap() == Step::Done {}
    gateway.catch_up(&world.feed).await;
    assert_eq!(told_keys(&gateway), 1);
    callers.are_known_to(&gateway);
    assert_eq!(gateway.known(), world.gateway().await.known());
}

#[tokio::test]
async fn a_group_that_is_deleted_takes_its_replacement_with_it() {
    let world = World::new().await;
    let made = crate::gateway::create_group(
        &world.env,
        world.caller(),
        "edge".to_owned(),
        crate::gateway::Mode::Automatic,
    );
    let group = made.await.unwrap().value.id;
    world.credential("a", KEY).await;
    begin(&world.env, world.caller(), "edge").await.unwrap();
    step(&world.env, &Gateways::default(), group).await.unwrap();
    crate::gateway::delete_group(&world.env, world.caller(), "edge")
        .await
        .unwrap();
    assert_eq!(
        step(&world.env, &Gateways::default(), group).await.unwrap(),
        Step::Ended
    );
}

#[tokio::test]
async fn what_cannot_be_read_stops_it_before_anybody_is_refused() {
    let world = World::new().await;
    let group = world.default_group().await;
    let broken = world.credential("broken", KEY).await;
    let id = broken.detail.credential.id;
    let mut write = world.env.store.write().await.unwrap();
    for one in write.unrevoked_secrets(id).await.unwrap() {
        write.reseal_secret(one.id, b"broken").await.unwrap();
    }
    world.env.commit(write).await.unwrap();
    start(&world).await.unwrap();
    for _ in 0..3 {
        assert!(step(&world.env, &Gateways::default(), group).await.is_err());
    }
    assert_eq!(phase(&world, group).await, Some(Phase::Adding));
    let gateway = world.gateway().await;
    assert!(gateway.by_value(&broken.secret.unwrap()).is_some());
}
