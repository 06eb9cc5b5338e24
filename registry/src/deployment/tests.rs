//! Claims about where credentials are honoured.

use super::*;
use crate::{
    application::{self, ApplicationPatch, NewApplication},
    credential::{self, CredentialPatch, Deployed, Issued, NewCredential, NewSecret},
    edit::Edit,
    error::{Conflict, Error, InvalidField, Kind},
    gateway::{self, Mode},
    ids::{ApplicationId, CredentialId, GroupId},
    testing::{World, follower::Follower},
};

const KEY: NewSecret = NewSecret::GeneratedApiKey;

async fn group(world: &World, name: &str, mode: Mode) -> GroupId {
    gateway::create_group(&world.env, world.caller(), name.to_owned(), mode)
        .await
        .unwrap()
        .value
        .id
}

fn for_groups(application: ApplicationId, name: &str, groups: Option<&[&str]>) -> NewCredential {
    NewCredential {
        gateway_groups: groups.map(|groups| groups.iter().map(ToString::to_string).collect()),
        ..World::new_credential(application, name, KEY)
    }
}

async fn issue(world: &World, application: ApplicationId, groups: Option<&[&str]>) -> Issued {
    let name = format!("c{}", world.env.store.revision());
    world
        .issue(for_groups(application, &name, groups))
        .await
        .unwrap()
}

fn id(issued: &Issued) -> CredentialId {
    issued.detail.credential.id
}

async fn put(world: &World, issued: &Issued, group: &str) -> Option<u64> {
    deploy(&world.env, world.caller(), id(issued), group)
        .await
        .unwrap()
        .revision
}

async fn take(world: &World, issued: &Issued, group: &str) -> Option<u64> {
    undeploy(&world.env, world.caller(), id(issued), group)
        .await
        .unwrap()
        .revision
}

async fn reach(world: &World, application: ApplicationId, groups: Option<&[&str]>) {
    let groups = groups.map(|groups| groups.iter().map(ToString::to_string).collect());
    let patch = ApplicationPatch {
        gateway_groups: Edit::Set(groups),
        ..ApplicationPatch::default()
    };
    application::update(&world.env, world.caller(), application, None, patch)
        .await
        .unwrap();
}

/// Whether a gateway that has followed from the beginning, and one that begins now, know the credential.
async fn honours(world: &World, gateway: &mut Follower, issued: &Issued) -> bool {
    gateway.catch_up(&world.feed).await;
    assert_eq!(
        gateway.known(),
        world.gateway_of(gateway.group).await.known()
    );
    gateway.by_value(issued.secret.as_ref().unwrap()).is_some()
}

#[tokio::test]
async fn a_credential_goes_by_itself_to_every_automatic_group_and_to_no_other() {
    let world = World::new().await;
    let demand = group(&world, "demand", Mode::OnDemand).await;
    let listing = NewApplication {
        gateway_groups: Some(vec!["default".to_owned(), "demand".to_owned()]),
        ..World::new_application("a")
    };
    let application = world.try_application(listing).await.unwrap().id;
    let issued = issue(&world, application, None).await;
    assert!(honours(&world, &mut world.gateway().await, &issued).await);
    let mut there = world.gateway_of(demand).await;
    assert!(!honours(&world, &mut there, &issued).await);
    assert!(there.applications.is_empty(), "nothing of it is there");

    put(&world, &issued, "demand").await;
    assert!(honours(&world, &mut there, &issued).await);
    assert_eq!(there.application_names(), ["a"].into());
}

#[tokio::test]
async fn a_group_that_is_made_later_gets_only_what_goes_by_itself() {
    let world = World::new().await;
    let application = world.application("a").await;
    let automatic = issue(&world, application, None).await;
    let chosen = issue(&world, application, Some(&["default"])).await;
    let nowhere = issue(&world, application, Some(&[])).await;
    let mut later = world
        .gateway_of(group(&world, "later", Mode::Automatic).await)
        .await;
    assert!(honours(&world, &mut later, &automatic).await);
    let mut first = world.gateway().await;
    assert!(honours(&world, &mut first, &chosen).await);
    for gateway in [&mut later, &mut first] {
        assert!(!honours(&world, gateway, &nowhere).await);
    }
    assert!(!honours(&world, &mut later, &chosen).await);
    put(&world, &chosen, "later").await;
    assert!(honours(&world, &mut later, &chosen).await);
}

