//! Claims about which gateways are said to have a change.

use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    application::{self, ApplicationPatch},
    gateway::{MaxStaleness, Mode, Report},
    ids::{ApplicationId, TokenId},
    testing::{HOUR, World},
};

mod waiting;

const SECOND: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_secs(25);

/// A registry with one application, and gateways that report as they are told.
struct Fleet {
    world: World,
    gateways: Arc<Gateways>,
    group: GroupId,
    application: ApplicationId,
    sequence: u64,
}

/// What a gateway says.
#[derive(Clone, Copy)]
struct Says {
    revision: u64,
    complete: bool,
    epoch: Option<[u8; 16]>,
    max_staleness: Option<MaxStaleness>,
}

/// It has this position.
fn has(revision: u64) -> Says {
    Says {
        revision,
        complete: true,
        epoch: None,
        max_staleness: Some(MaxStaleness::Bounded(HOUR)),
    }
}

impl Fleet {
    async fn new() -> Self {
        let world = World::new().await;
        Self {
            gateways: Arc::new(Gateways::default()),
            group: world.default_group().await,
            application: world.application("a").await,
            sequence: 0,
            world,
        }
    }

    async fn says(&mut self, gateway: u8, says: Says) {
        let env = &self.world.env;
        let head = env.store.read().await.unwrap().head().await.unwrap();
        self.sequence += 1;
        let report = Report {
            gateway: format!("edge-{gateway}"),
            instance: [gateway; 16],
            sequence: self.sequence,
            epoch: says.epoch.unwrap_or(head.epoch),
            revision: says.revision,
            complete: says.complete,
            workers: 2,
            max_staleness: says.max_staleness,
        };
        let token = TokenId::generate(env.now(), env.entropy.as_ref()).unwrap();
        gateway::report(env, &self.gateways, self.group, token, report).unwrap();
    }

    fn polls(&self, gateway: u8) {
        let now = self.world.env.now();
        self.gateways
            .polled(self.group, "", [gateway; 16], POLL, now)
            .unwrap();
    }

    /// Makes a change that gateways see.
    async fn change(&self) -> Change {
        let env = &self.world.env;
        let enabled = application::get(env, self.world.caller(), self.application);
        let patch = ApplicationPatch {
            enabled: Some(!enabled.await.unwrap().enabled),
            ..ApplicationPatch::default()
        };
        let caller = self.world.caller();
        let changed = application::update(env, caller, self.application, None, patch);
        let revision = changed.await.unwrap().revision.unwrap();
        change(env, revision).await.unwrap().unwrap()
    }

    fn receipt(&self, change: &Change) -> Propagation {
        now(&self.gateways, change, self.world.env.now())
    }

    fn passes(&self, time: Duration) {
        self.world.clock.advance(time);
    }

    /// The gateways that the change counts, with their states, and how long it took.
    fn states(&self, change: &Change) -> (Vec<(u8, State)>, Option<u64>) {
        let receipt = self.receipt(change);
        let states = receipt.gateways.iter();
        let states = states.map(|one| (one.instance[0], one.state)).collect();
        (states, receipt.after_ms)
    }
}

#[tokio::test]
async fn a_change_is_applied_when_every_gateway_has_said_so() {
    let mut fleet = Fleet::new().await;
    fleet.says(1, has(1)).await;
    fleet.says(2, has(1)).await;
    let change = fleet.change().await;
    assert_eq!(change.revision, 2);
    let nobody = vec![(1, State::Pending), (2, State::Pending)];
    assert_eq!(fleet.states(&change), (nobody, None));

    fleet.passes(Duration::from_millis(30));
    fleet.says(2, has(2)).await;
    let one = vec![(1, State::Pending), (2, State::Applied)];
    assert_eq!(fleet.states(&change), (one, None));
    fleet.passes(Duration::from_millis(18));
    fleet.says(1, has(3)).await;
    let receipt = fleet.receipt(&change);
    assert_eq!((receipt.applied, receipt.of), (1, 2), "it says too much");
    fleet.says(1, has(2)).await;
    let receipt = fleet.receipt(&change);
    assert_eq!((receipt.applied, receipt.of), (2, 2));
    assert_eq!((receipt.after_ms, receipt.without()), (Some(48), None));

    fleet.passes(SECOND);
    fleet.says(1, has(2)).await;
    assert_eq!(
        fleet.receipt(&change).after_ms,
        Some(48),
        "the first counts"
    );
}

