//! Claims about what registries on one database know of each other's gateways.

use std::{pin::Pin, time::Duration};

use super::*;
use crate::{
    propagation::{self, Change, Propagation},
    usage::Day,
};

/// A registry and the gateways that it knows.
struct Registry {
    world: World,
    gateways: Gateways,
}

impl Registry {
    /// Two of them on one database, each with a gateway that has reported.
    fn two() -> Pin<Box<impl Future<Output = [Self; 2]>>> {
        Box::pin(async {
            let first = World::postgres().await;
            let second = first.beside(2).await;
            let both = [Self::on(first).await, Self::on(second).await];
            for (nth, registry) in (1..).zip(&both) {
                registry.hears(nth, 1, 0).await;
                registry.tells().await;
            }
            for registry in &both {
                registry.learns().await;
            }
            both
        })
    }

    async fn on(world: World) -> Self {
        let gateways = Gateways::load(&world.env).await.unwrap();
        Self { world, gateways }
    }

    async fn hears(&self, gateway: u8, sequence: u64, revision: u64) {
        let env = &self.world.env;
        let said = Report {
            gateway: format!("edge-{gateway}"),
            instance: [gateway; 16],
            sequence,
            epoch: env.store.read().await.unwrap().head().await.unwrap().epoch,
            revision,
            complete: true,
            workers: 2,
            max_staleness: Some(MaxStaleness::Bounded(Duration::from_hours(1))),
        };
        let token = TokenId::generate(env.now(), env.entropy.as_ref()).unwrap();
        let group = self.world.default_group().await;
        report(env, &self.gateways, group, token, said).unwrap();
    }

    async fn is_polled_by(&self, gateway: u8) {
        let (group, now) = (self.world.default_group().await, self.world.env.now());
        self.gateways
            .polled(group, "new", [gateway; 16], POLL, now)
            .unwrap();
    }

    async fn tells(&self) {
        self.gateways.save(&self.world.env).await.unwrap();
    }

    async fn learns(&self) {
        self.gateways.refresh(&self.world.env).await.unwrap();
    }

    async fn knows_all(&self) -> bool {
        let env = &self.world.env;
        let mut write = env.store.write().await.unwrap();
        let known = self.gateways.knows_all(write.as_mut(), env.now()).await;
        known.unwrap()
    }

    async fn known(&self) -> Vec<u8> {
        let known = list(&self.world.env, &self.gateways).await.unwrap();
        let mut known: Vec<u8> = known.iter().map(|one| one.instance[0]).collect();
        known.sort_unstable();
        known
    }

    async fn change(&self) -> Change {
        let issued = self
            .world
            .credential("a", crate::credential::NewSecret::GeneratedApiKey);
        issued.await;
        let revision = self.world.env.store.revision();
        let change = propagation::change(&self.world.env, revision).await;
        change.unwrap().unwrap()
    }

    fn receipt(&self, change: &Change) -> Propagation {
        propagation::now(&self.gateways, change, self.world.env.now())
    }
}

#[tokio::test]
async fn a_receipt_that_another_registry_was_given_counts_here() {
    let [first, second] = Registry::two().await;
    let change = first.change().await;
    assert_eq!(first.receipt(&change).of, 2);
    first.hears(1, 2, change.revision).await;
    assert_eq!(first.receipt(&change).applied, 1);
    second.world.clock.advance(Duration::from_millis(40));
    second.hears(2, 2, change.revision).await;
    second.tells().await;
    first.learns().await;
    let receipt = first.receipt(&change);
    assert_eq!((receipt.applied, receipt.of), (2, 2));
    assert_eq!(receipt.after_ms, Some(40), "as it was heard there");
}

#[tokio::test]
async fn of_a_gateway_that_reports_here_and_there_the_last_report_counts() {
    let [first, second] = Registry::two().await;
    let change = first.change().await;
    // The first hears again what was on its way for long, and writes it down last.
    second.hears(1, 7, change.revision).await;
    first.hears(1, 6, 0).await;
    second.tells().await;
    first.tells().await;
    second.learns().await;
    for registry in [
        &first,
        &second,
        &Registry::on(first.world.beside(3).await).await,
    ] {
        assert_eq!(registry.receipt(&change).applied, 1);
    }
    let mut read = first.world.env.store.read().await.unwrap();
    let written = read.gateways().await.unwrap();
    let of_one = written.iter().find(|one| one.report.instance == [1; 16]);
    assert_eq!(of_one.unwrap().report.sequence, 7);
}

