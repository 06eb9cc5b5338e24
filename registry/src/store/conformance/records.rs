//! Whatever happens to a credential, what gateways are told of it is as things stand.

use std::time::Duration;

use filter_core::feed;

use super::*;
use crate::{
    application::{self, ApplicationPatch},
    clock::Timestamp,
    credential::{self, CredentialPatch, NewSecret, RotatedSecret, Rotation},
    edit::Edit,
    gateway::{self, Mode},
    secret::{Part, Secret, SecretState},
    testing::HOUR,
};

const ROUNDS: u64 = 90;
const GROUPS: usize = 3;

/// What gateways should be told of a credential's deployed secret, worked out from everything that is kept.
async fn expected(
    read: &mut dyn ReadTransaction,
    one: &Credential,
    deployed: &Deployed,
) -> feed::Credential {
    let application = read.application(one.application).await.unwrap().unwrap();
    let secrets = read.unrevoked_secrets(one.id).await.unwrap();
    let find = |id| {
        let secret = secrets.iter().find(|secret| secret.id == id);
        secret.expect("what is deployed is not revoked")
    };
    let secret = find(deployed.secret);
    let shared = deployed.paired.map(find);
    let until = |secret: &Secret| match secret.state {
        SecretState::Retiring { until } => Some(until),
        _ => None,
    };
    let ends = [one.expires_at, until(secret), shared.and_then(until)];
    let millis = |time: Option<Timestamp>| time.map_or(0, Timestamp::as_millis);
    feed::Credential {
        digest: filter_core::digest::Digest(deployed.digest),
        kind: match shared {
            Some(_) => feed::CredentialKind::ApiKeyPair,
            None => secret.origin.presented_as(one.kind),
        },
        application: application.number,
        id: one.id.object_id(),
        identifier: (one.identifier != one.id.to_string()).then(|| one.identifier.clone()),
        version: shared.map_or(0, |shared| shared.version << 16) | secret.version,
        enabled: one.enabled,
        not_before: millis(one.not_before),
        expires_at: millis(ends.into_iter().flatten().min()),
        scopes: one.scopes.iter().map(ToString::to_string).collect(),
        tokens_valid_from: 0,
    }
}

/// Compares every record of every group. Returns how many there are.
async fn check(store: &Arc<dyn Store>, ids: &[CredentialId]) -> usize {
    let mut read = store.read().await.unwrap();
    let mut told = 0;
    for group in read.groups().await.unwrap() {
        let rows = read.group_credentials(group.id, &[0; 16], 10_000).await;
        told += rows.as_ref().unwrap().len();
        let rows = rows.unwrap();
        let mut known: Vec<feed::Credential> = Vec::new();
        for id in ids {
            let Some(one) = read.credential(*id).await.unwrap() else {
                continue;
            };
            for deployed in read.deployed(*id).await.unwrap() {
                if deployed.group == group.id {
                    known.push(expected(read.as_mut(), &one, &deployed).await);
                }
            }
        }
        known.sort_by_key(|one| one.digest.0);
        let rows: Vec<_> = rows.iter().map(|row| row.decode().unwrap()).collect();
        assert_eq!(rows, known);
    }
    told
}

async fn rotate(
    world: &World,
    id: CredentialId,
    grace: Duration,
    choice: u64,
) -> Result<(), crate::error::Error> {
    let (env, caller) = (&world.env, world.caller());
    let rotation = Rotation {
        part: if choice.is_multiple_of(2) {
            Part::Value
        } else {
            Part::Shared
        },
        grace,
        end_after_silence: None,
        expires_at: crate::edit::Edit::Keep,
        secret: RotatedSecret::Generated { username: None },
    };
    credential::rotate(env, caller, id, None, rotation, None).await?;
    match choice / 10 % 5 {
        0 => drop(credential::cancel_rotation(env, caller, id, None).await?),
        1 => drop(credential::finish_rotation(env, caller, id, None).await?),
        _ => {}
    }
    Ok(())
}

