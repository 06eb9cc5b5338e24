//! Claims about when a new secret is due.

use super::*;

const DAY: Duration = Duration::from_hours(24);

async fn state(world: &World, id: CredentialId) -> RotationState {
    let read = get(&world.env, world.caller(), id).await.unwrap();
    read.schedule.state
}

/// A credential that wants a new secret this often.
async fn wanting(world: &World, name: &str, every: Option<Duration>) -> CredentialId {
    let application = world.application(name).await;
    let new = World::new_credential(application, name, NewSecret::GeneratedApiKey);
    let new = NewCredential {
        rotate_every: every,
        ..new
    };
    world.issue(new).await.unwrap().detail.credential.id
}

async fn announced(world: &World) -> (u64, u64) {
    announce_rotations(&world.env).await.unwrap();
    let counts = count_rotations(&world.env).await.unwrap();
    (counts.due_soon, counts.due)
}

#[tokio::test]
async fn a_rotation_comes_due_after_its_time_with_a_warning_before() {
    let world = World::new().await;
    let id = wanting(&world, "a", Some(90 * DAY)).await;
    let read = get(&world.env, world.caller(), id).await.unwrap();
    assert_eq!(read.schedule.due_at, Some(world.env.now().after(90 * DAY)));
    assert_eq!(read.schedule.state, RotationState::Fresh);
    assert_eq!(announced(&world).await, (0, 0));
    world.clock.advance(76 * DAY);
    assert_eq!(state(&world, id).await, RotationState::DueSoon);
    assert_eq!(announced(&world).await, (1, 0));
    world.clock.advance(14 * DAY);
    assert_eq!(state(&world, id).await, RotationState::Due);
    assert_eq!(announced(&world).await, (0, 1));
    world.rotate_now(id).await;
    assert_eq!(state(&world, id).await, RotationState::Fresh);
    assert_eq!(announced(&world).await, (0, 0));
}

#[tokio::test]
async fn the_policy_counts_for_whoever_does_not_say_it() {
    let mut world = World::new().await;
    world.env.rotation.every = Some(30 * DAY);
    let own = wanting(&world, "own", Some(2 * DAY)).await;
    let others = wanting(&world, "others", None).await;
    world.clock.advance(2 * DAY);
    assert_eq!(state(&world, own).await, RotationState::Due);
    assert_eq!(state(&world, others).await, RotationState::Fresh);
    assert_eq!(announced(&world).await, (0, 1));
    world.clock.advance(14 * DAY);
    assert_eq!(state(&world, others).await, RotationState::DueSoon);
    assert_eq!(announced(&world).await, (1, 1));
    world.clock.advance(14 * DAY);
    assert_eq!(announced(&world).await, (0, 2));
}

#[tokio::test]
async fn a_warning_does_not_come_in_the_first_half_of_the_time() {
    let world = World::new().await;
    let id = wanting(&world, "a", Some(2 * DAY)).await;
    assert_eq!(announced(&world).await, (0, 0));
    world.clock.advance(DAY);
    assert_eq!(state(&world, id).await, RotationState::DueSoon);
    assert_eq!(announced(&world).await, (1, 0));
}

#[tokio::test]
async fn another_policy_takes_back_what_was_said_by_the_one_before() {
    let mut world = World::new().await;
    world.env.rotation.every = Some(30 * DAY);
    let id = wanting(&world, "a", None).await;
    wanting(&world, "b", Some(30 * DAY)).await;
    world.clock.advance(30 * DAY);
    assert_eq!(announced(&world).await, (0, 2));
    world.env.rotation.every = Some(100 * DAY);
    reconsider_rotations(&world.env).await.unwrap();
    assert_eq!(announced(&world).await, (0, 1));
    assert_eq!(state(&world, id).await, RotationState::Fresh);
    world.env.rotation.every = None;
    reconsider_rotations(&world.env).await.unwrap();
    assert_eq!(state(&world, id).await, RotationState::None);
    assert_eq!(announced(&world).await, (0, 1));
}

#[tokio::test]
async fn an_expired_credential_is_not_due_until_it_is_prolonged() {
    let world = World::new().await;
    let application = world.application("a").await;
    let new = NewCredential {
        rotate_every: Some(2 * DAY),
        expires_at: Some(world.env.now().after(DAY)),
        ..World::new_credential(application, "a", NewSecret::GeneratedApiKey)
    };
    let id = world.issue(new).await.unwrap().detail.credential.id;
    world.clock.advance(3 * DAY);
    assert_eq!(state(&world, id).await, RotationState::None);
    assert_eq!(announced(&world).await, (0, 0));
    let patch = CredentialPatch {
        expires_at: Edit::Set(None),
        ..CredentialPatch::default()
    };
    update(&world.env, world.caller(), id, None, patch)
        .await
        .unwrap();
    assert_eq!(announced(&world).await, (0, 1));
}

#[tokio::test]
async fn many_are_announced_in_parts() {
    let world = World::new().await;
    let application = world.application("a").await;
    for number in 0..201 {
        let name = number.to_string();
        let new = NewCredential {
            rotate_every: Some(DAY),
            ..World::new_credential(application, &name, NewSecret::GeneratedApiKey)
        };
        world.issue(new).await.unwrap();
    }
    world.clock.advance(DAY);
    assert_eq!(announced(&world).await, (0, 201));
}

#[tokio::test]
async fn a_time_between_rotations_is_at_least_an_hour() {
    let world = World::new().await;
    let id = wanting(&world, "a", Some(HOUR)).await;
    let every = |every| CredentialPatch {
        rotate_every: Edit::Set(every),
        ..CredentialPatch::default()
    };
    for wrong in [Duration::ZERO, HOUR / 2, 4000 * DAY] {
        let result = update(&world.env, world.caller(), id, None, every(Some(wrong))).await;
        assert_invalid(result, "rotate_every");
    }
    world.clock.advance(HOUR);
    assert_eq!(announced(&world).await, (0, 1));
    update(&world.env, world.caller(), id, None, every(None))
        .await
        .unwrap();
    assert_eq!(announced(&world).await, (0, 0), "no time, nothing due");
}
