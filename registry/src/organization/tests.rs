use super::*;
use crate::{application, caller::Caller, credential::NewSecret, error::Conflict, testing::World};

fn limited(world: &mut World, quotas: Quotas) {
    world.env.quotas = quotas;
}

fn reached<T>(result: &Result<T, Error>) -> Option<Resource> {
    match result {
        Err(Error::Conflict(Conflict::LimitReached { resource, .. })) => Some(*resource),
        _ => None,
    }
}

#[tokio::test]
async fn what_there_is_is_counted_along() {
    let world = World::new().await;
    let application = world.application("a").await;
    for name in ["one", "two"] {
        let new = World::new_credential(application, name, NewSecret::GeneratedApiKey);
        world.issue(new).await.unwrap();
    }
    world.credential("b", NewSecret::GeneratedApiKey).await;
    let counts = async || {
        let organization = get(&world.env, DEFAULT).await.unwrap();
        (organization.applications, organization.credentials)
    };
    assert_eq!(counts().await, (2, 3));
    application::delete(&world.env, world.caller(), application, None)
        .await
        .unwrap();
    assert_eq!(counts().await, (1, 1));
}

#[tokio::test]
async fn a_limit_is_exact_and_what_is_deleted_makes_room() {
    let mut world = World::new().await;
    let quotas = Quotas {
        applications: Some(1),
        credentials: Some(2),
        tokens: None,
    };
    limited(&mut world, quotas);
    let application = world.application("a").await;
    let refused = world.try_application(World::new_application("b")).await;
    assert_eq!(reached(&refused), Some(Resource::Applications));
    let new = |name| World::new_credential(application, name, NewSecret::GeneratedApiKey);
    let first = world.issue(new("one")).await.unwrap();
    world.issue(new("two")).await.unwrap();
    let refused = world.issue(new("three")).await;
    assert_eq!(reached(&refused), Some(Resource::Credentials));
    world.delete_credential(first.detail.credential.id).await;
    world.issue(new("three")).await.unwrap();
}

#[tokio::test]
async fn an_organizations_own_limit_goes_before_the_configured_one() {
    let mut world = World::new().await;
    let quotas = Quotas {
        applications: Some(1),
        ..Quotas::default()
    };
    limited(&mut world, quotas);
    let patch = OrganizationPatch {
        max_applications: Edit::Set(Some(2)),
        ..OrganizationPatch::default()
    };
    update(&world.env, world.caller(), DEFAULT, None, patch)
        .await
        .unwrap();
    world.application("a").await;
    world.application("b").await;
    let refused = world.try_application(World::new_application("c")).await;
    assert_eq!(reached(&refused), Some(Resource::Applications));
}

#[tokio::test]
async fn only_an_empty_organization_is_deleted_and_its_name_stays_reserved() {
    let world = World::new().await;
    let new = NewOrganization {
        name: "acme".to_owned(),
        ..NewOrganization::default()
    };
    let acme = create(&world.env, world.caller(), new.clone())
        .await
        .unwrap();
    let tenant = Caller::registry(acme.id);
    let made = application::create(&world.env, tenant, World::new_application("a"), None)
        .await
        .unwrap();
    let refused = delete(&world.env, world.caller(), "acme", None).await;
    assert!(matches!(
        refused,
        Err(Error::Conflict(Conflict::OrganizationNotEmpty {
            applications: 1,
            ..
        }))
    ));
    let id = made.value.application.id;
    application::delete(&world.env, tenant, id, None)
        .await
        .unwrap();
    delete(&world.env, world.caller(), "acme", None)
        .await
        .unwrap();
    assert!(matches!(
        get(&world.env, "acme").await,
        Err(Error::NotFound(Kind::Organization))
    ));
    let again = create(&world.env, world.caller(), new).await;
    assert!(matches!(
        again,
        Err(Error::Conflict(Conflict::OrganizationName))
    ));
    let late = application::create(&world.env, tenant, World::new_application("b"), None).await;
    assert!(matches!(late, Err(Error::NotFound(Kind::Organization))));
    let taken = world.try_application(World::new_application("a")).await;
    assert!(matches!(
        taken,
        Err(Error::Conflict(Conflict::ApplicationName))
    ));
    let default = delete(&world.env, world.caller(), DEFAULT, None).await;
    assert!(matches!(
        default,
        Err(Error::Conflict(Conflict::DefaultOrganization))
    ));
}
