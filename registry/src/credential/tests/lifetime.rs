//! Claims about the longest lifetime that the settings allow.

use super::*;
use crate::{clock::Timestamp, secret::Part};

const DAY: Duration = Duration::from_hours(24);
const MOST: Duration = Duration::from_hours(24 * 90);

fn limit(world: &mut World) {
    let lifetimes = &mut world.env.lifetimes;
    lifetimes.api_key = Some(MOST);
    lifetimes.bearer_token = Some(MOST);
}

async fn limited() -> World {
    let mut world = World::new().await;
    limit(&mut world);
    world
}

async fn key(world: &World) -> Credential {
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    issued.detail.credential
}

async fn set_end(
    world: &World,
    id: CredentialId,
    end: Option<Timestamp>,
) -> Result<Option<Timestamp>, Error> {
    let patch = CredentialPatch {
        expires_at: Edit::Set(end),
        ..CredentialPatch::default()
    };
    let changed = update(&world.env, world.caller(), id, None, patch).await?;
    Ok(changed.value.credential.expires_at)
}

async fn rotate_until(
    world: &World,
    id: CredentialId,
    part: Part,
    expires_at: Edit<Option<Timestamp>>,
) -> Result<CredentialDetail, Error> {
    let rotation = Rotation {
        part,
        grace: 7 * DAY,
        end_after_silence: None,
        expires_at,
        secret: GENERATED,
    };
    let rotated = rotate(&world.env, world.caller(), id, None, rotation, None).await?;
    Ok(rotated.value.detail)
}

fn retiring_until(detail: &CredentialDetail) -> Option<Timestamp> {
    detail
        .secrets
        .iter()
        .find_map(|secret| secret.retiring_until)
}

#[tokio::test]
async fn without_an_end_a_credential_gets_the_latest_of_its_type() {
    let world = limited().await;
    let last = world.env.now().after(MOST);
    let application = world.application("a").await;
    for (secret, end) in [
        (NewSecret::GeneratedApiKey, Some(last)),
        (NewSecret::BearerToken, Some(last)),
        (generated_password("ann"), None),
    ] {
        let name = format!("{:?}", secret.kind());
        let new = NewCredential {
            expires_at: None,
            ..World::new_credential(application, &name, secret)
        };
        let made = world.issue(new).await.unwrap();
        assert_eq!(made.detail.credential.expires_at, end, "{name}");
    }
}

#[tokio::test]
async fn a_later_end_is_refused_and_an_earlier_one_stays() {
    let world = limited().await;
    let last = world.env.now().after(MOST);
    let application = world.application("a").await;
    let until = |name: &str, end| NewCredential {
        expires_at: Some(end),
        ..World::new_credential(application, name, NewSecret::GeneratedApiKey)
    };
    let late = world
        .issue(until("late", last.after(Duration::from_millis(1))))
        .await;
    match late {
        Err(Error::Invalid(InvalidField { field, message })) => {
            assert_eq!(field, "expires_at");
            assert!(message.contains("7776000 seconds"), "{message}");
            assert!(
                message.contains("max_lifetime_api_key_seconds"),
                "{message}"
            );
        }
        other => panic!("{other:?}"),
    }
    for end in [last, last.before(DAY)] {
        let made = world
            .issue(until(&end.as_millis().to_string(), end))
            .await
            .unwrap();
        assert_eq!(made.detail.credential.expires_at, Some(end));
    }
}

#[tokio::test]
async fn no_change_of_the_end_goes_beyond_what_the_secret_has_left() {
    let world = limited().await;
    let made = key(&world).await;
    let last = made.created_at.after(MOST);
    world.clock.advance(10 * DAY);
    let late = Some(last.after(DAY));
    assert_invalid(set_end(&world, made.id, late).await, "expires_at");
    let sooner = Some(last.before(DAY));
    assert_eq!(set_end(&world, made.id, sooner).await.unwrap(), sooner);
    assert_eq!(set_end(&world, made.id, None).await.unwrap(), Some(last));
    // Once its time is over it needs another secret.
    world.clock.advance(MOST);
    assert_invalid(set_end(&world, made.id, None).await, "expires_at");
}

#[tokio::test]
async fn a_rotation_moves_an_end_that_the_limit_gave_and_leaves_one_that_was_chosen() {
    let world = limited().await;
    let made = key(&world).await;
    let first_end = made.expires_at.unwrap();
    world.clock.advance(85 * DAY);
    let kept = || Edit::Keep;
    let rotated = rotate_until(&world, made.id, Part::Value, kept())
        .await
        .unwrap();
    let next_end = world.env.now().after(MOST);
    assert_eq!(rotated.credential.expires_at, Some(next_end));
    assert_eq!(
        retiring_until(&rotated),
        Some(first_end),
        "the old one goes no further than its own lifetime, whatever its grace period"
    );
    let chosen = Some(world.env.now().after(20 * DAY));
    set_end(&world, made.id, chosen).await.unwrap();
    let rotated = rotate_until(&world, made.id, Part::Value, kept())
        .await
        .unwrap();
    assert_eq!(rotated.credential.expires_at, chosen);
    let late = Edit::Set(Some(next_end.after(DAY)));
    assert_invalid(
        rotate_until(&world, made.id, Part::Value, late).await,
        "expires_at",
    );
    world.clock.advance(DAY);
    let rotated = rotate_until(&world, made.id, Part::Value, Edit::Set(None))
        .await
        .unwrap();
    assert_eq!(
        rotated.credential.expires_at,
        Some(world.env.now().after(MOST))
    );
}

