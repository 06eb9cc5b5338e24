//! Claims about how secrets come to their end.

use super::*;

#[tokio::test]
async fn rotation_at_once_ends_the_old_secret_and_keeps_both_ids() {
    let world = World::new().await;
    let before = world.credential("a", NewSecret::GeneratedApiKey).await;
    let mut gateway = world.gateway().await;
    let after = world.rotate_now(before.detail.credential.id).await;
    catch_up(&world, &mut gateway).await;
    assert!(gateway.by_value(before.secret.as_ref().unwrap()).is_none());
    let found = gateway.by_value(after.secret.as_ref().unwrap()).unwrap();
    assert_eq!(found.id, before.detail.credential.id.object_id());
    assert_eq!(found.version, 2);
    assert_eq!(
        after.detail.credential.identifier,
        before.detail.credential.identifier
    );
    assert_eq!(after.detail.secrets.len(), 1);
}

#[tokio::test]
async fn with_grace_the_old_secret_works_until_the_grace_ends() {
    let world = World::new().await;
    let before = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = before.detail.credential.id;
    let after = world.rotate(id, HOUR, GENERATED).await.unwrap();
    let mut gateway = world.gateway().await;
    let end = world.env.now().after(HOUR);
    let old = gateway.by_value(before.secret.as_ref().unwrap()).unwrap();
    assert_eq!((old.version, old.expires_at), (1, end.as_millis()));
    let new = gateway.by_value(after.secret.as_ref().unwrap()).unwrap();
    assert_eq!((new.version, new.expires_at), (2, 0));
    assert_eq!(after.detail.secrets[1].retiring_until, Some(end));

    world.clock.advance(HOUR);
    let read = get(&world.env, world.caller(), id).await.unwrap();
    assert_eq!(
        read.secrets.len(),
        1,
        "it is over, whether or not anything swept"
    );
    assert_eq!(world.sweep().await, 1);
    catch_up(&world, &mut gateway).await;
    assert!(gateway.by_value(before.secret.as_ref().unwrap()).is_none());
    assert!(gateway.by_value(after.secret.as_ref().unwrap()).is_some());
}

#[tokio::test]
async fn a_second_rotation_with_grace_ends_the_one_that_was_retiring() {
    let world = World::new().await;
    let first = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = first.detail.credential.id;
    let second = world.rotate(id, HOUR, GENERATED).await.unwrap();
    let third = world.rotate(id, HOUR, GENERATED).await.unwrap();
    let gateway = world.gateway().await;
    assert!(gateway.by_value(first.secret.as_ref().unwrap()).is_none());
    assert!(gateway.by_value(second.secret.as_ref().unwrap()).is_some());
    assert!(gateway.by_value(third.secret.as_ref().unwrap()).is_some());
}

#[tokio::test]
async fn a_rotation_at_once_also_ends_one_that_was_retiring() {
    let world = World::new().await;
    let first = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = first.detail.credential.id;
    world.rotate(id, HOUR, GENERATED).await.unwrap();
    world.rotate(id, NOW, GENERATED).await.unwrap();
    assert_eq!(world.gateway().await.credentials.len(), 1);
}

#[tokio::test]
async fn a_retiring_secret_never_outlives_its_credential() {
    let world = World::new().await;
    let application = world.application("a").await;
    let expiry = world.env.now().after(HOUR / 2);
    let new = World::new_credential(application, "a", NewSecret::BearerToken);
    let issued = world
        .issue(NewCredential {
            expires_at: Some(expiry),
            ..new
        })
        .await
        .unwrap();
    let rotated = world
        .rotate(issued.detail.credential.id, HOUR, GENERATED)
        .await
        .unwrap();
    assert_eq!(rotated.detail.secrets[1].retiring_until, Some(expiry));
    let gateway = world.gateway().await;
    assert!(
        gateway
            .credentials
            .values()
            .all(|one| one.expires_at == expiry.as_millis())
    );
}

