//! The callers that have to be found at every step.

use super::KEY;
use crate::{
    credential::{Issued, NewCredential, NewSecret, RotatedSecret},
    secrets::SecretText,
    testing::{HOUR, World, client::Client, follower::Follower, secret},
};

/// Everything by which callers identify themselves, of every kind.
#[derive(Default)]
pub(super) struct Callers {
    values: Vec<SecretText>,
    passwords: Vec<(String, SecretText)>,
    usernames: Vec<String>,
    pairs: Vec<(SecretText, SecretText)>,
    /// OAuth clients, which gateways know besides their access tokens.
    clients: usize,
}

impl Callers {
    pub(super) async fn of_every_kind(world: &World) -> Self {
        let mut callers = Self::default();
        for number in 0..7 {
            callers.add(world, &format!("key{number}")).await;
        }
        // One that is rotated and has both secrets: the old one retires, and nobody has used either.
        let old = world.credential("dormant", KEY).await;
        let next = RotatedSecret::Generated { username: None };
        let id = old.detail.credential.id;
        let new = world.rotate(id, HOUR, next).await.unwrap();
        callers
            .values
            .extend([old.secret.unwrap(), new.secret.unwrap()]);
        let pair = world.application("pair").await;
        let pair = NewCredential {
            is_paired: true,
            ..World::new_credential(pair, "pair", KEY)
        };
        let pair = world.issue(pair).await.unwrap();
        callers
            .pairs
            .push((pair.secret.unwrap(), pair.shared_secret.unwrap()));
        let chosen = NewSecret::ChosenPassword {
            username: "bob".to_owned(),
            password: secret("correct horse battery"),
        };
        world.credential("chosen", chosen).await;
        callers.usernames.push("bob".to_owned());
        let generated = NewSecret::GeneratedPassword {
            username: "eve".to_owned(),
        };
        let generated = world.credential("generated", generated).await;
        callers
            .passwords
            .push(("eve".to_owned(), generated.secret.unwrap()));
        let client = Client::new(world, "client").await;
        callers.values.push(client.token(world).await);
        callers.clients += 1;
        callers
    }

    pub(super) async fn add(&mut self, world: &World, name: &str) -> Issued {
        let issued = world.credential(name, KEY).await;
        self.values.push(issued.secret.clone().unwrap());
        issued
    }

    /// Whoever can be found is found, by what the gateway holds and the key that it was told.
    pub(super) fn are_known_to(&self, gateway: &Follower) {
        for value in &self.values {
            assert!(gateway.by_value(value).is_some());
        }
        for (username, password) in &self.passwords {
            assert!(gateway.by_password(username, password).is_some());
        }
        for username in &self.usernames {
            assert!(gateway.by_username(username).is_some());
        }
        for (value, shared) in &self.pairs {
            assert!(gateway.by_pair(value, shared).is_some());
        }
    }

    pub(super) fn count(&self) -> usize {
        self.values.len()
            + self.passwords.len()
            + self.usernames.len()
            + self.pairs.len()
            + self.clients
    }
}