#[tokio::test]
async fn an_expired_credential_is_rotated_with_an_end_of_the_new_secret() {
    let world = limited().await;
    let made = key(&world).await;
    let chosen = Some(world.env.now().after(DAY));
    set_end(&world, made.id, chosen).await.unwrap();
    world.clock.advance(MOST);
    assert_conflict(
        rotate_until(&world, made.id, Part::Value, Edit::Keep).await,
        &Conflict::CredentialExpired,
    );
    let rotated = rotate_until(&world, made.id, Part::Value, Edit::Set(None))
        .await
        .unwrap();
    let last = world.env.now().after(MOST);
    assert_eq!(rotated.credential.expires_at, Some(last));
    assert_eq!(retiring_until(&rotated), None, "the old one had ended");
    // An end that the limit gave is no obstacle.
    world.clock.advance(MOST);
    let rotated = rotate_until(&world, made.id, Part::Value, Edit::Keep).await;
    assert_eq!(
        rotated.unwrap().credential.expires_at,
        Some(world.env.now().after(MOST))
    );
}

#[tokio::test]
async fn another_shared_secret_begins_no_other_lifetime() {
    let world = limited().await;
    let application = world.application("a").await;
    let pair = NewCredential {
        is_paired: true,
        ..World::new_credential(application, "pair", NewSecret::GeneratedApiKey)
    };
    let made = world.issue(pair).await.unwrap().detail.credential;
    world.clock.advance(80 * DAY);
    for wished in [Edit::Keep, Edit::Set(None)] {
        let rotated = rotate_until(&world, made.id, Part::Shared, wished)
            .await
            .unwrap();
        assert_eq!(rotated.credential.expires_at, made.expires_at);
    }
    let late = Edit::Set(Some(world.env.now().after(MOST)));
    let refused = rotate_until(&world, made.id, Part::Shared, late).await;
    assert_invalid(refused, "expires_at");
}

#[tokio::test]
async fn a_cancelled_rotation_leaves_the_old_secret_no_more_time_than_it_had() {
    let world = limited().await;
    let made = key(&world).await;
    world.clock.advance(85 * DAY);
    rotate_until(&world, made.id, Part::Value, Edit::Keep)
        .await
        .unwrap();
    let back = cancel_rotation(&world.env, world.caller(), made.id, None)
        .await
        .unwrap();
    assert_eq!(back.value.credential.expires_at, made.expires_at);
}

#[tokio::test]
async fn what_existed_before_the_limit_stays_until_it_is_changed() {
    let mut world = World::new().await;
    let made = key(&world).await;
    world.clock.advance(2 * MOST);
    limit(&mut world);
    let rename = CredentialPatch {
        name: Some("renamed".to_owned()),
        ..CredentialPatch::default()
    };
    let renamed = update(&world.env, world.caller(), made.id, None, rename).await;
    assert_eq!(renamed.unwrap().value.credential.expires_at, None);
    // It may be brought forward, but not put off again.
    let last = world.env.now().after(MOST);
    let late = Some(last.after(DAY));
    assert_invalid(set_end(&world, made.id, late).await, "expires_at");
    assert_eq!(set_end(&world, made.id, None).await.unwrap(), Some(last));
    let soon = Some(world.env.now().after(DAY));
    assert_eq!(set_end(&world, made.id, soon).await.unwrap(), soon);
    assert_invalid(set_end(&world, made.id, Some(last)).await, "expires_at");
}

#[tokio::test]
async fn a_secret_from_before_the_limit_keeps_its_grace_period() {
    let mut world = World::new().await;
    let made = key(&world).await;
    world.clock.advance(2 * MOST);
    limit(&mut world);
    let rotated = rotate_until(&world, made.id, Part::Value, Edit::Keep)
        .await
        .unwrap();
    let now = world.env.now();
    assert_eq!(rotated.credential.expires_at, Some(now.after(MOST)));
    assert_eq!(retiring_until(&rotated), Some(now.after(7 * DAY)));
    let back = cancel_rotation(&world.env, world.caller(), made.id, None)
        .await
        .unwrap();
    assert_eq!(
        back.value.credential.expires_at,
        Some(now.after(7 * DAY)),
        "no rotation that is taken back is a way around the limit"
    );
}

#[tokio::test]
async fn without_a_limit_a_rotation_may_set_an_end_all_the_same() {
    let world = World::new().await;
    let made = key(&world).await;
    let end = Some(world.env.now().after(DAY));
    let rotated = rotate_until(&world, made.id, Part::Value, Edit::Set(end)).await;
    assert_eq!(rotated.unwrap().credential.expires_at, end);
    let past = Edit::Set(Some(world.env.now()));
    assert_invalid(
        rotate_until(&world, made.id, Part::Value, past).await,
        "expires_at",
    );
    world.clock.advance(DAY);
    let rotated = rotate_until(&world, made.id, Part::Value, Edit::Set(None)).await;
    assert_eq!(rotated.unwrap().credential.expires_at, None);
}
