//! Claims about what gateways report of usage.

use std::sync::{Arc, atomic::Ordering};

use filter_core::usage::{UsageBatch, Use, UseOutcome};
use futures_util::{FutureExt as _, future::join_all};

use super::*;
use crate::{
    credential::{self, NewSecret},
    environment::Environment,
    error::Error,
    gateway::{self, Mode},
    store::Prune,
    telemetry::Metrics,
    testing::{HOUR, World},
};

const EDGE: [u8; 16] = [1; 16];

fn intake(env: &Environment) -> Arc<Intake> {
    Arc::new(Intake::new(env.clone(), Arc::new(Metrics::new())))
}

async fn key(world: &World, name: &str) -> CredentialId {
    let issued = world.credential(name, NewSecret::GeneratedApiKey).await;
    issued.detail.credential.id
}

/// Uses of the first secret, now.
fn used(world: &World, id: CredentialId, outcome: UseOutcome, count: u64) -> Use {
    let now = world.env.now().as_millis();
    Use {
        credential: id.object_id(),
        version: 1,
        outcome,
        count,
        first_ms: now,
        last_ms: now,
    }
}

const fn batch(lane: u8, sequence: u64, uses: Vec<Use>) -> UsageBatch {
    UsageBatch {
        lane,
        sequence,
        lost: 0,
        uses,
    }
}

async fn report(world: &World, intake: &Arc<Intake>, batches: Vec<UsageBatch>) {
    let group = world.default_group().await;
    intake.submit(group, EDGE, batches).await.unwrap();
}

/// How often each outcome was counted.
async fn counts(world: &World, id: CredentialId) -> Vec<(UseOutcome, u64)> {
    let mut read = world.env.store.read().await.unwrap();
    let counts = read.usage(&[id]).await.unwrap();
    let mut counts: Vec<_> = counts.iter().map(|one| (one.outcome, one.count)).collect();
    counts.sort_by_key(|(outcome, _)| outcome.number());
    counts
}

async fn last_used(world: &World, id: CredentialId) -> Option<Timestamp> {
    let read = credential::get(&world.env, world.caller(), id).await;
    read.unwrap().credential.last_used_at
}

#[tokio::test]
async fn a_batch_counts_once_however_often_it_comes() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let five = batch(3, 7, vec![used(&world, id, UseOutcome::Allowed, 5)]);
    for _ in 0..3 {
        report(&world, &intake, vec![five.clone(), five.clone()]).await;
    }
    let group = world.default_group().await;
    let again = (0..10).map(|_| intake.submit(group, EDGE, vec![five.clone()]));
    assert!(join_all(again).await.iter().all(Result::is_ok));
    let older = batch(3, 6, vec![used(&world, id, UseOutcome::Allowed, 100)]);
    report(&world, &intake, vec![older]).await;
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 5)]);
    let next = batch(3, 8, vec![used(&world, id, UseOutcome::Allowed, 1)]);
    report(&world, &intake, vec![next]).await;
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 6)]);
}

#[tokio::test]
async fn lanes_and_starts_of_gateways_count_for_themselves() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let group = world.default_group().await;
    for (instance, lane) in [(EDGE, 0), (EDGE, 15), ([2; 16], 0)] {
        let one = batch(lane, 1, vec![used(&world, id, UseOutcome::Allowed, 1)]);
        intake.submit(group, instance, vec![one]).await.unwrap();
    }
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 3)]);
}

#[tokio::test]
async fn a_report_that_nobody_waits_for_is_applied_and_known_when_it_comes_again() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let group = world.default_group().await;
    let five = batch(0, 1, vec![used(&world, id, UseOutcome::Allowed, 5)]);
    // Nobody can commit while it is handed in, and whoever handed it in is gone when it is applied.
    let busy = world.env.store.write().await.unwrap();
    let mut waiting = Box::pin(intake.submit(group, EDGE, vec![five.clone()]));
    assert!((&mut waiting).now_or_never().is_none());
    drop(waiting);
    drop(busy);
    report(&world, &intake, vec![five]).await;
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 5)]);
}

