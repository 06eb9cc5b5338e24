//! Claims about user names and passwords.

use super::*;

#[tokio::test]
async fn a_revoked_password_never_works_again_for_its_user_name() {
    let world = World::new().await;
    let bob = world
        .credential("a", chosen("bob", "correct horse battery"))
        .await;
    let id = bob.detail.credential.id;
    world
        .rotate(id, NOW, choose("another horse battery"))
        .await
        .unwrap();
    let back = world.rotate(id, NOW, choose("correct horse battery")).await;
    assert_conflict(back, &Conflict::Password);
    world.delete_credential(id).await;
    let application = world.application("b").await;
    let anew = World::new_credential(application, "b", chosen("bob", "another horse battery"));
    assert_conflict(world.issue(anew).await, &Conflict::Password);
    let carol = World::new_credential(application, "c", chosen("carol", "another horse battery"));
    world
        .issue(carol)
        .await
        .expect("another user may choose the same password");
}

#[tokio::test]
async fn a_chosen_password_verifies_and_nothing_else_does() {
    let world = World::new().await;
    let bob = world
        .credential("a", chosen("bob", "correct horse battery"))
        .await;
    let expected = Verdict::Verified {
        credential: bob.detail.credential.id,
        version: 1,
        secret_version: 1,
        until: None,
    };
    assert_eq!(
        verdict(&world, "bob", "correct horse battery").await,
        expected
    );
    assert_eq!(
        verdict(&world, "bob", "wrong horse battery").await,
        Verdict::Refused
    );
    assert_eq!(
        verdict(&world, "ann", "correct horse battery").await,
        Verdict::Refused
    );
    let patch = CredentialPatch {
        enabled: Some(false),
        ..CredentialPatch::default()
    };
    let id = bob.detail.credential.id;
    update(&world.env, world.caller(), id, None, patch)
        .await
        .unwrap();
    assert_eq!(
        verdict(&world, "bob", "correct horse battery").await,
        Verdict::Refused
    );
}

#[tokio::test]
async fn during_grace_both_chosen_passwords_verify_under_one_record() {
    let world = World::new().await;
    let bob = world
        .credential("a", chosen("bob", "correct horse battery"))
        .await;
    let credential = bob.detail.credential.id;
    world
        .rotate(credential, HOUR, choose("another horse battery"))
        .await
        .unwrap();
    let mut gateway = world.gateway().await;
    assert_eq!(gateway.credentials.len(), 1);
    assert_eq!(gateway.by_username("bob").unwrap().version, 2);
    assert_eq!(gateway.by_username("bob").unwrap().expires_at, 0);
    let until = Some(world.env.now().after(HOUR));
    let old = Verdict::Verified {
        credential,
        version: 2,
        secret_version: 1,
        until,
    };
    let new = Verdict::Verified {
        credential,
        version: 2,
        secret_version: 2,
        until: None,
    };
    assert_eq!(verdict(&world, "bob", "correct horse battery").await, old);
    assert_eq!(verdict(&world, "bob", "another horse battery").await, new);
    world.clock.advance(HOUR);
    assert_eq!(
        verdict(&world, "bob", "correct horse battery").await,
        Verdict::Refused
    );
    world.sweep().await;
    catch_up(&world, &mut gateway).await;
    assert!(gateway.by_username("bob").is_some());
    assert_eq!(verdict(&world, "bob", "another horse battery").await, new);
}

#[tokio::test]
async fn a_chosen_password_retires_beside_a_generated_one() {
    let world = World::new().await;
    let bob = world
        .credential("a", chosen("bob", "correct horse battery"))
        .await;
    let credential = bob.detail.credential.id;
    let rotated = world.rotate(credential, HOUR, GENERATED).await.unwrap();
    let until = world.env.now().after(HOUR);
    let gateway = world.gateway().await;
    let record = gateway.by_username("bob").unwrap();
    assert_eq!((record.version, record.expires_at), (1, until.as_millis()));
    assert_eq!(
        gateway
            .by_password("bob", rotated.secret.as_ref().unwrap())
            .unwrap()
            .version,
        2
    );
    let expected = Verdict::Verified {
        credential,
        version: 1,
        secret_version: 1,
        until: Some(until),
    };
    assert_eq!(
        verdict(&world, "bob", "correct horse battery").await,
        expected
    );
}