#[tokio::test]
async fn an_expired_credential_leaves_gateways_and_comes_back_when_it_is_prolonged() {
    let world = World::new().await;
    let application = world.application("a").await;
    let expires_at = Some(world.env.now().after(HOUR));
    let new = World::new_credential(application, "a", NewSecret::GeneratedApiKey);
    let issued = world
        .issue(NewCredential { expires_at, ..new })
        .await
        .unwrap();
    let mut gateway = world.gateway().await;
    world.clock.advance(HOUR);
    world.sweep().await;
    catch_up(&world, &mut gateway).await;
    assert!(gateway.credentials.is_empty());
    let patch = CredentialPatch {
        expires_at: Edit::Set(None),
        ..CredentialPatch::default()
    };
    let id = issued.detail.credential.id;
    update(&world.env, world.caller(), id, None, patch)
        .await
        .unwrap();
    catch_up(&world, &mut gateway).await;
    assert!(gateway.by_value(issued.secret.as_ref().unwrap()).is_some());
}

#[tokio::test]
async fn a_value_that_is_in_use_is_refused_whoever_brings_it() {
    let world = World::new().await;
    let value = "an-own-key-of-20-char";
    world.credential("a", own(value)).await;
    let other = world.application("b").await;
    let result = world
        .issue(World::new_credential(other, "b", own(value)))
        .await;
    assert_conflict(result, &Conflict::Value);
    let mine = world.credential("c", NewSecret::GeneratedApiKey).await;
    let rotated = world
        .rotate(
            mine.detail.credential.id,
            NOW,
            RotatedSecret::Own(secret(value)),
        )
        .await;
    let message = rotated.unwrap_err().to_string();
    assert!(
        !message.contains("another") && !message.contains("app_"),
        "{message}"
    );
}

#[tokio::test]
async fn a_revoked_value_never_works_again() {
    let world = World::new().await;
    let (rotated_away, deleted, gone) = (
        "rotated-away-own-key-1",
        "deleted-own-key-000001",
        "gone-with-its-app-0001",
    );
    let first = world.credential("a", own(rotated_away)).await;
    world.rotate_now(first.detail.credential.id).await;
    let second = world.credential("b", own(deleted)).await;
    world.delete_credential(second.detail.credential.id).await;
    let third = world.credential("c", own(gone)).await;
    let application = third.detail.credential.application;
    crate::application::delete(&world.env, world.caller(), application, None)
        .await
        .unwrap();

    let application = world.application("d").await;
    for value in [rotated_away, deleted, gone] {
        let result = world
            .issue(World::new_credential(application, "d", own(value)))
            .await;
        assert_conflict(result, &Conflict::Value);
    }
    let id = first.detail.credential.id;
    let back = world
        .rotate(id, NOW, RotatedSecret::Own(secret(rotated_away)))
        .await;
    assert_conflict(back, &Conflict::Value);
}

#[tokio::test]
async fn a_secret_of_another_type_cannot_be_rotated_in() {
    let world = World::new().await;
    let key = world
        .credential("a", NewSecret::GeneratedApiKey)
        .await
        .detail
        .credential
        .id;
    let bearer = world
        .credential("b", NewSecret::BearerToken)
        .await
        .detail
        .credential
        .id;
    let basic = world
        .credential("c", generated_password("ann"))
        .await
        .detail
        .credential
        .id;
    let mine = || RotatedSecret::Own(secret("an-own-key-of-20-char"));
    assert_invalid(
        world
            .rotate(key, NOW, choose("correct horse battery"))
            .await,
        "password",
    );
    assert_invalid(world.rotate(bearer, NOW, mine()).await, "value");
    assert_invalid(world.rotate(basic, NOW, mine()).await, "value");
    let named = RotatedSecret::Generated {
        username: Some("bob".to_owned()),
    };
    assert_invalid(world.rotate(key, NOW, named).await, "username");
}
