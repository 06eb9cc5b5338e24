//! Claims about the life of credentials.

use std::time::Duration;

use filter_core::feed::CredentialKind;

use super::*;
use crate::{
    error::{Conflict, InvalidField},
    testing::{Follower, HOUR, World, secret},
};

const GENERATED: RotatedSecret = RotatedSecret::Generated { username: None };
const NOW: Duration = Duration::ZERO;

fn own(text: &str) -> NewSecret {
    NewSecret::OwnApiKey(secret(text))
}

fn chosen(username: &str, password: &str) -> NewSecret {
    NewSecret::ChosenPassword {
        username: username.to_owned(),
        password: secret(password),
    }
}

fn generated_password(username: &str) -> NewSecret {
    NewSecret::GeneratedPassword {
        username: username.to_owned(),
    }
}

fn choose(password: &str) -> RotatedSecret {
    RotatedSecret::Chosen {
        username: None,
        password: secret(password),
    }
}

#[track_caller]
fn assert_conflict<T: std::fmt::Debug>(result: Result<T, Error>, conflict: &Conflict) {
    match result {
        Err(Error::Conflict(found)) => assert_eq!(found, *conflict),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_invalid<T: std::fmt::Debug>(result: Result<T, Error>, field: &str) {
    match result {
        Err(Error::Invalid(InvalidField { field: found, .. })) => assert_eq!(found, field),
        other => panic!("{other:?}"),
    }
}

async fn verdict(world: &World, username: &str, password: &str) -> Verdict {
    let group = world.default_group().await;
    verify(&world.env, group, username, secret(password))
        .await
        .unwrap()
}

async fn catch_up(world: &World, gateway: &mut Follower) {
    gateway.catch_up(&world.env).await;
}

#[tokio::test]
async fn each_type_is_found_by_what_its_caller_presents() {
    let world = World::new().await;
    let key = world.credential("a", NewSecret::GeneratedApiKey).await;
    let mine = world.credential("b", own("an-own-key-of-20-char")).await;
    let bearer = world.credential("c", NewSecret::BearerToken).await;
    let ann = world.credential("d", generated_password("ann")).await;
    let bob = world
        .credential("e", chosen("bob", "correct horse battery"))
        .await;
    let gateway = world.gateway().await;

    let kind = |found: Option<&filter_core::feed::Credential>| found.map(|one| one.kind);
    let shown = |issued: &Issued| issued.secret.clone().unwrap();
    assert_eq!(
        kind(gateway.by_value(&shown(&key))),
        Some(CredentialKind::ApiKey)
    );
    assert_eq!(
        kind(gateway.by_value(&shown(&mine))),
        Some(CredentialKind::ApiKey)
    );
    assert_eq!(
        kind(gateway.by_value(&shown(&bearer))),
        Some(CredentialKind::BearerToken)
    );
    assert_eq!(
        kind(gateway.by_password("ann", &shown(&ann))),
        Some(CredentialKind::BasicGenerated)
    );
    assert_eq!(
        kind(gateway.by_username("bob")),
        Some(CredentialKind::BasicChosen)
    );
    assert!(bob.secret.is_none(), "a chosen password is not shown");
    assert!(gateway.by_username("ann").is_none());
    assert!(gateway.by_password("bob", &shown(&ann)).is_none());
}

#[tokio::test]
async fn afterwards_only_the_beginning_and_the_end_of_a_secret_are_shown() {
    let world = World::new().await;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let text = issued.secret.unwrap();
    let read = get(&world.env, world.organization, issued.detail.credential.id)
        .await
        .unwrap();
    assert_eq!(read, issued.detail);
    let display = &read.secrets[0].display;
    assert_eq!(display.prefix, "ks_ak_");
    assert!(text.expose().ends_with(&display.last_four) && display.last_four.len() == 4);
    let bob = world
        .credential("b", chosen("bob", "correct horse battery"))
        .await;
    assert_eq!(bob.detail.secrets[0].display, Display::default());
}

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
    assert_eq!(
        after.detail.secrets[1].state,
        SecretState::Retiring { until: end }
    );

    world.clock.advance(HOUR);
    let read = get(&world.env, world.organization, id).await.unwrap();
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
    assert_eq!(
        rotated.detail.secrets[1].state,
        SecretState::Retiring { until: expiry }
    );
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
    update(&world.env, world.organization, id, None, patch)
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
    crate::application::delete(&world.env, world.organization, application, None)
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
    assert_conflict(back, &Conflict::Value);
    world.delete_credential(id).await;
    let application = world.application("b").await;
    let anew = World::new_credential(application, "b", chosen("bob", "another horse battery"));
    assert_conflict(world.issue(anew).await, &Conflict::Value);
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
    update(&world.env, world.organization, id, None, patch)
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
        until,
    };
    let new = Verdict::Verified {
        credential,
        version: 2,
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
    assert_invalid(
        world.rotate(key, MAX_GRACE + HOUR, GENERATED).await,
        "grace_period",
    );
}

#[tokio::test]
async fn names_and_identifiers_are_unique_within_their_application_only() {
    let world = World::new().await;
    let one = world.application("a").await;
    let two = world.application("b").await;
    let new = |application, name: &str, identifier: &str| NewCredential {
        identifier: Some(identifier.to_owned()),
        ..World::new_credential(application, name, NewSecret::GeneratedApiKey)
    };
    let first = world.issue(new(one, "ci", "ci-1")).await.unwrap();
    assert_conflict(
        world.issue(new(one, "ci", "ci-2")).await,
        &Conflict::CredentialName,
    );
    assert_conflict(
        world.issue(new(one, "cd", "ci-1")).await,
        &Conflict::Identifier,
    );
    world.issue(new(two, "ci", "ci-1")).await.unwrap();
    let foreign_id = first.detail.credential.id.to_string();
    assert_invalid(world.issue(new(two, "x", &foreign_id)).await, "identifier");
    assert_eq!(
        world
            .gateway()
            .await
            .by_value(&first.secret.unwrap())
            .unwrap()
            .identifier
            .as_deref(),
        Some("ci-1")
    );
}

#[tokio::test]
async fn scopes_are_some_of_the_applications_and_cannot_be_taken_from_under_a_credential() {
    let world = World::new().await;
    let application = world.application("a").await;
    let with = |name: &str, scope: &str| NewCredential {
        scopes: vec![scope.to_owned()],
        ..World::new_credential(application, name, NewSecret::GeneratedApiKey)
    };
    assert_invalid(world.issue(with("x", "admin")).await, "scopes");
    let writer = world.issue(with("writer", "write")).await.unwrap();
    let shrink = |scope: &str| crate::application::ApplicationPatch {
        scopes: Some(vec![scope.to_owned()]),
        ..crate::application::ApplicationPatch::default()
    };
    let update = |patch| {
        crate::application::update(&world.env, world.organization, application, None, patch)
    };
    let conflict = Conflict::ScopesInUse {
        credentials: vec![writer.detail.credential.id.to_string()],
    };
    assert_conflict(update(shrink("read")).await, &conflict);
    update(shrink("write")).await.unwrap();
}

#[tokio::test]
async fn a_period_must_end_in_the_future_and_after_it_begins() {
    let world = World::new().await;
    let application = world.application("a").await;
    let now = world.env.now();
    let within = |not_before, expires_at| NewCredential {
        not_before,
        expires_at,
        ..World::new_credential(application, "x", NewSecret::BearerToken)
    };
    assert_invalid(world.issue(within(None, Some(now))).await, "expires_at");
    let later = now.after(HOUR);
    assert_invalid(
        world.issue(within(Some(later), Some(later))).await,
        "expires_at",
    );
    let issued = world
        .issue(within(Some(now.after(HOUR / 2)), Some(later)))
        .await
        .unwrap();
    world.clock.advance(HOUR);
    let rename = CredentialPatch {
        name: Some("y".to_owned()),
        ..CredentialPatch::default()
    };
    let id = issued.detail.credential.id;
    let renamed = update(&world.env, world.organization, id, None, rename)
        .await
        .unwrap();
    assert_eq!(
        renamed.credential.name, "y",
        "what is over may still be renamed"
    );
}

#[tokio::test]
async fn a_change_of_another_version_is_refused() {
    let world = World::new().await;
    let id = world
        .credential("a", NewSecret::GeneratedApiKey)
        .await
        .detail
        .credential
        .id;
    let patch = CredentialPatch::default();
    let updated = update(&world.env, world.organization, id, Some(1), patch.clone())
        .await
        .unwrap();
    assert_eq!(updated.credential.version, 2);
    let stale = update(&world.env, world.organization, id, Some(1), patch).await;
    assert!(matches!(
        stale,
        Err(Error::VersionMismatch(Kind::Credential))
    ));
    let rotation = Rotation {
        grace: NOW,
        secret: GENERATED,
    };
    let stale = rotate(&world.env, world.organization, id, Some(1), rotation, None).await;
    assert!(matches!(
        stale,
        Err(Error::VersionMismatch(Kind::Credential))
    ));
    let stale = delete(&world.env, world.organization, id, Some(1)).await;
    assert!(matches!(
        stale,
        Err(Error::VersionMismatch(Kind::Credential))
    ));
}

#[tokio::test]
async fn another_organizations_credential_does_not_exist() {
    let world = World::new().await;
    let id = world
        .credential("a", NewSecret::GeneratedApiKey)
        .await
        .detail
        .credential
        .id;
    let stranger = OrganizationId::generate(world.env.now(), world.env.entropy.as_ref()).unwrap();
    let read = get(&world.env, stranger, id).await;
    assert!(matches!(read, Err(Error::NotFound(Kind::Credential))));
    let deleted = delete(&world.env, stranger, id, None).await;
    assert!(matches!(deleted, Err(Error::NotFound(Kind::Credential))));
}

#[tokio::test]
async fn a_hash_of_an_old_cost_is_replaced_when_its_password_verifies() {
    let mut world = World::new().await;
    world
        .credential("a", chosen("bob", "correct horse battery"))
        .await;
    let group = world.default_group().await;
    let before = candidates(&world.env, group, "bob").await.unwrap();
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
    let revision = *world.env.store.watch().borrow();
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
        *world.env.store.watch().borrow(),
        revision,
        "no gateway hears of it"
    );
    let back = world
        .rotate(after[0].credential, NOW, choose("correct horse battery"))
        .await;
    assert_conflict(back, &Conflict::Value);
}
