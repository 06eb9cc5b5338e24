//! Claims about the life of credentials.

use std::time::Duration;

use filter_core::feed::CredentialKind;

use super::*;
use crate::{
    edit::Edit,
    error::{Conflict, InvalidField},
    secret::Display,
    testing::{HOUR, World, follower::Follower, secret},
};

mod finish;
mod lifetime;
mod pair;
mod password;
mod reveal;
mod rotation;
mod rule;
mod schedule;

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
    gateway.catch_up(&world.feed).await;
}