#[tokio::test]
async fn a_gateway_that_only_polls_another_registry_is_known_here() {
    let [first, second] = Registry::two().await;
    second.is_polled_by(9).await;
    second.tells().await;
    first.learns().await;
    assert_eq!(first.known().await, [1, 2, 9]);
    let change = first.change().await;
    let receipt = first.receipt(&change);
    assert_eq!((receipt.applied, receipt.of), (0, 3));
    // Not every poll is written down, and what is written is never less than what is so.
    let until = |registry: &Registry| {
        let receipt = registry.receipt(&change);
        let one = receipt.gateways.iter().find(|one| one.instance == [9; 16]);
        one.and_then(|one| one.without)
    };
    second.world.clock.advance(Duration::from_secs(10));
    second.is_polled_by(9).await;
    assert!(until(&first) >= until(&second));
}

#[tokio::test]
async fn a_gateway_that_is_forgotten_at_one_registry_is_forgotten_at_all() {
    let [first, second] = Registry::two().await;
    let caller = first.world.caller();
    let forgotten = forget(&first.world.env, &first.gateways, caller, [2; 16]).await;
    forgotten.unwrap();
    first.learns().await;
    assert_eq!(first.known().await, [1], "until it is written down, too");
    first.tells().await;
    second.learns().await;
    assert_eq!(second.known().await, [1]);
    second.hears(2, 2, 0).await;
    second.tells().await;
    first.learns().await;
    assert_eq!(first.known().await, [1, 2], "it was heard of again");
}

#[tokio::test]
async fn a_gateway_is_not_given_up_for_silence_that_another_registry_hears() {
    let [first, second] = Registry::two().await;
    let day = GATEWAYS_KEPT + Duration::from_hours(2);
    for registry in [&first, &second] {
        registry.world.clock.advance(day);
    }
    second.hears(1, 2, 0).await;
    second.tells().await;
    first.gateways.forget_silent(first.world.env.now());
    assert_eq!(first.known().await, [0; 0]);
    first.tells().await;
    first.learns().await;
    second.learns().await;
    assert_eq!(
        (first.known().await, second.known().await),
        (vec![1], vec![1])
    );
}

#[tokio::test]
async fn what_a_registry_heard_that_stopped_without_a_word_is_lost() {
    let [first, second] = Registry::two().await;
    assert!(first.knows_all().await);
    first.world.clock.advance(Duration::from_mins(2));
    first.tells().await;
    assert!(!first.knows_all().await, "the other may know more");
    first.world.clock.advance(Duration::from_mins(2));
    first.tells().await;
    assert!(first.knows_all().await);
    let now = first.world.env.now();
    let mut read = first.world.env.store.read().await.unwrap();
    let lost = read.lost_usage(now).await.unwrap();
    assert_eq!(lost.len(), 1);
    assert_eq!(
        (lost[0].day, lost[0].count, lost[0].last),
        (Day::of(now), 0, now)
    );
    drop(read);
    // It only hung, and goes on.
    second.world.clock.advance(Duration::from_mins(4));
    second.tells().await;
    assert!(first.knows_all().await);
}

#[tokio::test]
async fn a_registry_that_leaves_is_not_waited_for_and_nothing_is_lost() {
    let [first, second] = Registry::two().await;
    second.gateways.leave(&second.world.env).await.unwrap();
    first.world.clock.advance(Duration::from_hours(1));
    first.tells().await;
    assert!(first.knows_all().await);
    let mut read = first.world.env.store.read().await.unwrap();
    let lost = read.lost_usage(Timestamp::from_millis(0)).await.unwrap();
    assert_eq!(lost, []);
}

#[tokio::test]
async fn whoever_waits_for_news_of_gateways_is_woken_by_another_registry() {
    let [first, second] = Registry::two().await;
    let mut news = first.world.env.store.gateway_news();
    news.borrow_and_update();
    second.hears(2, 2, 0).await;
    second.tells().await;
    let woken = tokio::time::timeout(Duration::from_mins(1), news.changed());
    woken.await.expect("it is told").unwrap();
}

#[tokio::test]
async fn what_gateways_said_of_a_log_that_is_gone_is_no_receipt() {
    let world = World::new().await;
    let gateways = Gateways::default();
    let registry = Registry { world, gateways };
    let change = registry.change().await;
    registry.hears(1, 1, change.revision).await;
    assert_eq!(registry.receipt(&change).applied, 1);
    registry.gateways.begin_anew();
    let receipt = registry.receipt(&change);
    assert_eq!((receipt.applied, receipt.of), (0, 1));
    registry.tells().await;
    let again = Gateways::load(&registry.world.env).await.unwrap();
    let receipt = propagation::now(&again, &change, registry.world.env.now());
    assert_eq!(receipt.applied, 0, "and is written down as none");
    registry.hears(1, 2, change.revision).await;
    assert_eq!(registry.receipt(&change).applied, 1);
}
