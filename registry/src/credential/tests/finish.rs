//! Claims about ending a grace period before its time, and about more than one retiring secret.

use super::*;

async fn finish(world: &World, id: CredentialId) -> Result<CredentialDetail, Error> {
    let done = finish_rotation(&world.env, world.caller(), id, None).await?;
    Ok(done.value)
}

async fn cancel(world: &World, id: CredentialId) -> Result<CredentialDetail, Error> {
    let done = cancel_rotation(&world.env, world.caller(), id, None).await?;
    Ok(done.value)
}

/// Does to the database what another part of the registry would do.
async fn execute(world: &World, statement: &'static str, id: CredentialId) {
    let (statement, id) = ((statement, statement), Some(id.to_string()));
    world.store.tamper(statement, id).await.unwrap();
}

fn versions(detail: &CredentialDetail) -> Vec<u32> {
    detail.secrets.iter().map(|secret| secret.version).collect()
}

#[tokio::test]
async fn finishing_ends_what_is_retiring_and_nothing_else() {
    let world = World::new().await;
    let old = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = old.detail.credential.id;
    let new = world.rotate(id, HOUR, GENERATED).await.unwrap();
    let mut gateway = world.gateway().await;
    assert_eq!(versions(&finish(&world, id).await.unwrap()), [2]);
    catch_up(&world, &mut gateway).await;
    assert!(gateway.by_value(old.secret.as_ref().unwrap()).is_none());
    assert!(gateway.by_value(new.secret.as_ref().unwrap()).is_some());
    assert_conflict(finish(&world, id).await, &Conflict::NothingRetiring);
}

#[tokio::test]
async fn a_grace_period_that_is_over_cannot_be_finished_or_cancelled() {
    let world = World::new().await;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.id;
    assert_conflict(cancel(&world, id).await, &Conflict::NothingRetiring);
    world.rotate(id, HOUR, GENERATED).await.unwrap();
    world.clock.advance(HOUR);
    assert_conflict(finish(&world, id).await, &Conflict::NothingRetiring);
    assert_conflict(cancel(&world, id).await, &Conflict::NothingRetiring);
}

#[tokio::test]
async fn cancelling_brings_the_secret_before_back_for_good() {
    let world = World::new().await;
    let old = world.credential("a", generated_password("ann")).await;
    let id = old.detail.credential.id;
    let made_at = world.env.now();
    world.clock.advance(HOUR);
    let named = RotatedSecret::Generated {
        username: Some("bob".to_owned()),
    };
    let new = world.rotate(id, HOUR, named).await.unwrap();
    let mut gateway = world.gateway().await;
    let back = cancel(&world, id).await.unwrap();
    assert_eq!(versions(&back), [1]);
    assert_eq!(back.secrets[0].retiring_until, None);
    assert_eq!(back.credential.username.as_deref(), Some("ann"));
    assert_eq!(back.credential.rotated_at, made_at);
    catch_up(&world, &mut gateway).await;
    let found = gateway.by_password("ann", old.secret.as_ref().unwrap());
    assert_eq!(found.map(|one| one.expires_at), Some(0));
    assert!(
        gateway
            .by_password("bob", new.secret.as_ref().unwrap())
            .is_none()
    );
    // The name is free again, and the next rotation can be cancelled as well.
    world.credential("b", generated_password("bob")).await;
    let third = world.rotate(id, HOUR, GENERATED).await.unwrap();
    assert_eq!(
        versions(&third.detail),
        [3, 1],
        "a version is never used again"
    );
    assert_eq!(versions(&cancel(&world, id).await.unwrap()), [1]);
}

#[tokio::test]
async fn a_new_secret_that_was_used_is_not_taken_back() {
    let world = World::new().await;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.id;
    world.rotate(id, HOUR, GENERATED).await.unwrap();
    let old = "insert into usage values ($1, 1, 0, 7, 1, 1, 1)";
    let new = "insert into usage values ($1, 2, 2, 3, 1, 1, 1)";
    execute(&world, old, id).await;
    execute(&world, new, id).await;
    let refused = cancel(&world, id).await;
    assert_conflict(refused, &Conflict::NewSecretUsed { count: 3 });
    assert_eq!(versions(&finish(&world, id).await.unwrap()), [2]);
}

#[tokio::test]
async fn a_secret_that_leaked_does_not_come_back() {
    let world = World::new().await;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.id;
    world.rotate(id, HOUR, GENERATED).await.unwrap();
    let leak = "update secrets set leaked_at = 1 where credential_id = $1 and version = 1";
    execute(&world, leak, id).await;
    assert_conflict(cancel(&world, id).await, &Conflict::RetiringLeaked);
    // As a policy may do it without a rotation.
    let other = world.credential("b", NewSecret::GeneratedApiKey).await;
    let id = other.detail.credential.id;
    let retire = "update secrets
        set leaked_at = 1, state = 'retiring', retiring_until = 9999999999999
        where credential_id = $1";
    execute(&world, retire, id).await;
    assert_conflict(cancel(&world, id).await, &Conflict::RetiringLeaked);
    let rotated = world.rotate(id, HOUR, GENERATED).await.unwrap();
    assert_eq!(versions(&rotated.detail), [2, 1], "its own grace goes on");
}

