//! Claims about registration tokens.

use super::*;
use crate::{
    application,
    error::{Conflict, Error, InvalidField, Kind},
    ids::OrganizationId,
    testing::{HOUR, World},
};

fn new(application: ApplicationId) -> NewRegistrationToken {
    NewRegistrationToken {
        application,
        scopes: None,
        description: "for tests".to_owned(),
        clients: 1,
        expires_at: None,
    }
}

async fn made(world: &World, new: NewRegistrationToken) -> Result<Made, Error> {
    create(&world.env, world.caller(), new, None).await
}

#[track_caller]
fn names(result: Result<Made, Error>, field: &str) {
    match result {
        Err(Error::Invalid(InvalidField { field: found, .. })) => assert_eq!(found, field),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_kept_of_it_is_read_back_and_its_text_is_not() {
    let world = World::new().await;
    let app = world.application("billing").await;
    let (token, text) = made(&world, new(app)).await.unwrap();
    assert!(text.expose().starts_with("ks_rt_"));
    assert_eq!(token.scopes.iter().collect::<Vec<_>>(), ["read", "write"]);
    let listed = list(&world.env, world.caller()).await.unwrap();
    assert_eq!(listed.as_slice(), std::slice::from_ref(&token));
    let digest = world.env.keys.token_digest(text.expose());
    let mut read = world.env.store.read().await.unwrap();
    let found = read.registration_token_by_digest(&digest).await.unwrap();
    assert_eq!(found, Some(token));
}

#[tokio::test]
async fn it_gives_no_more_than_its_application_has() {
    let world = World::new().await;
    let app = world.application("billing").await;
    let mut wrong = new(app);
    wrong.scopes = Some(vec!["read".to_owned(), "admin".to_owned()]);
    names(made(&world, wrong).await, "scopes");
    let nowhere = ApplicationId::from_object_id(filter_core::ids::ObjectId([0; 16]));
    names(made(&world, new(nowhere)).await, "application");
    for clients in [0, MAX_CLIENTS + 1] {
        let wrong = NewRegistrationToken {
            clients,
            ..new(app)
        };
        names(made(&world, wrong).await, "clients");
    }
    let wrong = NewRegistrationToken {
        expires_at: Some(world.env.now()),
        ..new(app)
    };
    names(made(&world, wrong).await, "expires_at");
}

#[tokio::test]
async fn it_registers_as_many_clients_as_it_says() {
    let world = World::new().await;
    let app = world.application("billing").await;
    let two = NewRegistrationToken {
        clients: 2,
        ..new(app)
    };
    let (token, _) = made(&world, two).await.unwrap();
    let mut write = world.env.store.write().await.unwrap();
    for expected in [true, true, false] {
        assert_eq!(
            write.use_registration_token(token.id).await.unwrap(),
            expected
        );
    }
    let used = write.registration_token(token.id).await.unwrap().unwrap();
    assert_eq!(used.registered, 2);
    assert!(token.is_valid(world.env.now()) && !used.is_valid(world.env.now()));
}

#[tokio::test]
async fn those_that_ended_make_room_for_others() {
    let world = World::new().await;
    let app = world.application("billing").await;
    let soon = NewRegistrationToken {
        expires_at: Some(world.env.now().after(HOUR)),
        ..new(app)
    };
    for _ in 0..MAX_TOKENS {
        made(&world, soon.clone()).await.unwrap();
    }
    assert!(matches!(
        made(&world, new(app)).await,
        Err(Error::Conflict(Conflict::RegistrationTokens))
    ));
    world.clock.advance(HOUR);
    made(&world, new(app)).await.unwrap();
    assert_eq!(list(&world.env, world.caller()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn it_goes_with_its_application_and_is_nothing_to_other_organizations() {
    let world = World::new().await;
    let app = world.application("billing").await;
    let (token, _) = made(&world, new(app)).await.unwrap();
    let entropy = world.env.entropy.as_ref();
    let elsewhere = OrganizationId::generate(world.env.now(), entropy).unwrap();
    let stranger = world.caller().acting_in(elsewhere);
    assert!(matches!(
        delete(&world.env, stranger, token.id).await,
        Err(Error::NotFound(Kind::RegistrationToken))
    ));
    assert!(list(&world.env, stranger).await.unwrap().is_empty());
    application::delete(&world.env, world.caller(), app, None)
        .await
        .unwrap();
    assert!(list(&world.env, world.caller()).await.unwrap().is_empty());
}