#[tokio::test]
async fn what_was_applied_is_known_after_a_restart() {
    let world = World::new().await;
    let id = key(&world, "a").await;
    let five = batch(0, 1, vec![used(&world, id, UseOutcome::Forbidden, 5)]);
    report(&world, &intake(&world.env), vec![five.clone()]).await;
    let world = World::open(world.close().await, 2).await;
    report(&world, &intake(&world.env), vec![five]).await;
    assert_eq!(counts(&world, id).await, [(UseOutcome::Forbidden, 5)]);
    assert_eq!(last_used(&world, id).await, Some(world.env.now()));
}

#[tokio::test]
async fn reports_that_come_together_are_written_together() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let group = world.default_group().await;
    let reports = (0..40).map(|number| {
        let one = batch(0, 1, vec![used(&world, id, UseOutcome::Allowed, 1)]);
        intake.submit(group, [number; 16], vec![one])
    });
    assert!(join_all(reports).await.iter().all(Result::is_ok));
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 40)]);
    assert_eq!(intake.transactions.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_more_waits_than_is_bounded_and_who_is_sent_away_can_come_again() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let group = world.default_group().await;
    let many = |sequence| {
        batch(
            0,
            sequence,
            vec![used(&world, id, UseOutcome::Allowed, 1); 999],
        )
    };
    let busy = world.env.store.write().await.unwrap();
    let mut reports = Vec::new();
    for sequence in 1..=3 {
        let mut one = Box::pin(intake.submit(group, EDGE, vec![many(sequence)]));
        match (&mut one).now_or_never() {
            None => reports.push(one),
            Some(answer) => {
                assert!(matches!(answer, Err(Error::UsageNotKept)));
                assert_eq!(sequence, 3);
            }
        }
    }
    drop(busy);
    assert!(join_all(reports).await.iter().all(Result::is_ok));
    report(&world, &intake, vec![many(3)]).await;
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 2997)]);
}

#[tokio::test]
async fn a_use_is_what_a_good_credential_did_and_the_last_one_stays_the_last() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let refused = used(&world, id, UseOutcome::Refused, 9);
    report(&world, &intake, vec![batch(0, 1, vec![refused])]).await;
    assert_eq!(last_used(&world, id).await, None);
    let forbidden = used(&world, id, UseOutcome::Forbidden, 1);
    let first = world.env.now();
    world.clock.advance(HOUR);
    let allowed = used(&world, id, UseOutcome::Allowed, 2);
    report(&world, &intake, vec![batch(0, 2, vec![allowed])]).await;
    assert_eq!(last_used(&world, id).await, Some(first.after(HOUR)));
    report(&world, &intake, vec![batch(1, 1, vec![forbidden])]).await;
    assert_eq!(last_used(&world, id).await, Some(first.after(HOUR)));
    assert_eq!(
        counts(&world, id).await,
        [
            (UseOutcome::Allowed, 2),
            (UseOutcome::Forbidden, 1),
            (UseOutcome::Refused, 9)
        ]
    );
}

#[tokio::test]
async fn what_lies_in_the_future_was_now() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let mut ahead = used(&world, id, UseOutcome::Allowed, 1);
    (ahead.first_ms, ahead.last_ms) = (ahead.first_ms + 1000, ahead.last_ms + 3_600_000);
    report(&world, &intake, vec![batch(0, 1, vec![ahead])]).await;
    let now = world.env.now();
    assert_eq!(last_used(&world, id).await, Some(now));
    let counted = world.env.store.read().await.unwrap().usage(&[id]).await;
    assert_eq!(counted.unwrap()[0].first, now);
}

#[tokio::test]
async fn what_a_gateway_cannot_know_of_is_acknowledged_and_not_counted() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let gone = key(&world, "b").await;
    world.delete_credential(gone).await;
    let elsewhere = gateway::create_group(
        &world.env,
        world.caller(),
        "elsewhere".to_owned(),
        Mode::OnDemand,
    );
    let elsewhere = elsewhere.await.unwrap().value.id;
    let uses = [id, gone].map(|id| used(&world, id, UseOutcome::Allowed, 1));
    let one = batch(0, 1, uses.to_vec());
    intake
        .submit(elsewhere, EDGE, vec![one.clone()])
        .await
        .unwrap();
    assert_eq!(counts(&world, id).await, []);
    report(&world, &intake, vec![one]).await;
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 1)]);
    assert_eq!(counts(&world, gone).await, []);
}

