//! Claims about the API key that an application must have.

use std::time::Duration;

use super::*;
use crate::{
    credential::{self, CredentialPatch, Deployed, NewCredential},
    ids::CredentialId,
    secret::SecretState,
    testing::HOUR,
};

#[track_caller]
fn assert_conflict<T: std::fmt::Debug>(result: Result<T, Error>, conflict: &Conflict) {
    match result {
        Err(Error::Conflict(found)) => assert_eq!(found, *conflict),
        other => panic!("{other:?}"),
    }
}

/// An application with the key that was made with it.
async fn required(world: &World) -> (ApplicationId, Issued) {
    let new = NewApplication {
        default_key: DefaultKey::Required,
        ..World::new_application("a")
    };
    let created = create(&world.env, world.caller(), new, None).await.unwrap();
    let issued = created.value.default_credential.unwrap();
    (created.value.application.id, issued)
}

async fn another(world: &World, application: ApplicationId, name: &str) -> CredentialId {
    let new = World::new_credential(application, name, NewSecret::GeneratedApiKey);
    world.issue(new).await.unwrap().detail.credential.id
}

async fn choose(
    world: &World,
    application: ApplicationId,
    credential: CredentialId,
) -> Result<Application, Error> {
    let chosen =
        set_default_credential(&world.env, world.caller(), application, None, credential).await?;
    Ok(chosen.value)
}

async fn change(
    world: &World,
    id: ApplicationId,
    default_key: Option<DefaultKey>,
    default_credential: Option<CredentialId>,
) -> Result<Application, Error> {
    let patch = ApplicationPatch {
        default_key,
        default_credential,
        ..ApplicationPatch::default()
    };
    let changed = update(&world.env, world.caller(), id, None, patch).await?;
    Ok(changed.value)
}

async fn edit(world: &World, id: CredentialId, patch: CredentialPatch) -> Result<(), Error> {
    credential::update(&world.env, world.caller(), id, None, patch).await?;
    Ok(())
}

async fn remove(world: &World, id: CredentialId) -> Result<(), Error> {
    credential::delete(&world.env, world.caller(), id, None, Deployed::Keep).await?;
    Ok(())
}

#[tokio::test]
async fn a_required_key_is_made_with_the_application_and_may_what_that_may() {
    let world = World::new().await;
    let (id, issued) = required(&world).await;
    let read = get(&world.env, world.caller(), id).await.unwrap();
    assert_eq!(read.default_credential, Some(issued.detail.credential.id));
    assert_eq!(read.version, 1);
    let gateway = world.gateway().await;
    let found = gateway.by_value(issued.secret.as_ref().unwrap()).unwrap();
    assert_eq!(found.scopes, ["read", "write"]);
    let plain = world.try_application(World::new_application("b")).await;
    assert_eq!(plain.unwrap().default_credential, None);
}

#[tokio::test]
async fn the_default_is_neither_disabled_nor_deleted_nor_left_to_end() {
    let world = World::new().await;
    let (application, issued) = required(&world).await;
    let id = issued.detail.credential.id;
    let conflict = &Conflict::DefaultCredential;
    let later = world.env.now().after(HOUR);
    let none = CredentialPatch::default;
    for patch in [
        CredentialPatch {
            enabled: Some(false),
            ..none()
        },
        CredentialPatch {
            expires_at: Edit::Set(Some(later)),
            ..none()
        },
        CredentialPatch {
            not_before: Edit::Set(Some(later)),
            ..none()
        },
    ] {
        assert_conflict(edit(&world, id, patch).await, conflict);
    }
    assert_conflict(remove(&world, id).await, conflict);
    let rename = CredentialPatch {
        name: Some("other".to_owned()),
        ..none()
    };
    edit(&world, id, rename).await.unwrap();
    world.rotate_now(id).await;
    delete(&world.env, world.caller(), application, None)
        .await
        .unwrap();
    assert!(world.gateway().await.credentials.is_empty());
}

#[tokio::test]
async fn another_key_becomes_the_default_in_one_step() {
    let world = World::new().await;
    let (application, first) = required(&world).await;
    let first = first.detail.credential.id;
    let second = another(&world, application, "second").await;
    let now = choose(&world, application, second).await.unwrap();
    assert_eq!((now.default_credential, now.version), (Some(second), 2));
    remove(&world, first).await.unwrap();
    assert_conflict(remove(&world, second).await, &Conflict::DefaultCredential);
    let stale =
        set_default_credential(&world.env, world.caller(), application, Some(1), second).await;
    assert!(matches!(
        stale,
        Err(Error::VersionMismatch(Kind::Application))
    ));
}