#[tokio::test]
async fn a_user_name_changes_with_the_secret_and_the_old_pair_works_through_the_grace() {
    let world = World::new().await;
    let before = world.credential("a", generated_password("ann")).await;
    let id = before.detail.credential.id;
    let username = Some("anna".to_owned());
    let after = world
        .rotate(id, HOUR, RotatedSecret::Generated { username })
        .await
        .unwrap();
    let gateway = world.gateway().await;
    assert!(
        gateway
            .by_password("ann", before.secret.as_ref().unwrap())
            .is_some()
    );
    assert!(
        gateway
            .by_password("anna", after.secret.as_ref().unwrap())
            .is_some()
    );
    let other = world.application("b").await;
    let taken = World::new_credential(other, "b", chosen("ann", "correct horse battery"));
    assert_conflict(world.issue(taken.clone()).await, &Conflict::Username);
    world.clock.advance(HOUR);
    world
        .issue(taken)
        .await
        .expect("the grace is over, and so is the claim, without any sweep");
    let gateway = world.gateway().await;
    assert!(
        gateway
            .by_password("ann", before.secret.as_ref().unwrap())
            .is_none()
    );
}

#[tokio::test]
async fn a_retired_chosen_user_name_passes_to_another_credential() {
    let world = World::new().await;
    let bob = world
        .credential("a", chosen("bob", "correct horse battery"))
        .await;
    let rotation = RotatedSecret::Chosen {
        username: Some("robert".to_owned()),
        password: secret("another horse battery"),
    };
    world
        .rotate(bob.detail.credential.id, HOUR, rotation)
        .await
        .unwrap();
    let mut gateway = world.gateway().await;
    assert_eq!(gateway.credentials.len(), 2);
    world.clock.advance(HOUR);
    let heir = world
        .credential("b", chosen("bob", "a third horse battery"))
        .await;
    catch_up(&world, &mut gateway).await;
    assert_eq!(
        gateway.by_username("bob").unwrap().id,
        heir.detail.credential.id.object_id()
    );
}

#[tokio::test]
async fn a_user_name_is_free_again_after_a_rotation_at_once_or_a_deletion() {
    let world = World::new().await;
    let ann = world.credential("a", generated_password("ann")).await;
    let username = Some("anna".to_owned());
    let id = ann.detail.credential.id;
    world
        .rotate(id, NOW, RotatedSecret::Generated { username })
        .await
        .unwrap();
    world.credential("b", generated_password("ann")).await;
    world.delete_credential(id).await;
    world.credential("c", generated_password("anna")).await;
}

#[tokio::test]
async fn a_hash_of_an_old_cost_is_replaced_when_its_password_verifies() {
    let mut world = World::new().await;
    world
        .credential("a", chosen("bob", "correct horse battery"))
        .await;
    let group = world.default_group().await;
    let before = candidates(&world.env, group, "bob").await.unwrap();
    raise_cost(&mut world);
    let revision = world.env.store.revision();
    assert_ne!(
        verdict(&world, "bob", "correct horse battery").await,
        Verdict::Refused
    );
    let after = candidates(&world.env, group, "bob").await.unwrap();
    assert_ne!(before[0].phc, after[0].phc);
    assert!(!world.env.passwords.is_outdated(&after[0].phc));
    assert_ne!(
        verdict(&world, "bob", "correct horse battery").await,
        Verdict::Refused
    );
    assert_eq!(
        world.env.store.revision(),
        revision,
        "no gateway hears of it"
    );
    let back = world
        .rotate(after[0].credential, NOW, choose("correct horse battery"))
        .await;
    assert_conflict(back, &Conflict::Password);
}

#[tokio::test]
async fn a_right_password_is_verified_although_its_hash_cannot_be_replaced() {
    let mut world = World::new().await;
    world
        .credential("a", chosen("bob", "correct horse battery"))
        .await;
    raise_cost(&mut world);
    world.env.entropy = std::sync::Arc::new(crate::entropy::NoEntropy);
    assert_ne!(
        verdict(&world, "bob", "correct horse battery").await,
        Verdict::Refused
    );
    let group = world.default_group().await;
    let kept = candidates(&world.env, group, "bob").await.unwrap();
    assert!(world.env.passwords.is_outdated(&kept[0].phc));
}

fn raise_cost(world: &mut World) {
    let dearer = crate::password::Cost {
        memory_kib: 16,
        passes: 1,
        lanes: 1,
    };
    let hasher = crate::password::PasswordHasher::cheapest()
        .unwrap()
        .at_cost(dearer)
        .unwrap();
    world.env.passwords = std::sync::Arc::new(crate::testing::InlinePasswords(hasher));
}