#[tokio::test]
async fn what_was_counted_before_a_credential_was_withdrawn_counts_after_that() {
    let world = World::new().await;
    let intake = intake(&world.env);
    let application = world.application("a").await;
    let mut new = World::new_credential(application, "a", NewSecret::GeneratedApiKey);
    new.expires_at = Some(world.env.now().after(HOUR));
    let id = world.issue(new).await.unwrap().detail.credential.id;
    let one = used(&world, id, UseOutcome::Allowed, 1);
    report(&world, &intake, vec![batch(0, 1, vec![one])]).await;
    world.clock.advance(HOUR);
    world.sweep().await;
    report(&world, &intake, vec![batch(0, 2, vec![one])]).await;
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 2)]);
}

#[tokio::test]
async fn usage_goes_with_its_credential() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let one = used(&world, id, UseOutcome::Allowed, 1);
    report(&world, &intake, vec![batch(0, 1, vec![one])]).await;
    world.delete_credential(id).await;
    assert_eq!(counts(&world, id).await, []);
}

async fn prune(world: &World) {
    let now = world.env.now();
    let mut write = world.env.store.write().await.unwrap();
    let prune = Prune {
        changes_before: now,
        requests_before: now,
        batches_before: now,
        lost_before: now,
    };
    write.prune(prune).await.unwrap();
    world.env.commit(write).await.unwrap();
}

#[tokio::test]
async fn a_batch_that_may_have_been_applied_and_forgotten_is_not_applied_again() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let five = batch(0, 1, vec![used(&world, id, UseOutcome::Allowed, 5)]);
    report(&world, &intake, vec![five.clone()]).await;
    world.clock.advance(BATCHES_KEPT + HOUR);
    prune(&world).await;
    report(&world, &intake, vec![five]).await;
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 5)]);
    let new = batch(0, 2, vec![used(&world, id, UseOutcome::Allowed, 1)]);
    report(&world, &intake, vec![new]).await;
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 6)]);
}

/// What the default group lost.
async fn lost(world: &World) -> u64 {
    let group = world.default_group().await;
    let mut read = world.env.store.read().await.unwrap();
    let lost = read.lost_usage(Timestamp::from_millis(0)).await.unwrap();
    let mine = lost.iter().filter(|one| one.group == group);
    mine.map(|one| one.count).sum()
}

#[tokio::test]
async fn a_version_that_no_secret_ever_had_is_not_counted_but_lost() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let uses = [0, 1, 2, 65_537].map(|version| Use {
        version,
        ..used(&world, id, UseOutcome::Allowed, 1)
    });
    report(&world, &intake, vec![batch(0, 1, uses.to_vec())]).await;
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 1)]);
    assert_eq!(lost(&world).await, 3);
}

#[tokio::test]
async fn of_so_many_starts_only_what_further_ones_report_is_lost_and_the_known_ones_go_on() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let group = world.default_group().await;
    let one = |sequence| batch(0, sequence, vec![used(&world, id, UseOutcome::Allowed, 1)]);
    for number in 0..66 {
        let submitted = intake.submit(group, [number; 16], vec![one(1)]).await;
        submitted.unwrap();
    }
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 64)]);
    assert_eq!(lost(&world).await, 2);
    intake.submit(group, [0; 16], vec![one(2)]).await.unwrap();
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 65)]);
}

#[tokio::test]
async fn days_are_forgotten_and_totals_are_not() {
    let world = World::new().await;
    let (intake, id) = (intake(&world.env), key(&world, "a").await);
    let one = used(&world, id, UseOutcome::Allowed, 1);
    report(&world, &intake, vec![batch(0, 1, vec![one])]).await;
    // More than are forgotten in one transaction.
    for name in ["b", "c", "d", "e"] {
        let other = used(&world, key(&world, name).await, UseOutcome::Allowed, 1);
        let lane = name.as_bytes()[0] - b'a';
        report(&world, &intake, vec![batch(lane, 1, vec![other])]).await;
    }
    world.clock.advance(USAGE_KEPT + HOUR * 24);
    world.sweep().await;
    let mut write = world.env.store.write().await.unwrap();
    let now = world.env.now();
    assert_eq!(write.prune_usage_days(now, 100).await.unwrap(), 0);
    drop(write);
    assert_eq!(counts(&world, id).await, [(UseOutcome::Allowed, 1)]);
}