#[tokio::test]
async fn a_key_without_a_secret_that_goes_on_to_work_is_no_default() {
    let world = World::new().await;
    let (application, _) = required(&world).await;
    let second = another(&world, application, "second").await;
    let until = world.env.now().after(HOUR);
    let mut write = world.env.store.write().await.unwrap();
    let secret = write.unrevoked_secrets(second).await.unwrap().remove(0);
    let retires = SecretState::Retiring { until };
    write.set_secret_state(secret.id, retires).await.unwrap();
    world.env.commit(write).await.unwrap();
    let refused = &Conflict::DefaultWithoutSecret;
    assert_conflict(choose(&world, application, second).await, refused);
    let patched = change(&world, application, None, Some(second)).await;
    assert_conflict(patched, refused);
    world.rotate_now(second).await;
    choose(&world, application, second).await.unwrap();
}

#[tokio::test]
async fn only_an_own_api_key_that_is_honoured_and_does_not_end_can_be_the_default() {
    let world = World::new().await;
    let (application, _) = required(&world).await;
    let foreign = world.credential("b", NewSecret::GeneratedApiKey).await;
    let refused = &Conflict::NotADefault;
    let foreign = foreign.detail.credential.id;
    assert_conflict(choose(&world, application, foreign).await, refused);
    let later = Some(world.env.now().after(HOUR));
    let key = |name: &str| World::new_credential(application, name, NewSecret::GeneratedApiKey);
    for new in [
        World::new_credential(application, "bearer", NewSecret::BearerToken),
        NewCredential {
            enabled: false,
            ..key("disabled")
        },
        NewCredential {
            expires_at: later,
            ..key("ends")
        },
        NewCredential {
            not_before: later,
            ..key("later")
        },
    ] {
        let id = world.issue(new).await.unwrap().detail.credential.id;
        assert_conflict(choose(&world, application, id).await, refused);
    }
}

#[tokio::test]
async fn a_default_may_be_required_later_of_a_key_that_is_there_and_given_up() {
    let world = World::new().await;
    let application = world.application("a").await;
    let key = another(&world, application, "key").await;
    let required = Some(DefaultKey::Required);
    let missing = change(&world, application, required, None).await;
    assert_conflict(missing, &Conflict::NoDefaultCredential);
    assert_conflict(
        choose(&world, application, key).await,
        &Conflict::NoDefaultKey,
    );
    assert_invalid(
        change(&world, application, None, Some(key)).await,
        "default_credential",
    );
    let now = change(&world, application, required, Some(key)).await;
    assert_eq!(now.unwrap().default_credential, Some(key));
    change(&world, application, required, None).await.unwrap();
    assert_conflict(remove(&world, key).await, &Conflict::DefaultCredential);
    let now = change(&world, application, Some(DefaultKey::None), None).await;
    assert_eq!(now.unwrap().default_credential, None);
    remove(&world, key).await.unwrap();
}

#[tokio::test]
async fn enabling_an_application_brings_its_credentials_back_as_they_were() {
    let world = World::new().await;
    let (application, issued) = required(&world).await;
    let disabled = another(&world, application, "disabled").await;
    let off = CredentialPatch {
        enabled: Some(false),
        ..CredentialPatch::default()
    };
    edit(&world, disabled, off).await.unwrap();
    let before = world.gateway().await;
    let enable = |enabled| ApplicationPatch {
        enabled: Some(enabled),
        ..ApplicationPatch::default()
    };
    let mut gateway = world.gateway().await;
    for enabled in [false, true] {
        world.clock.advance(Duration::from_secs(1));
        update(
            &world.env,
            world.caller(),
            application,
            None,
            enable(enabled),
        )
        .await
        .unwrap();
        gateway.catch_up(&world.feed).await;
        let known = gateway.applications.values().next().unwrap();
        assert_eq!(known.enabled, enabled);
    }
    assert_eq!(gateway.known(), before.known());
    let found = gateway.by_value(issued.secret.as_ref().unwrap());
    assert!(found.unwrap().enabled);
    assert!(gateway.credentials.values().any(|one| !one.enabled));
}
