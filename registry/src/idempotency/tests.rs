//! Claims about requests that are sent twice.

use super::*;
use crate::{
    ids::TokenId,
    testing::{HOUR, World},
    token::{self, NewRole, NewToken},
};

const ANSWER: &[u8] = b"the answer";

async fn send(world: &World, sender: TokenId, key: &str, body: &[u8]) -> Begun {
    let scope = Scope {
        token: sender,
        route: "POST /v1/tokens",
        key,
    };
    begin(&world.env, scope, body).await.unwrap()
}

async fn first(world: &World, sender: TokenId) -> Ticket {
    match send(world, sender, "k", b"body").await {
        Begun::New(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

/// Does what the request asks for.
async fn perform(world: &World, ticket: Ticket) -> Result<TokenId, Error> {
    let new = NewToken {
        role: NewRole::PortalAdmin,
        description: String::new(),
        expires_at: None,
    };
    let receipt = Receipt::new(ticket, |_| Ok(ANSWER.to_vec()));
    let (made, _) = token::create(&world.env, world.caller(), new, Some(receipt)).await?;
    Ok(made.id)
}

fn sender(world: &World) -> TokenId {
    TokenId::generate(world.env.now(), world.env.entropy.as_ref()).unwrap()
}

async fn made(world: &World) -> usize {
    token::list(&world.env, world.caller(), None)
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn the_second_request_gets_the_first_ones_answer() {
    let world = World::new().await;
    let sender = sender(&world);
    let ticket = first(&world, sender).await;
    perform(&world, ticket).await.unwrap();
    match send(&world, sender, "k", b"body").await {
        Begun::Replay(answer) => assert_eq!(answer.as_slice(), ANSWER),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_is_its_token_route_key_and_body() {
    let world = World::new().await;
    let one = sender(&world);
    let ticket = first(&world, one).await;
    perform(&world, ticket).await.unwrap();
    assert!(matches!(
        send(&world, one, "k", b"other").await,
        Begun::DifferentBody
    ));
    assert!(matches!(
        send(&world, one, "l", b"body").await,
        Begun::New(_)
    ));
    assert!(matches!(
        send(&world, sender(&world), "k", b"body").await,
        Begun::New(_)
    ));
}

#[tokio::test]
async fn a_request_that_runs_is_not_begun_again() {
    let world = World::new().await;
    let sender = sender(&world);
    let ticket = first(&world, sender).await;
    assert!(matches!(
        send(&world, sender, "k", b"body").await,
        Begun::Running
    ));
    abandon(&world.env, ticket).await.unwrap();
    first(&world, sender).await;
}

#[tokio::test]
async fn a_request_that_another_attempt_took_over_does_nothing() {
    let world = World::new().await;
    let sender = sender(&world);
    let late = first(&world, sender).await;
    world.clock.advance(RUNNING_AT_MOST);
    let successor = first(&world, sender).await;
    assert!(matches!(
        perform(&world, late.clone()).await,
        Err(Error::Superseded)
    ));
    assert_eq!(made(&world).await, 0);
    abandon(&world.env, late).await.unwrap();
    assert!(
        matches!(send(&world, sender, "k", b"body").await, Begun::Running),
        "it cannot give up what is no longer its own"
    );
    perform(&world, successor).await.unwrap();
    assert_eq!(made(&world).await, 1);
}

#[tokio::test]
async fn an_answer_is_kept_for_a_quarter_of_an_hour() {
    let world = World::new().await;
    let sender = sender(&world);
    let ticket = first(&world, sender).await;
    perform(&world, ticket).await.unwrap();
    world.clock.advance(KEPT);
    let ticket = first(&world, sender).await;
    perform(&world, ticket).await.unwrap();
    world.clock.advance(HOUR);
    world.sweep().await;
    first(&world, sender).await;
}

#[tokio::test]
async fn an_answer_is_not_given_up() {
    let world = World::new().await;
    let sender = sender(&world);
    let ticket = first(&world, sender).await;
    perform(&world, ticket.clone()).await.unwrap();
    abandon(&world.env, ticket).await.unwrap();
    assert!(matches!(
        send(&world, sender, "k", b"body").await,
        Begun::Replay(_)
    ));
}

#[tokio::test]
async fn what_a_process_left_unanswered_is_done_anew_and_what_it_answered_is_not() {
    let world = World::new().await;
    let sender = sender(&world);
    let left = first(&world, sender).await;
    let Begun::New(answered) = send(&world, sender, "other", b"body").await else {
        panic!("it is new");
    };
    perform(&world, answered).await.unwrap();
    abandon_all(&world.env).await.unwrap();
    let again = send(&world, sender, "k", b"body").await;
    let Begun::New(again) = again else {
        panic!("{again:?}");
    };
    let replayed = send(&world, sender, "other", b"body").await;
    assert!(matches!(replayed, Begun::Replay(_)), "{replayed:?}");
    // Also if the first were still at it, what it does would not count.
    let late = perform(&world, left).await;
    assert!(matches!(late, Err(Error::Superseded)), "{late:?}");
    perform(&world, again).await.unwrap();
    assert_eq!(made(&world).await, 2);
}
