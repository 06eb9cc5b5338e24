//! Claims about gateways and their groups.

use super::*;
use crate::{
    error::{Conflict, Error, Kind},
    testing::World,
    token::{self, NewRole, NewToken},
};

const EDGE: [u8; 16] = [1; 16];

fn gateway_token(group: &str) -> NewToken {
    NewToken {
        role: NewRole::Gateway {
            group: group.to_owned(),
        },
        description: String::new(),
        expires_at: None,
    }
}

async fn reporting(world: &World, sequence: u64, revision: u64) {
    let (token, _) = token::create(
        &world.env,
        world.organization,
        gateway_token("default"),
        None,
    )
    .await
    .unwrap();
    let head = world.env.store.read().await.unwrap().head().await.unwrap();
    let said = Report {
        gateway: "edge-1".to_owned(),
        instance: EDGE,
        sequence,
        epoch: head.epoch,
        revision,
        complete: true,
        workers: 2,
    };
    let group = world.default_group().await;
    report(&world.env, group, token.id, said).await.unwrap();
}

#[tokio::test]
async fn the_default_group_exists_and_cannot_be_deleted() {
    let world = World::new().await;
    let all = groups(&world.env).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].name.as_str(), all[0].mode),
        ("default", Mode::Automatic)
    );
    let deleted = delete_group(&world.env, "default").await;
    assert!(matches!(
        deleted,
        Err(Error::Conflict(Conflict::DefaultGroup))
    ));
}

#[tokio::test]
async fn a_groups_name_is_plain_and_unique() {
    let world = World::new().await;
    create_group(&world.env, "eu-west_1".to_owned(), Mode::OnDemand)
        .await
        .unwrap();
    let again = create_group(&world.env, "eu-west_1".to_owned(), Mode::Automatic).await;
    assert!(matches!(again, Err(Error::Conflict(Conflict::GroupName))));
    for name in ["", "a b", "a\"b", &"x".repeat(65)] {
        let created = create_group(&world.env, name.to_owned(), Mode::Automatic).await;
        assert!(matches!(created, Err(Error::Invalid(_))), "{name}");
    }
}

#[tokio::test]
async fn a_group_in_use_is_not_deleted() {
    let world = World::new().await;
    create_group(&world.env, "other".to_owned(), Mode::Automatic)
        .await
        .unwrap();
    let (token, text) = token::create(&world.env, world.organization, gateway_token("other"), None)
        .await
        .unwrap();
    let deleted = delete_group(&world.env, "other").await;
    assert!(matches!(
        deleted,
        Err(Error::Conflict(Conflict::GroupHasTokens { tokens: 1 }))
    ));
    token::revoke(&world.env, world.organization, Some("other"), token.id)
        .await
        .unwrap();

    let listing = crate::application::NewApplication {
        gateway_groups: Some(vec!["other".to_owned()]),
        ..World::new_application("jack")
    };
    let application = world.try_application(listing).await.unwrap();
    match delete_group(&world.env, "other").await {
        Err(Error::Conflict(Conflict::GroupListed { applications })) => {
            assert_eq!(applications, ["jack"]);
        }
        other => panic!("{other:?}"),
    }
    crate::application::delete(&world.env, world.organization, application.id, None)
        .await
        .unwrap();
    delete_group(&world.env, "other").await.unwrap();
    assert!(matches!(
        group(&world.env, "other").await,
        Err(Error::NotFound(Kind::GatewayGroup))
    ));
    assert_eq!(
        token::authenticate(&world.env, text.expose())
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_report_counts_once_and_only_if_it_is_newer() {
    let world = World::new().await;
    let polls = Polls::default();
    for name in ["a", "b", "c"] {
        world.application(name).await;
    }
    reporting(&world, 5, 1).await;
    reporting(&world, 5, 3).await;
    reporting(&world, 4, 3).await;
    let known = list(&world.env, &polls).await.unwrap();
    assert_eq!(known.len(), 1);
    let applied = known[0].applied.unwrap();
    assert_eq!((applied.revision, applied.lag, applied.workers), (1, 2, 2));
    reporting(&world, 6, 3).await;
    assert_eq!(
        list(&world.env, &polls).await.unwrap()[0]
            .applied
            .unwrap()
            .lag,
        0
    );
}

#[tokio::test]
async fn a_gateway_that_polls_is_listed_before_it_reports() {
    let world = World::new().await;
    let polls = Polls::default();
    let group = world.default_group().await;
    polls.saw(group, "edge-1", EDGE, world.env.now()).unwrap();
    let known = list(&world.env, &polls).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(
        (known[0].gateway.as_str(), known[0].applied),
        ("edge-1", None)
    );
    reporting(&world, 1, 0).await;
    world.clock.advance(crate::testing::HOUR);
    polls.saw(group, "edge-1", EDGE, world.env.now()).unwrap();
    let known = list(&world.env, &polls).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].seen_at, world.env.now());
    polls.forget_before(world.env.now().after(crate::testing::HOUR));
    assert_eq!(list(&world.env, &polls).await.unwrap()[0].polled_at, None);
}

#[tokio::test]
async fn a_position_in_another_log_says_nothing_about_this_one() {
    let world = World::new().await;
    let (token, _) = token::create(
        &world.env,
        world.organization,
        gateway_token("default"),
        None,
    )
    .await
    .unwrap();
    let said = Report {
        gateway: String::new(),
        instance: EDGE,
        sequence: 1,
        epoch: [9; 16],
        revision: 7,
        complete: true,
        workers: 1,
    };
    let group = world.default_group().await;
    report(&world.env, group, token.id, said.clone())
        .await
        .unwrap();
    assert_eq!(
        list(&world.env, &Polls::default()).await.unwrap()[0].applied,
        None
    );
    let beyond = Report {
        sequence: u64::MAX,
        ..said
    };
    assert!(matches!(
        report(&world.env, group, token.id, beyond).await,
        Err(Error::Invalid(_))
    ));
}

#[tokio::test]
async fn a_silent_gateway_is_forgotten_after_a_week() {
    let world = World::new().await;
    reporting(&world, 1, 0).await;
    world
        .clock
        .advance(crate::sweep::GATEWAYS_KEPT + crate::testing::HOUR);
    world.sweep().await;
    assert!(
        list(&world.env, &Polls::default())
            .await
            .unwrap()
            .is_empty()
    );
}