#[tokio::test]
async fn an_on_demand_group_forgets_the_application_with_its_last_credential() {
    let world = World::new().await;
    let demand = group(&world, "demand", Mode::OnDemand).await;
    let application = world.application("a").await;
    let one = issue(&world, application, Some(&["demand"])).await;
    let two = issue(&world, application, None).await;
    put(&world, &two, "demand").await;
    let mut there = world.gateway_of(demand).await;
    let mut here = world.gateway().await;

    take(&world, &one, "demand").await;
    assert!(!honours(&world, &mut there, &one).await);
    assert!(honours(&world, &mut there, &two).await);
    assert_eq!(there.application_names(), ["a"].into());

    credential::delete(&world.env, world.caller(), id(&two), None, Deployed::Delete)
        .await
        .unwrap();
    assert!(!honours(&world, &mut there, &two).await);
    assert!(there.applications.is_empty());
    here.catch_up(&world.feed).await;
    assert_eq!(
        here.application_names(),
        ["a"].into(),
        "the group is automatic"
    );
}

#[tokio::test]
async fn undeployed_is_only_there_and_stays_so_whatever_happens_to_it() {
    let world = World::new().await;
    let other = group(&world, "other", Mode::Automatic).await;
    let issued = world.credential("a", KEY).await;
    let (mut here, mut there) = (world.gateway().await, world.gateway_of(other).await);
    take(&world, &issued, "other").await;
    assert!(honours(&world, &mut here, &issued).await);
    assert!(!honours(&world, &mut there, &issued).await);

    let patch = CredentialPatch {
        scopes: Some(vec!["read".to_owned()]),
        ..CredentialPatch::default()
    };
    credential::update(&world.env, world.caller(), id(&issued), None, patch)
        .await
        .unwrap();
    let rotated = world.rotate_now(id(&issued)).await;
    assert!(honours(&world, &mut here, &rotated).await);
    assert!(!honours(&world, &mut there, &rotated).await);
    put(&world, &rotated, "other").await;
    assert!(honours(&world, &mut there, &rotated).await);
}

#[tokio::test]
async fn to_say_it_again_changes_nothing() {
    let world = World::new().await;
    group(&world, "demand", Mode::OnDemand).await;
    let issued = world.credential("a", KEY).await;
    assert_eq!(put(&world, &issued, "default").await, None);
    assert_eq!(take(&world, &issued, "demand").await, None);
    let head = world.env.store.revision();
    assert_eq!(put(&world, &issued, "demand").await, Some(head + 1));
    assert_eq!(put(&world, &issued, "demand").await, None);
    assert_eq!(take(&world, &issued, "demand").await, Some(head + 2));
    assert_eq!(take(&world, &issued, "demand").await, None);
    assert_eq!(world.env.store.revision(), head + 2);
}

#[tokio::test]
async fn what_the_application_may_is_a_bound_and_no_reason() {
    let world = World::new().await;
    let demand = group(&world, "demand", Mode::OnDemand).await;
    let application = world.application("a").await;
    let issued = issue(&world, application, Some(&["default", "demand"])).await;
    let (mut here, mut there) = (world.gateway().await, world.gateway_of(demand).await);
    reach(&world, application, Some(&["default"])).await;
    assert!(honours(&world, &mut here, &issued).await);
    assert!(!honours(&world, &mut there, &issued).await);
    assert!(there.applications.is_empty());
    let refused = deploy(&world.env, world.caller(), id(&issued), "demand").await;
    assert!(
        matches!(&refused, Err(Error::Conflict(Conflict::GroupNotAllowed { group })) if group == "demand"),
        "{refused:?}"
    );
    let beyond = for_groups(application, "x", Some(&["demand"]));
    let refused = world.issue(beyond).await;
    assert!(
        matches!(
            refused,
            Err(Error::Invalid(InvalidField {
                field: "gateway_groups",
                ..
            }))
        ),
        "{refused:?}"
    );

    reach(&world, application, None).await;
    assert!(
        honours(&world, &mut there, &issued).await,
        "what was said of the group still holds"
    );
    let missing = deploy(&world.env, world.caller(), id(&issued), "nowhere").await;
    assert!(matches!(missing, Err(Error::NotFound(Kind::GatewayGroup))));
}

