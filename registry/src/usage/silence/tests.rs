//! Claims about grace periods that end by themselves.

use filter_core::usage::{UsageBatch, Use, UseOutcome};

use super::*;
use crate::ids::TokenId;
use crate::{
    credential::{NewSecret, RotatedSecret, Rotation},
    gateway::{self, MaxStaleness, Report},
    telemetry::Metrics,
    testing::{HOUR, World},
    token::{self, NewRole, NewToken},
    usage::Intake,
};

const SILENCE: Duration = Duration::from_hours(24);
const EDGE: [u8; 16] = [1; 16];

struct Silent {
    world: World,
    gateways: Gateways,
    id: CredentialId,
    sequence: u64,
    said: Option<(TokenId, Report)>,
}

impl Silent {
    /// A key in its grace period of ten days, which may end after a day of silence.
    async fn new() -> Self {
        Self::on(World::new().await).await
    }

    async fn on(world: World) -> Self {
        let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
        let id = issued.detail.credential.id;
        let rotation = Rotation {
            grace: SILENCE * 10,
            end_after_silence: Some(SILENCE),
            expires_at: crate::edit::Edit::Keep,
            secret: RotatedSecret::Generated { username: None },
            part: crate::secret::Part::Value,
        };
        let caller = world.caller();
        credential::rotate(&world.env, caller, id, None, rotation, None)
            .await
            .unwrap();
        Self {
            world,
            gateways: Gateways::default(),
            id,
            sequence: 0,
            said: None,
        }
    }

    async fn reported(&mut self, instance: [u8; 16]) {
        let env = &self.world.env;
        let new = NewToken {
            role: NewRole::Gateway {
                group: "default".to_owned(),
            },
            description: String::new(),
            expires_at: None,
        };
        let made = token::create(env, self.world.caller(), new, None).await;
        let token = made.unwrap().0.id;
        let head = env.store.read().await.unwrap().head().await.unwrap();
        self.sequence += 1;
        let said = Report {
            gateway: "edge".to_owned(),
            instance,
            sequence: self.sequence,
            epoch: head.epoch,
            revision: head.revision,
            complete: true,
            workers: 1,
            max_staleness: Some(MaxStaleness::Bounded(HOUR * 24)),
        };
        let group = self.world.default_group().await;
        gateway::report(env, &self.gateways, group, token, said.clone()).unwrap();
        self.said = Some((token, said));
    }

    /// Time passes, and the gateway reports all the while.
    async fn pass(&mut self, time: Duration) {
        self.reported(EDGE).await;
        self.goes_on(time).await;
    }

    /// The same with what it said last.
    async fn goes_on(&mut self, time: Duration) {
        for _ in 0..time.as_secs() / 60 {
            self.world.clock.advance(Duration::from_mins(1));
            let group = self.world.default_group().await;
            let (token, mut said) = self.said.clone().unwrap();
            self.sequence += 1;
            said.sequence = self.sequence;
            let env = &self.world.env;
            gateway::report(env, &self.gateways, group, token, said).unwrap();
        }
    }

    /// Time passes, and the gateway polls without a word.
    async fn polls(&self, time: Duration) {
        let group = self.world.default_group().await;
        for _ in 0..time.as_secs() / 30 {
            self.world.clock.advance(Duration::from_secs(30));
            let (now, wait) = (self.world.env.now(), Duration::from_secs(25));
            let polled = self.gateways.polled(group, "edge", EDGE, wait, now);
            polled.unwrap();
        }
    }

    async fn version(&self) -> u64 {
        let read = credential::get(&self.world.env, self.world.caller(), self.id).await;
        read.unwrap().credential.version
    }

    async fn used(&self, version: u32, lost: u64, sequence: u64) {
        self.used_at(self.world.env.now(), version, lost, sequence)
            .await;
    }

    /// A use at this time by the clock of the gateway.
    async fn used_at(&self, at: Timestamp, version: u32, lost: u64, sequence: u64) {
        let env = &self.world.env;
        let now = at.as_millis();
        let batch = UsageBatch {
            lane: 0,
            sequence,
            lost,
            uses: vec![Use {
                credential: self.id.object_id(),
                version,
                outcome: UseOutcome::Allowed,
                count: 1,
                first_ms: now,
                last_ms: now,
            }],
        };
        let intake = std::sync::Arc::new(Intake::new(
            env.clone(),
            std::sync::Arc::new(Metrics::new()),
        ));
        let group = self.world.default_group().await;
        intake.submit(group, EDGE, vec![batch]).await.unwrap();
    }