#[tokio::test]
async fn as_many_secrets_retire_as_configured_and_then_the_oldest_ends() {
    let mut world = World::new().await;
    world.env.rotation.max_retiring = 2;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.id;
    world.rotate(id, HOUR, GENERATED).await.unwrap();
    let third = world.rotate(id, HOUR, GENERATED).await.unwrap();
    assert_eq!(versions(&third.detail), [3, 2, 1]);
    let fourth = world.rotate(id, HOUR, GENERATED).await.unwrap();
    assert_eq!(versions(&fourth.detail), [4, 3, 2]);
    assert_eq!(world.gateway().await.credentials.len(), 3);
    assert_eq!(versions(&cancel(&world, id).await.unwrap()), [3, 2]);
}

#[tokio::test]
async fn only_the_last_rotation_can_be_cancelled() {
    let mut world = World::new().await;
    world.env.rotation.max_retiring = 2;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.id;
    world.rotate(id, 3 * HOUR, GENERATED).await.unwrap();
    world.rotate(id, HOUR, GENERATED).await.unwrap();
    world.clock.advance(HOUR);
    // The second has ended, the first still retires: two rotations lie between it and the present.
    assert_conflict(cancel(&world, id).await, &Conflict::RotatedSince);
    world.sweep().await;
    assert_conflict(cancel(&world, id).await, &Conflict::RotatedSince);
}

#[tokio::test]
async fn no_secret_comes_back_past_one_that_leaked() {
    let world = World::new().await;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.id;
    world.rotate(id, 3 * HOUR, GENERATED).await.unwrap();
    let revoke = "update secrets set leaked_at = 1, state = 'revoked', revoked_at = 1
        where credential_id = $1 and version = 2";
    execute(&world, revoke, id).await;
    let third = world.rotate(id, HOUR, GENERATED).await.unwrap();
    assert_eq!(versions(&third.detail), [3, 1]);
    assert_conflict(cancel(&world, id).await, &Conflict::RotatedSince);
}

#[tokio::test]
async fn finishing_leaves_no_credential_without_a_secret() {
    let world = World::new().await;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.id;
    let retire = "update secrets
        set leaked_at = 1, state = 'retiring', retiring_until = 9999999999999
        where credential_id = $1";
    execute(&world, retire, id).await;
    assert_conflict(finish(&world, id).await, &Conflict::NothingCurrent);
    world.rotate(id, HOUR, GENERATED).await.unwrap();
    assert_eq!(versions(&finish(&world, id).await.unwrap()), [2]);
}

#[tokio::test]
async fn a_grace_period_is_bounded_by_the_settings() {
    let mut world = World::new().await;
    world.env.rotation.max_grace = HOUR;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.id;
    assert_invalid(world.rotate(id, 2 * HOUR, GENERATED).await, "grace_period");
    world.rotate(id, HOUR, GENERATED).await.unwrap();
}

#[tokio::test]
async fn what_is_gone_or_over_cannot_be_rotated() {
    let world = World::new().await;
    let deleted = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = deleted.detail.credential.id;
    world.delete_credential(id).await;
    let revoked = &Conflict::CredentialRevoked;
    assert_conflict(world.rotate(id, HOUR, GENERATED).await, revoked);
    assert_conflict(finish(&world, id).await, revoked);
    assert_conflict(cancel(&world, id).await, revoked);
    let stranger = OrganizationId::generate(world.env.now(), world.env.entropy.as_ref()).unwrap();
    let stranger = crate::caller::Caller::registry(stranger);
    let foreign = finish_rotation(&world.env, stranger, id, None).await;
    assert!(matches!(foreign, Err(Error::NotFound(Kind::Credential))));

    let application = world.application("b").await;
    let expires_at = Some(world.env.now().after(HOUR));
    let new = World::new_credential(application, "b", NewSecret::GeneratedApiKey);
    let issued = world
        .issue(NewCredential { expires_at, ..new })
        .await
        .unwrap();
    world.clock.advance(HOUR);
    let id = issued.detail.credential.id;
    let rotated = world.rotate(id, HOUR, GENERATED).await;
    assert_conflict(rotated, &Conflict::CredentialExpired);
}

#[tokio::test]
async fn a_new_secret_inherits_what_the_credential_is() {
    let world = World::new().await;
    let application = world.application("a").await;
    let now = world.env.now();
    let new = NewCredential {
        not_before: Some(now),
        expires_at: Some(now.after(9 * HOUR)),
        scopes: vec!["read".to_owned()],
        ..World::new_credential(application, "a", NewSecret::GeneratedApiKey)
    };
    let before = world.issue(new).await.unwrap();
    let gateway = world.gateway().await;
    let old = gateway.by_value(before.secret.as_ref().unwrap()).unwrap();
    world.clock.advance(HOUR);
    let after = world.rotate_now(before.detail.credential.id).await;
    let gateway = world.gateway().await;
    let new = gateway.by_value(after.secret.as_ref().unwrap()).unwrap();
    let inherited = filter_core::feed::Credential {
        digest: new.digest,
        version: 2,
        ..old.clone()
    };
    assert_eq!(*new, inherited);
}