fn patch(world: &World, choice: u64) -> CredentialPatch {
    let soon = world.env.now().after(HOUR);
    let mut patch = CredentialPatch::default();
    match choice % 6 {
        0 => patch.enabled = Some(choice % 4 < 2),
        1 => patch.scopes = Some(vec!["read".to_owned()]),
        2 => patch.scopes = Some(Vec::new()),
        3 => patch.not_before = Edit::Set(Some(Timestamp::from_millis(choice))),
        4 => patch.expires_at = Edit::Set(Some(soon)),
        _ => patch.name = Some(format!("name-{choice}")),
    }
    patch
}

async fn new_credential(world: &World, nth: u64) -> CredentialId {
    let user = || format!("user-{nth}");
    let secret = match nth % 4 {
        0 => NewSecret::GeneratedApiKey,
        1 => NewSecret::BearerToken,
        2 => NewSecret::GeneratedPassword { username: user() },
        _ => NewSecret::ChosenPassword {
            username: user(),
            password: crate::testing::secret(&format!("correct horse battery {nth}")),
        },
    };
    let application = world.application(&format!("a{nth}")).await;
    let mut new = World::new_credential(application, "x", secret);
    new.is_paired = nth.is_multiple_of(8);
    new.identifier = nth.is_multiple_of(3).then(|| format!("identifier-{nth}"));
    world.issue(new).await.unwrap().detail.credential.id
}

pub(super) async fn every_record_is_as_things_stand_whatever_happened(
    world: &World,
    store: Arc<dyn Store>,
) {
    let mut ids = Vec::new();
    let mut told = 0;
    for round in 0..ROUNDS {
        // A fixed walk that mixes everything.
        let choice = round.wrapping_mul(2_654_435_761) >> 7;
        let one = ids.get(usize::try_from(choice).unwrap() % ids.len().max(1));
        match (choice % 10, one.copied()) {
            (0 | 1, _) | (_, None) => ids.push(new_credential(world, round).await),
            (2..=4, Some(id)) => {
                let patch = patch(world, choice / 10);
                // A bearer token that has ended, and the like, may be refused: then nothing has changed.
                let _ = credential::update(&world.env, world.caller(), id, None, patch).await;
            }
            (5 | 6, Some(id)) => {
                let grace = if choice.is_multiple_of(3) {
                    Duration::ZERO
                } else {
                    HOUR
                };
                // What is no pair, or has expired, may be refused.
                let _ = rotate(world, id, grace, choice).await;
            }
            (7, Some(id)) => move_or_disable(world, id, choice / 10).await,
            (8, Some(_)) => {
                world.clock.advance(HOUR / 2);
                world.sweep().await;
            }
            (_, Some(id)) if choice % 4 == 0 => {
                world.delete_credential(id).await;
                ids.retain(|known| *known != id);
            }
            (_, Some(_)) => {
                let groups = gateway::groups(&world.env).await.unwrap().len();
                if groups < GROUPS {
                    let made = gateway::create_group(
                        &world.env,
                        world.caller(),
                        format!("g{round}"),
                        Mode::Automatic,
                    );
                    made.await.unwrap();
                }
            }
        }
        told += check(&store, &ids).await;
    }
    assert!(told > 500, "{told} records were compared");
}

async fn move_or_disable(world: &World, id: CredentialId, choice: u64) {
    let mut read = world.env.store.read().await.unwrap();
    let application = read.credential(id).await.unwrap().unwrap().application;
    drop(read);
    let mut patch = ApplicationPatch::default();
    match choice % 4 {
        0 => patch.enabled = Some(choice % 8 < 4),
        1 => patch.name = Some(format!("renamed-{choice}-{}", world.env.store.revision())),
        2 => patch.gateway_groups = Edit::Set(Some(vec!["default".to_owned()])),
        _ => patch.gateway_groups = Edit::Set(None),
    }
    application::update(&world.env, world.caller(), application, None, patch)
        .await
        .unwrap();
}
