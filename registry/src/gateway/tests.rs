//! Claims about gateways and their groups.

use super::*;
use crate::{
    error::{Conflict, Error, Kind},
    testing::World,
    token::{self, NewRole, NewToken},
};

mod sharing;

const EDGE: [u8; 16] = [1; 16];
const POLL: std::time::Duration = std::time::Duration::from_secs(25);

fn gateway_token(group: &str) -> NewToken {
    NewToken {
        role: NewRole::Gateway {
            group: group.to_owned(),
        },
        description: String::new(),
        expires_at: None,
    }
}

async fn reporting(world: &World, gateways: &Gateways, sequence: u64, revision: u64) {
    let (token, _) = token::create(&world.env, world.caller(), gateway_token("default"), None)
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
        max_staleness: None,
    };
    let group = world.default_group().await;
    report(&world.env, gateways, group, token.id, said).unwrap();
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
    let deleted = delete_group(&world.env, world.caller(), "default").await;
    assert!(matches!(
        deleted,
        Err(Error::Conflict(Conflict::DefaultGroup))
    ));
}

#[tokio::test]
async fn a_groups_name_is_plain_and_unique() {
    let world = World::new().await;
    create_group(
        &world.env,
        world.caller(),
        "eu-west_1".to_owned(),
        Mode::OnDemand,
    )
    .await
    .unwrap();
    let again = create_group(
        &world.env,
        world.caller(),
        "eu-west_1".to_owned(),
        Mode::Automatic,
    )
    .await;
    assert!(matches!(again, Err(Error::Conflict(Conflict::GroupName))));
    for name in ["", "a b", "a\"b", &"x".repeat(65)] {
        let created =
            create_group(&world.env, world.caller(), name.to_owned(), Mode::Automatic).await;
        assert!(matches!(created, Err(Error::Invalid(_))), "{name}");
    }
}

#[tokio::test]
async fn a_group_in_use_is_not_deleted() {
    let world = World::new().await;
    create_group(
        &world.env,
        world.caller(),
        "other".to_owned(),
        Mode::Automatic,
    )
    .await
    .unwrap();
    let (token, text) = token::create(&world.env, world.caller(), gateway_token("other"), None)
        .await
        .unwrap();
    let deleted = delete_group(&world.env, world.caller(), "other").await;
    assert!(matches!(
        deleted,
        Err(Error::Conflict(Conflict::GroupHasTokens { tokens: 1 }))
    ));
    token::revoke(&world.env, world.caller(), Some("other"), token.id)
        .await
        .unwrap();

    let listing = crate::application::NewApplication {
        gateway_groups: Some(vec!["other".to_owned()]),
        ..World::new_application("jack")
    };
    let application = world.try_application(listing).await.unwrap();
    match delete_group(&world.env, world.caller(), "other").await {
        Err(Error::Conflict(Conflict::GroupListed { applications })) => {
            assert_eq!(applications, ["jack"]);
        }
        other => panic!("{other:?}"),
    }
    crate::application::delete(&world.env, world.caller(), application.id, None)
        .await
        .unwrap();
    delete_group(&world.env, world.caller(), "other")
        .await
        .unwrap();
    assert!(matches!(
        group(&world.env, "other").await,
        Err(Error::NotFound(Kind::GatewayGroup))
    ));
    assert_eq!(
        token::authenticate(&world.env, text.expose(), None)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_report_counts_once_and_only_if_it_is_newer() {
    let world = World::new().await;
    let gateways = Gateways::default();
    for name in ["a", "b", "c"] {
        world.application(name).await;
    }
    reporting(&world, &gateways, 5, 1).await;
    reporting(&world, &gateways, 5, 3).await;
    reporting(&world, &gateways, 4, 3).await;
    let known = list(&world.env, &gateways).await.unwrap();
    assert_eq!(known.len(), 1);
    let applied = known[0].applied.unwrap();
    assert_eq!((applied.revision, applied.lag, applied.workers), (1, 2, 2));
    reporting(&world, &gateways, 6, 3).await;
    assert_eq!(
        list(&world.env, &gateways).await.unwrap()[0]
            .applied
            .unwrap()
            .lag,
        0
    );
}

#[tokio::test]
async fn a_gateway_that_polls_is_listed_before_it_reports() {
    let world = World::new().await;
    let gateways = Gateways::default();
    let group = world.default_group().await;
    gateways
        .polled(group, "edge-1", EDGE, POLL, world.env.now())
        .unwrap();
    let known = list(&world.env, &gateways).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(
        (known[0].gateway.as_str(), known[0].applied),
        ("edge-1", None)
    );
    reporting(&world, &gateways, 1, 0).await;
    world.clock.advance(crate::testing::HOUR);
    gateways
        .polled(group, "edge-1", EDGE, POLL, world.env.now())
        .unwrap();
    let known = list(&world.env, &gateways).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].seen_at, world.env.now());
}