#[tokio::test]
async fn what_is_deployed_on_demand_is_not_deleted_by_the_way() {
    let world = World::new().await;
    group(&world, "demand", Mode::OnDemand).await;
    let application = world.application("a").await;
    let (one, two) = (
        issue(&world, application, Some(&["demand"])).await,
        issue(&world, application, Some(&["demand"])).await,
    );
    let delete = async |issued: &Issued| {
        credential::delete(&world.env, world.caller(), id(issued), None, Deployed::Keep).await
    };
    let refused = delete(&one).await;
    assert!(
        matches!(&refused, Err(Error::Conflict(Conflict::DeployedOnDemand { groups })) if *groups == ["demand"]),
        "{refused:?}"
    );
    take(&world, &one, "demand").await;
    delete(&one).await.unwrap();
    application::delete(&world.env, world.caller(), application, None)
        .await
        .unwrap();
    let gone = credential::get(&world.env, world.caller(), id(&two)).await;
    assert!(matches!(gone, Err(Error::NotFound(Kind::Credential))));
}

#[tokio::test]
async fn a_group_is_deleted_with_everything_that_was_said_of_it() {
    let world = World::new().await;
    let application = world.application("a").await;
    group(&world, "demand", Mode::OnDemand).await;
    let issued = issue(&world, application, Some(&["demand"])).await;
    take(&world, &issued, "demand").await;
    put(&world, &issued, "demand").await;
    gateway::delete_group(&world.env, world.caller(), "demand")
        .await
        .unwrap();
    let again = group(&world, "demand", Mode::OnDemand).await;
    let mut there = world.gateway_of(again).await;
    assert!(!honours(&world, &mut there, &issued).await);
    world.delete_credential(id(&issued)).await;
}

#[tokio::test]
async fn each_group_has_the_position_in_the_log_that_last_told_it_of_a_credential() {
    let world = World::new().await;
    let demand = group(&world, "demand", Mode::OnDemand).await;
    let default = world.default_group().await;
    let issued = world.credential("a", KEY).await;
    let application = issued.detail.credential.application;
    let positions = async || {
        let mut read = world.env.store.read().await.unwrap();
        read.positions(id(&issued), application).await.unwrap()
    };
    let created = world.env.store.revision();
    assert_eq!(positions().await.deployed, [(default, created)].into());
    assert_eq!(positions().await.admitted, [(default, created - 1)].into());

    let put = put(&world, &issued, "demand").await.unwrap();
    let now = positions().await;
    assert_eq!(now.deployed, [(default, created), (demand, put)].into());
    assert_eq!(now.admitted[&demand], put);
    let patch = CredentialPatch {
        enabled: Some(false),
        ..CredentialPatch::default()
    };
    let disabled = credential::update(&world.env, world.caller(), id(&issued), None, patch)
        .await
        .unwrap()
        .revision
        .unwrap();
    assert_eq!(
        positions().await.deployed,
        [(default, disabled), (demand, disabled)].into()
    );
    let taken = take(&world, &issued, "demand").await.unwrap();
    let now = positions().await;
    assert_eq!(now.deployed, [(default, disabled)].into());
    assert_eq!(now.withdrawn, [(demand, taken)].into());
    reach(&world, application, Some(&[])).await;
    let moved = world.env.store.revision();
    let now = positions().await;
    assert_eq!(now.deployed, [].into());
    assert_eq!(now.admitted, [(default, moved), (demand, taken)].into());
    assert_eq!(now.withdrawn, [(default, moved), (demand, taken)].into());
}

#[tokio::test]
async fn what_is_made_with_a_new_group_is_there_from_its_first_snapshot() {
    let world = World::new().await;
    let issued = world.credential("a", KEY).await;
    let head = world.env.store.revision();
    let later = group(&world, "later", Mode::Automatic).await;
    let mut read = world.env.store.read().await.unwrap();
    let application = issued.detail.credential.application;
    let positions = read.positions(id(&issued), application).await.unwrap();
    assert_eq!(
        (positions.deployed[&later], positions.admitted[&later]),
        (head, head)
    );
}
