//! Claims about applications.

use super::*;
use crate::{
    caller::Caller,
    credential::NewSecret,
    error::{Conflict, InvalidField},
    testing::World,
};

mod default;

#[track_caller]
fn assert_invalid<T: std::fmt::Debug>(result: Result<T, Error>, field: &str) {
    match result {
        Err(Error::Invalid(InvalidField { field: found, .. })) => assert_eq!(found, field),
        other => panic!("{other:?}"),
    }
}

fn stranger(world: &World) -> OrganizationId {
    OrganizationId::generate(world.env.now(), world.env.entropy.as_ref()).unwrap()
}

#[tokio::test]
async fn an_application_is_read_back_as_it_was_created() {
    let world = World::new().await;
    let new = NewApplication {
        custom_id: Some("customer-42".to_owned()),
        description: "für Jack".to_owned(),
        labels: [("team".to_owned(), "blue".to_owned())].into(),
        gateway_groups: Some(vec!["default".to_owned()]),
        ..World::new_application("jack")
    };
    let created = world.try_application(new).await.unwrap();
    let read = get(&world.env, world.caller(), created.id).await.unwrap();
    assert_eq!(read, created);
    let gateway = world.gateway().await;
    let known = gateway.applications.values().next().unwrap();
    assert_eq!(known.custom_id.as_deref(), Some("customer-42"));
}

#[tokio::test]
async fn fields_that_break_a_rule_are_named() {
    let world = World::new().await;
    let id = world.application("a").await.to_string();
    let base = || World::new_application("x");
    for name in ["", "two words", "ümlaut", "a.b", &"x".repeat(257), &id] {
        let new = NewApplication {
            name: name.to_owned(),
            ..base()
        };
        assert_invalid(world.try_application(new).await, "name");
    }
    let custom_id = Some("with space".to_owned());
    assert_invalid(
        world
            .try_application(NewApplication {
                custom_id,
                ..base()
            })
            .await,
        "custom_id",
    );
    let description = "x".repeat(1025);
    assert_invalid(
        world
            .try_application(NewApplication {
                description,
                ..base()
            })
            .await,
        "description",
    );
    let labels = [("Ä".to_owned(), String::new())].into();
    assert_invalid(
        world
            .try_application(NewApplication { labels, ..base() })
            .await,
        "labels",
    );
    let gateway_groups = Some(vec!["nowhere".to_owned()]);
    assert_invalid(
        world
            .try_application(NewApplication {
                gateway_groups,
                ..base()
            })
            .await,
        "gateway_groups",
    );
}

#[tokio::test]
async fn a_name_is_unique_and_stays_with_its_organization_for_ever() {
    let world = World::new().await;
    let first = world.application("jack").await;
    let again = world.try_application(World::new_application("jack")).await;
    assert!(matches!(
        again,
        Err(Error::Conflict(Conflict::ApplicationName))
    ));
    delete(&world.env, world.caller(), first, None)
        .await
        .unwrap();
    let foreign = create(
        &world.env,
        Caller::registry(stranger(&world)),
        World::new_application("jack"),
        None,
    )
    .await;
    assert!(matches!(
        foreign,
        Err(Error::Conflict(Conflict::ApplicationName))
    ));
    let heir = world
        .try_application(World::new_application("jack"))
        .await
        .unwrap();
    assert_eq!(heir.number, 2, "a number is never used again");
}

#[tokio::test]
async fn a_name_that_was_given_up_stays_reserved() {
    let world = World::new().await;
    let id = world.application("jack").await;
    let rename = |name: &str| ApplicationPatch {
        name: Some(name.to_owned()),
        ..ApplicationPatch::default()
    };
    update(&world.env, world.caller(), id, None, rename("jill"))
        .await
        .unwrap();
    let foreign = create(
        &world.env,
        Caller::registry(stranger(&world)),
        World::new_application("jack"),
        None,
    )
    .await;
    assert!(matches!(
        foreign,
        Err(Error::Conflict(Conflict::ApplicationName))
    ));
    update(&world.env, world.caller(), id, None, rename("jack"))
        .await
        .unwrap();
}

#[tokio::test]
async fn another_organizations_application_does_not_exist() {
    let world = World::new().await;
    let id = world.application("a").await;
    let stranger = Caller::registry(stranger(&world));
    let read = get(&world.env, stranger, id).await;
    assert!(matches!(read, Err(Error::NotFound(Kind::Application))));
    let deleted = delete(&world.env, stranger, id, None).await;
    assert!(matches!(deleted, Err(Error::NotFound(Kind::Application))));
    let listed = list(&world.env, stranger, ApplicationQuery::default())
        .await
        .unwrap();
    assert!(listed.items.is_empty());
}