    async fn ends(&self) -> bool {
        let ended = end_silent(&self.world.env, &self.gateways).await.unwrap();
        let read = credential::get(&self.world.env, self.world.caller(), self.id).await;
        let living = read.unwrap().secrets.len();
        assert_eq!((ended, living), if ended == 0 { (0, 2) } else { (1, 1) });
        ended == 1
    }
}

#[tokio::test]
async fn a_secret_that_nobody_used_ends_and_is_noted_once() {
    let mut silent = Silent::new().await;
    silent.pass(SILENCE).await;
    assert!(
        !silent.ends().await,
        "the last hour may not be reported yet"
    );
    silent.used(2, 0, 1).await;
    silent.pass(HOUR * 2).await;
    assert!(
        silent.ends().await,
        "the new secret is in use, the old one is not"
    );
    let query = audit::AuditQuery {
        action: Some(Action::GraceEndedBySilence),
        limit: 10,
        ..audit::AuditQuery::default()
    };
    let noted = audit::list(&silent.world.env, silent.world.caller(), query).await;
    assert_eq!(noted.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_use_begins_the_silence_anew() {
    let mut silent = Silent::new().await;
    silent.pass(HOUR * 20).await;
    silent.used(1, 0, 1).await;
    silent.pass(HOUR * 20).await;
    assert!(!silent.ends().await);
    silent.pass(HOUR * 6).await;
    assert!(silent.ends().await);
}

#[tokio::test]
async fn a_use_counts_from_when_it_was_heard_of_because_clocks_lag() {
    let mut silent = Silent::new().await;
    silent.pass(HOUR * 30).await;
    let long_ago = silent.world.env.now().before(HOUR * 29);
    silent.used_at(long_ago, 1, 0, 1).await;
    assert!(!silent.ends().await);
    silent.pass(HOUR * 26).await;
    assert!(silent.ends().await);
}

#[tokio::test]
async fn usage_that_was_lost_may_have_been_of_the_old_secret() {
    let mut silent = Silent::new().await;
    silent.pass(HOUR * 20).await;
    silent.used(2, 1, 1).await;
    silent.pass(HOUR * 20).await;
    assert!(!silent.ends().await);
    silent.pass(HOUR * 6).await;
    assert!(silent.ends().await);
}

#[tokio::test]
async fn without_any_gateway_silence_says_nothing() {
    let silent = Silent::new().await;
    silent.world.clock.advance(SILENCE * 3);
    assert!(!silent.ends().await);
}

#[tokio::test]
async fn a_gap_in_the_reports_of_one_gateway_is_not_silence() {
    let mut silent = Silent::new().await;
    silent.pass(HOUR * 20).await;
    silent.world.clock.advance(Duration::from_mins(2));
    silent.pass(HOUR * 20).await;
    assert!(!silent.ends().await);
    silent.pass(HOUR * 6).await;
    assert!(silent.ends().await);
}

#[tokio::test]
async fn a_gateway_that_fell_silent_is_waited_for() {
    let mut silent = Silent::new().await;
    silent.reported([2; 16]).await;
    silent.pass(HOUR * 23).await;
    silent.reported([2; 16]).await;
    silent.pass(HOUR * 12).await;
    assert!(!silent.ends().await);
}

#[tokio::test]
async fn a_gateway_that_polls_and_does_not_report_is_waited_for() {
    let mut silent = Silent::new().await;
    silent.pass(HOUR * 24).await;
    silent.polls(HOUR * 3).await;
    assert!(!silent.ends().await);
}

#[tokio::test]
async fn the_first_poll_after_an_outage_of_the_registry_is_no_report() {
    let mut silent = Silent::new().await;
    silent.pass(HOUR * 20).await;
    silent.gateways.save(&silent.world.env).await.unwrap();
    silent.world.clock.advance(HOUR * 6);
    silent.gateways = Gateways::load(&silent.world.env).await.unwrap();
    silent.polls(Duration::from_secs(30)).await;
    assert!(!silent.ends().await);
    silent.reported(EDGE).await;
    assert!(!silent.ends().await, "there was a gap");
}

#[tokio::test]
async fn until_a_lost_gateway_admits_nothing_any_more_nothing_is_silent() {
    let mut silent = Silent::new().await;
    silent.reported([2; 16]).await;
    silent.pass(HOUR * 30).await;
    assert!(!silent.ends().await, "it admitted until six hours ago");
    silent.gateways.forget_silent(silent.world.env.now());
    assert!(!silent.ends().await);
    silent.gateways.save(&silent.world.env).await.unwrap();
    assert!(
        !silent.ends().await,
        "it is forgotten, and that is written down"
    );
    silent.pass(HOUR * 20).await;
    assert!(silent.ends().await);
}

#[tokio::test]
async fn a_gateway_that_is_forgotten_before_it_was_written_down_begins_the_silence_anew() {
    let mut silent = Silent::new().await;
    silent.pass(HOUR * 20).await;
    silent.reported([2; 16]).await;
    silent.pass(HOUR * 4).await;
    let now = silent.world.env.now();
    assert!(silent.gateways.forget([2; 16], now));
    silent.gateways.save(&silent.world.env).await.unwrap();
    silent.pass(HOUR * 20).await;
    assert!(!silent.ends().await);
    silent.pass(HOUR * 6).await;
    assert!(silent.ends().await);
}

#[tokio::test]
async fn a_filter_too_old_to_count_proves_nothing() {
    let mut silent = Silent::new().await;
    silent.reported(EDGE).await;
    if let Some((_, said)) = &mut silent.said {
        said.max_staleness = None;
    }
    silent.goes_on(HOUR * 30).await;
    assert!(!silent.ends().await);
}

#[tokio::test]
async fn usage_that_is_not_kept_leaves_a_gap() {
    let mut silent = Silent::new().await;
    silent.pass(HOUR * 20).await;
    let (token, said) = silent.said.clone().unwrap();
    let beyond = UsageBatch {
        lane: 0,
        sequence: u64::MAX,
        lost: 0,
        uses: Vec::new(),
    };
    let env = &silent.world.env;
    let from = (silent.world.default_group().await, token);
    let intake = std::sync::Arc::new(Intake::new(
        env.clone(),
        std::sync::Arc::new(Metrics::new()),
    ));
    let received = crate::usage::receive(env, &silent.gateways, &intake, from, said, vec![beyond]);
    assert!(received.await.is_err());
    silent.pass(HOUR * 20).await;
    assert!(!silent.ends().await);
    silent.pass(HOUR * 6).await;
    assert!(silent.ends().await);
}

#[tokio::test]
async fn a_credential_that_cannot_be_ended_does_not_keep_the_others() {
    let mut silent = Silent::new().await;
    let broken = silent
        .world
        .credential("b", NewSecret::GeneratedApiKey)
        .await;
    let broken = broken.detail.credential.id;
    let rotation = Rotation {
        grace: SILENCE * 10,
        end_after_silence: Some(SILENCE),
        expires_at: crate::edit::Edit::Keep,
        secret: RotatedSecret::Generated { username: None },
        part: crate::secret::Part::Value,
    };
    let (env, caller) = (&silent.world.env, silent.world.caller());
    credential::rotate(env, caller, broken, None, rotation, None)
        .await
        .unwrap();
    let mut write = env.store.write().await.unwrap();
    for secret in write.unrevoked_secrets(broken).await.unwrap() {
        write.reseal_secret(secret.id, b"broken").await.unwrap();
    }
    env.commit(write).await.unwrap();
    silent.pass(HOUR * 26).await;
    let before = silent.version().await;
    assert!(silent.ends().await);
    assert_eq!(silent.version().await, before + 1, "it is another version");
}

#[tokio::test]
async fn without_the_wish_no_silence_ends_anything() {
    let mut silent = Silent::new().await;
    let rotation = Rotation {
        grace: SILENCE * 10,
        end_after_silence: None,
        expires_at: crate::edit::Edit::Keep,
        secret: RotatedSecret::Generated { username: None },
        part: crate::secret::Part::Value,
    };
    let (env, caller) = (&silent.world.env, silent.world.caller());
    credential::rotate(env, caller, silent.id, None, rotation, None)
        .await
        .unwrap();
    silent.pass(HOUR * 48).await;
    assert!(!silent.ends().await);
}

#[tokio::test]
async fn a_gateway_that_another_registry_heard_of_last_is_waited_for() {
    let mut silent = Silent::on(World::postgres().await).await;
    let other = silent.world.beside(2).await;
    silent.gateways = Gateways::load(&silent.world.env).await.unwrap();
    let elsewhere = Gateways::load(&other.env).await.unwrap();
    silent.reported([2; 16]).await;
    let (token, mut said) = silent.said.clone().unwrap();
    said.sequence += 1;
    silent.gateways.forget([2; 16], silent.world.env.now());
    silent.pass(HOUR * 12).await;
    other.clock.advance(HOUR * 12);
    let group = other.default_group().await;
    gateway::report(&other.env, &elsewhere, group, token, said).unwrap();
    elsewhere.save(&other.env).await.unwrap();
    silent.pass(HOUR * 14).await;
    other.clock.advance(HOUR * 14);
    elsewhere.save(&other.env).await.unwrap();
    assert!(!silent.ends().await, "it has said nothing for long");
    silent.pass(HOUR * 40).await;
    assert!(!silent.ends().await, "the other registry may know more");
    other.clock.advance(HOUR * 40);
    elsewhere.save(&other.env).await.unwrap();
    assert!(silent.ends().await);
}