#[tokio::test]
async fn a_silent_gateway_may_admit_until_it_goes_on_no_more() {
    let mut fleet = Fleet::new().await;
    fleet.says(1, has(1)).await;
    fleet.polls(1);
    let heard = fleet.world.env.now();
    let change = fleet.change().await;
    // The poll may have been answered at its end, and six seconds later.
    let end = heard.after(POLL + Duration::from_secs(6) + HOUR);
    fleet.passes(Duration::from_secs(39));
    assert_eq!(fleet.states(&change).0, [(1, State::Pending)]);
    fleet.passes(SECOND);
    assert_eq!(fleet.states(&change).0, [(1, State::Silent)]);
    assert_eq!(fleet.receipt(&change).without(), Some(Until::Then(end)));
    assert_eq!(fleet.gateways.silent(fleet.world.env.now()), 1);

    fleet.passes(Duration::from_millis(
        end.as_millis() - fleet.world.env.now().as_millis() - 1,
    ));
    assert_eq!(fleet.receipt(&change).of, 1);
    fleet.passes(Duration::from_millis(1));
    assert_eq!(fleet.receipt(&change).of, 0, "it answers 503 by now");
    assert_eq!(fleet.gateways.silent(fleet.world.env.now()), 0);
}

#[tokio::test]
async fn how_long_a_gateway_goes_on_is_what_it_says_and_else_a_day() {
    let mut fleet = Fleet::new().await;
    let now = fleet.world.env.now();
    let margin = Duration::from_secs(6);
    let bounded = |after: Duration| Some(Until::Then(now.after(margin + after)));
    for (max_staleness, until) in [
        (Some(MaxStaleness::Bounded(HOUR)), bounded(HOUR)),
        (None, bounded(24 * HOUR)),
        (Some(MaxStaleness::Unbounded), Some(Until::Unbounded)),
    ] {
        let says = Says {
            max_staleness,
            ..has(1)
        };
        fleet.says(1, says).await;
        let change = fleet.change().await;
        assert_eq!(fleet.receipt(&change).without(), until);
    }
    let change = fleet.change().await;
    fleet.passes(29 * 24 * HOUR);
    fleet.gateways.forget_silent(fleet.world.env.now());
    assert_eq!(fleet.states(&change).0, [(1, State::Silent)]);
    fleet.passes(2 * 24 * HOUR);
    fleet.gateways.forget_silent(fleet.world.env.now());
    assert_eq!(
        fleet.receipt(&change).of,
        0,
        "it is forgotten after a month"
    );
}

#[tokio::test]
async fn what_is_no_position_in_this_log_is_no_acknowledgement() {
    let mut fleet = Fleet::new().await;
    let change = fleet.change().await;
    let incomplete = Says {
        complete: false,
        ..has(2)
    };
    let other = Says {
        epoch: Some([9; 16]),
        ..has(2)
    };
    for says in [incomplete, other, has(7), has(1)] {
        fleet.says(1, says).await;
        assert_eq!(fleet.states(&change).0, [(1, State::Pending)]);
    }
    fleet.polls(2);
    let expected = [(1, State::Pending), (2, State::Pending)];
    let mut states = fleet.states(&change).0;
    states.sort();
    assert_eq!(states, expected, "it has said nothing yet");
}

#[tokio::test]
async fn a_gateway_that_began_after_a_change_says_nothing_of_how_long_it_took() {
    let mut fleet = Fleet::new().await;
    fleet.says(1, has(1)).await;
    let change = fleet.change().await;
    fleet.passes(SECOND);
    fleet.says(1, has(2)).await;
    fleet.passes(HOUR / 2);
    fleet.says(1, has(2)).await;
    fleet.says(2, has(2)).await;
    let both = vec![(1, State::Applied), (2, State::Applied)];
    assert_eq!(fleet.states(&change), (both, Some(1000)));
}