#[tokio::test]
async fn a_list_is_read_in_parts() {
    let world = World::new().await;
    let mut created = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        world.clock.advance(std::time::Duration::from_millis(1));
        created.push(world.application(name).await);
    }
    let mut query = ApplicationQuery {
        limit: 2,
        ..ApplicationQuery::default()
    };
    let mut read = Vec::new();
    loop {
        let part = list(&world.env, world.caller(), query.clone())
            .await
            .unwrap();
        read.extend(part.items.iter().map(|application| application.id));
        query.after = read.last().copied();
        if !part.more {
            break;
        }
    }
    assert_eq!(read, created);
    let by_name = ApplicationQuery {
        limit: 2,
        name: Some("d".to_owned()),
        ..ApplicationQuery::default()
    };
    let found = list(&world.env, world.caller(), by_name).await.unwrap();
    assert_eq!((found.items.len(), found.more), (1, false));
}

#[tokio::test]
async fn deleting_an_application_removes_its_credentials_everywhere() {
    let world = World::new().await;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.application;
    for number in 0..crate::listing::MAX_LIMIT {
        let new = World::new_credential(id, &number.to_string(), NewSecret::BearerToken);
        world.issue(new).await.unwrap();
    }
    let mut gateway = world.gateway().await;
    delete(&world.env, world.caller(), id, Some(1))
        .await
        .unwrap();
    gateway.catch_up(&world.feed).await;
    assert!(gateway.credentials.is_empty() && gateway.applications.is_empty());
    let read =
        crate::credential::get(&world.env, world.caller(), issued.detail.credential.id).await;
    assert!(matches!(read, Err(Error::NotFound(Kind::Credential))));
}

#[tokio::test]
async fn a_change_of_another_version_is_refused() {
    let world = World::new().await;
    let id = world.application("a").await;
    let patch = ApplicationPatch::default;
    let updated = update(&world.env, world.caller(), id, Some(1), patch())
        .await
        .unwrap();
    assert_eq!(updated.value.version, 2);
    let stale = update(&world.env, world.caller(), id, Some(1), patch()).await;
    assert!(matches!(
        stale,
        Err(Error::VersionMismatch(Kind::Application))
    ));
    let stale = delete(&world.env, world.caller(), id, Some(1)).await;
    assert!(matches!(
        stale,
        Err(Error::VersionMismatch(Kind::Application))
    ));
}

#[tokio::test]
async fn a_deleted_applications_secrets_and_user_names_end_with_it() {
    let world = World::new().await;
    let own = || NewSecret::OwnApiKey(crate::testing::secret("an-own-key-of-20-char"));
    let bob = || NewSecret::GeneratedPassword {
        username: "bob".to_owned(),
    };
    let id = world.application("a").await;
    for (name, new) in [("own", own()), ("bob", bob())] {
        world
            .issue(World::new_credential(id, name, new))
            .await
            .unwrap();
    }
    let kept = world.credential("kept", NewSecret::GeneratedApiKey).await;
    let mut gateway = world.gateway().await;
    delete(&world.env, world.caller(), id, None).await.unwrap();
    gateway.catch_up(&world.feed).await;
    assert_eq!(gateway.credentials.len(), 1);
    assert!(gateway.by_value(kept.secret.as_ref().unwrap()).is_some());
    assert_eq!(gateway.known(), world.gateway().await.known());
    world.credential("b", bob()).await;
    let again = world.application("c").await;
    let again = World::new_credential(again, "own", own());
    assert!(matches!(
        world.issue(again).await,
        Err(Error::Conflict(Conflict::Value))
    ));
}

#[tokio::test]
async fn what_was_begun_is_done_though_nobody_waits_for_it() {
    let world = World::new().await;
    let id = world.application("a").await;
    // Nothing can be written yet, so the caller gives up while the work waits.
    let writing = world.env.store.write().await.unwrap();
    let patch = ApplicationPatch {
        gateway_groups: Edit::Set(Some(Vec::new())),
        ..ApplicationPatch::default()
    };
    tokio::select! {
        biased;
        done = update(&world.env, world.caller(), id, None, patch) => panic!("{done:?}"),
        () = std::future::ready(()) => {}
    }
    let before = world.env.store.revision();
    let mut changes = world.env.store.watch(world.default_group().await);
    drop(writing);
    // What woke nobody yet of the changes before is none of it.
    changes.wait_for(|last| *last > before).await.unwrap();
    assert!(world.gateway().await.applications.is_empty());
}
