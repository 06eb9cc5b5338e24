//! Claims about which group is told what.

use super::*;
use crate::{credential::NewCredential, deployment};

pub(super) async fn move_to(world: &World, id: crate::ids::ApplicationId, groups: Option<&[&str]>) {
    let groups = groups.map(|groups| groups.iter().map(ToString::to_string).collect());
    let patch = ApplicationPatch {
        gateway_groups: Edit::Set(groups),
        ..ApplicationPatch::default()
    };
    application::update(&world.env, world.caller(), id, None, patch)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_group_is_told_of_nothing_that_only_another_may_see() {
    let world = World::new().await;
    let other = gateway::create_group(
        &world.env,
        world.caller(),
        "other".to_owned(),
        Mode::OnDemand,
    )
    .await
    .unwrap();
    let mut here = world.gateway().await;
    let mut there = world.gateway_of(other.value.id).await;
    let hidden = World::new_application("hidden-from-default");
    let hidden = application::NewApplication {
        gateway_groups: Some(vec!["other".to_owned()]),
        ..hidden
    };
    let id = world.try_application(hidden).await.unwrap().id;
    let everywhere = World::new_credential(id, "x", KEY);
    let new = NewCredential {
        gateway_groups: Some(vec!["other".to_owned()]),
        ..everywhere
    };
    let issued = world.issue(new).await.unwrap();
    world.credential("everywhere-automatic", KEY).await;
    here.catch_up(&world.feed).await;
    there.catch_up(&world.feed).await;
    let value = issued.secret.as_ref().unwrap();
    assert!(there.by_value(value).is_some() && here.by_value(value).is_none());
    assert_eq!(here.application_names(), ["everywhere-automatic"].into());
    assert_eq!(there.application_names(), ["hidden-from-default"].into());

    move_to(&world, id, Some(&["default", "other"])).await;
    here.catch_up(&world.feed).await;
    assert!(
        here.by_value(value).is_none(),
        "it was chosen for the other"
    );
    let credential = issued.detail.credential.id;
    deployment::deploy(&world.env, world.caller(), credential, "default")
        .await
        .unwrap();
    here.catch_up(&world.feed).await;
    assert!(here.by_value(value).is_some());
    let digest = |follower: &Follower| follower.by_value(value).unwrap().digest;
    assert_ne!(
        digest(&here),
        digest(&there),
        "each group has a key of its own"
    );

    move_to(&world, id, Some(&["default"])).await;
    there.catch_up(&world.feed).await;
    assert!(there.credentials.is_empty() && there.applications.is_empty());
    move_to(&world, id, None).await;
    here.catch_up(&world.feed).await;
    assert!(here.by_value(value).is_some());
    move_to(&world, id, Some(&[])).await;
    here.catch_up(&world.feed).await;
    assert!(here.by_value(value).is_none());
    assert_eq!(here.known(), world.gateway().await.known());
    assert_eq!(
        there.known(),
        world.gateway_of(other.value.id).await.known()
    );
}

#[tokio::test]
async fn a_new_automatic_group_knows_every_application_that_lists_none() {
    let world = World::new().await;
    let before = world.credential("before", KEY).await;
    let listed = application::NewApplication {
        gateway_groups: Some(vec!["default".to_owned()]),
        ..World::new_application("listed")
    };
    world.try_application(listed).await.unwrap();
    let revision = world.env.store.revision();
    let group = gateway::create_group(
        &world.env,
        world.caller(),
        "new".to_owned(),
        Mode::Automatic,
    )
    .await
    .unwrap();
    assert_eq!(
        world.env.store.revision(),
        revision,
        "no gateway follows it yet"
    );
    let follower = world.gateway_of(group.value.id).await;
    assert!(follower.by_value(before.secret.as_ref().unwrap()).is_some());
    assert_eq!(follower.application_names(), ["before"].into());
}

#[tokio::test]
async fn a_deleted_group_has_no_feed() {
    let world = World::new().await;
    let other = gateway::create_group(
        &world.env,
        world.caller(),
        "other".to_owned(),
        Mode::Automatic,
    )
    .await
    .unwrap();
    world.credential("a", KEY).await;
    gateway::delete_group(&world.env, world.caller(), "other")
        .await
        .unwrap();
    let result = world.feed.page(other.value.id, None).await;
    assert!(matches!(result, Err(Error::NotFound(Kind::GatewayGroup))));
    world.credential("b", KEY).await;
    assert_eq!(world.gateway().await.applications.len(), 2);
}