#[tokio::test]
async fn after_a_restart_it_is_known_who_has_a_change_and_not_since_when() {
    let mut fleet = Fleet::new().await;
    fleet.says(1, has(1)).await;
    let change = fleet.change().await;
    fleet.says(1, has(2)).await;
    fleet.gateways.save(&fleet.world.env).await.unwrap();
    fleet.gateways = Arc::new(Gateways::load(&fleet.world.env).await.unwrap());
    assert_eq!(fleet.states(&change), (vec![(1, State::Applied)], None));
    let next = fleet.change().await;
    let until = fleet.receipt(&next).without();
    let end = fleet.world.env.now().after(HOUR + Duration::from_secs(66));
    assert_eq!(until, Some(Until::Then(end)), "what it said is remembered");
}

#[tokio::test]
async fn only_gateways_of_groups_that_a_change_is_for_count() {
    let mut fleet = Fleet::new().await;
    let env = fleet.world.env.clone();
    let other = gateway::create_group(
        &env,
        fleet.world.caller(),
        "other".to_owned(),
        Mode::OnDemand,
    );
    let other = other.await.unwrap().value.id;
    let change = fleet.change().await;
    let default = std::mem::replace(&mut fleet.group, other);
    fleet.says(1, has(1)).await;
    assert_eq!(fleet.receipt(&change).of, 0);
    fleet.group = default;
    fleet.says(2, has(2)).await;
    assert_eq!(fleet.states(&change).0, [(2, State::Applied)]);
}

#[tokio::test]
async fn a_change_is_known_as_long_as_the_log_knows_it() {
    let fleet = Fleet::new().await;
    let env = &fleet.world.env;
    let first = fleet.change().await.revision;
    assert_eq!(change(env, first + 1).await.unwrap(), None);
    assert_eq!(change(env, u64::MAX).await.unwrap(), None);
    fleet.passes(crate::sweep::LOG_KEPT + HOUR);
    fleet.world.sweep().await;
    assert_eq!(change(env, first).await.unwrap(), None);
    let last = of_application(env, fleet.world.caller(), fleet.application);
    let last = last.await.unwrap().unwrap();
    assert_eq!((last.revision, last.committed_at.is_some()), (first, true));
}

#[tokio::test]
async fn how_long_changes_took_is_measured_once() {
    let mut fleet = Fleet::new().await;
    let mut measured = Measured::default();
    fleet.says(1, has(1)).await;
    fleet.says(2, has(1)).await;
    let env = fleet.world.env.clone();
    let gateways = Arc::clone(&fleet.gateways);
    let mut taken = async || measure(&env, &gateways, &mut measured).await.unwrap();
    assert!(taken().await.is_empty());
    fleet.change().await;
    fleet.passes(SECOND);
    fleet.change().await;
    fleet.says(1, has(3)).await;
    assert!(taken().await.is_empty());
    fleet.passes(SECOND);
    fleet.says(2, has(3)).await;
    assert_eq!(taken().await, [2 * SECOND, SECOND]);
    assert!(taken().await.is_empty());
}

#[tokio::test]
async fn a_gap_between_reports_begins_anew_what_is_known_of_a_group() {
    let mut fleet = Fleet::new().await;
    let group = fleet.group;
    let since = |fleet: &Fleet| fleet.gateways.reporting_since(group, fleet.world.env.now());
    assert_eq!(since(&fleet), None);
    let began = fleet.world.env.now();
    fleet.says(1, has(1)).await;
    fleet.passes(30 * SECOND);
    fleet.says(1, has(1)).await;
    assert_eq!(since(&fleet), Some(began));
    fleet.says(2, has(1)).await;
    let second = fleet.world.env.now();
    assert_eq!(since(&fleet), Some(second), "the other began later");
    fleet.passes(61 * SECOND);
    fleet.says(2, has(1)).await;
    assert_eq!(since(&fleet), None, "one is silent");
    fleet.says(1, has(1)).await;
    assert_eq!(since(&fleet), Some(fleet.world.env.now()));
}