#[tokio::test]
async fn a_position_in_another_log_says_nothing_about_this_one() {
    let world = World::new().await;
    let (token, _) = token::create(&world.env, world.caller(), gateway_token("default"), None)
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
        max_staleness: None,
    };
    let group = world.default_group().await;
    let gateways = Gateways::default();
    report(&world.env, &gateways, group, token.id, said.clone()).unwrap();
    assert_eq!(list(&world.env, &gateways).await.unwrap()[0].applied, None);
    let beyond = Report {
        sequence: u64::MAX,
        ..said
    };
    assert!(report(&world.env, &gateways, group, token.id, beyond).is_err());
}

#[tokio::test]
async fn reports_outlive_a_restart_once_they_are_saved() {
    let world = World::new().await;
    let gateways = Gateways::default();
    reporting(&world, &gateways, 1, 0).await;
    let loaded = || async { Gateways::load(&world.env).await.unwrap() };
    assert!(list(&world.env, &loaded().await).await.unwrap().is_empty());
    gateways.save(&world.env).await.unwrap();
    let before = list(&world.env, &gateways).await.unwrap();
    assert_eq!(list(&world.env, &loaded().await).await.unwrap(), before);
    let again = loaded().await;
    reporting(&world, &again, 1, 3).await;
    assert_eq!(list(&world.env, &again).await.unwrap(), before);
}

#[tokio::test]
async fn a_silent_gateway_is_forgotten_after_a_day() {
    let world = World::new().await;
    let gateways = Gateways::default();
    reporting(&world, &gateways, 1, 0).await;
    gateways.save(&world.env).await.unwrap();
    world.clock.advance(GATEWAYS_KEPT + crate::testing::HOUR);
    gateways.forget_silent(world.env.now());
    assert!(list(&world.env, &gateways).await.unwrap().is_empty());
    gateways.save(&world.env).await.unwrap();
    let loaded = Gateways::load(&world.env).await.unwrap();
    assert!(list(&world.env, &loaded).await.unwrap().is_empty());
}

#[tokio::test]
async fn one_group_cannot_make_the_gateways_of_another_forgotten() {
    let world = World::new().await;
    let gateways = Gateways::default();
    reporting(&world, &gateways, 1, 0).await;
    gateways.save(&world.env).await.unwrap();
    let other = create_group(
        &world.env,
        world.caller(),
        "other".to_owned(),
        Mode::OnDemand,
    )
    .await
    .unwrap();
    for number in 0..100_u8 {
        world.clock.advance(std::time::Duration::from_secs(1));
        let now = world.env.now();
        gateways
            .polled(other.value.id, "", [number; 16], POLL, now)
            .unwrap();
    }
    let listed = list(&world.env, &gateways).await.unwrap();
    let of = |group: &str| listed.iter().filter(|one| one.group == group).count();
    assert_eq!((of("default"), of("other")), (1, 8));
    assert_eq!(listed.last().unwrap().instance, [99; 16], "the silent go");

    let group = world.default_group().await;
    for number in 100..200_u8 {
        let now = world.env.now();
        gateways.polled(group, "", [number; 16], POLL, now).unwrap();
    }
    gateways.save(&world.env).await.unwrap();
    let loaded = Gateways::load(&world.env).await.unwrap();
    assert!(
        list(&world.env, &loaded).await.unwrap().is_empty(),
        "what was forgotten is not written down any more"
    );
}

#[tokio::test]
async fn reports_from_a_group_that_is_deleted_hinder_no_others() {
    let world = World::new().await;
    let gateways = Gateways::default();
    reporting(&world, &gateways, 1, 0).await;
    let other = create_group(
        &world.env,
        world.caller(),
        "other".to_owned(),
        Mode::OnDemand,
    )
    .await
    .unwrap();
    let record = gateways.all().remove(0).2.last.unwrap();
    report(
        &world.env,
        &gateways,
        other.value.id,
        record.token,
        record.report,
    )
    .unwrap();
    delete_group(&world.env, world.caller(), "other")
        .await
        .unwrap();
    gateways.save(&world.env).await.unwrap();
    assert_eq!(gateways.all().len(), 1);
    let loaded = Gateways::load(&world.env).await.unwrap();
    assert_eq!(list(&world.env, &loaded).await.unwrap().len(), 1);
}
