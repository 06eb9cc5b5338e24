//! Who issues access tokens.

use filter_core::{
    feed::{Issuer, Operation},
    jwt::{Algorithm, ClientClaim, PublicKey, VerificationKey},
};

use super::*;

fn issuer(name: &str, key: u8) -> Issuer {
    Issuer {
        name: name.to_owned(),
        client_claim: ClientClaim::ClientId,
        types_its_tokens: true,
        introspects: false,
        keys: vec![VerificationKey {
            id: Some("first".to_owned()),
            algorithm: Algorithm::Ed25519,
            key: PublicKey::Ed25519([key; 32]),
        }],
        revoked: Vec::new(),
    }
}

async fn put(world: &World, issuer: &Issuer) {
    let mut write = world.env.store.write().await.unwrap();
    write.put_issuer(issuer).await.unwrap();
    world.env.commit(write).await.unwrap();
}

async fn remove(world: &World, name: &str) {
    let mut write = world.env.store.write().await.unwrap();
    write.remove_issuer(name).await.unwrap();
    world.env.commit(write).await.unwrap();
}

fn known(gateway: &Follower) -> Vec<&Issuer> {
    gateway.issuers.values().collect()
}

#[tokio::test]
async fn a_snapshot_ends_with_the_issuers() {
    let world = World::new().await;
    let (one, other) = (
        issuer("https://one.example", 1),
        issuer("https://other.example", 2),
    );
    put(&world, &other).await;
    put(&world, &one).await;
    let gateway = world.gateway().await;
    assert_eq!(known(&gateway), [&one, &other]);
}

#[tokio::test]
async fn a_change_of_an_issuer_is_told_to_every_group() {
    let world = World::new().await;
    let mut gateway = world.gateway().await;
    let another = gateway::create_group(
        &world.env,
        world.caller(),
        "another".to_owned(),
        Mode::OnDemand,
    );
    let another = another.await.unwrap().value.id;
    let mut elsewhere = world.gateway_of(another).await;
    for (key, is_known) in [(1, true), (2, true), (0, false)] {
        let now = issuer("https://one.example", key);
        if is_known {
            put(&world, &now).await;
        } else {
            remove(&world, &now.name).await;
        }
        for gateway in [&mut gateway, &mut elsewhere] {
            gateway.catch_up(&world.feed).await;
            let expected: Vec<&Issuer> = is_known.then_some(&now).into_iter().collect();
            assert_eq!(known(gateway), expected);
        }
    }
    let told = |gateway: &Follower| {
        let pages = gateway.pages.iter().filter_map(|page| match &page.body {
            Body::Changes(changes) => Some(changes.changes.len()),
            _ => None,
        });
        pages.sum::<usize>()
    };
    assert_eq!([told(&gateway), told(&elsewhere)], [3, 3]);
}

#[tokio::test]
async fn an_issuer_that_stays_as_it_is_is_no_change() {
    let world = World::new().await;
    let one = issuer("https://one.example", 1);
    put(&world, &one).await;
    let before = world.env.store.revision();
    put(&world, &one).await;
    remove(&world, "https://never.example").await;
    assert_eq!(world.env.store.revision(), before);
}

#[tokio::test]
async fn an_issuer_that_is_gone_can_come_back() {
    let world = World::new().await;
    let mut gateway = world.gateway().await;
    let one = issuer("https://one.example", 1);
    put(&world, &one).await;
    remove(&world, &one.name).await;
    put(&world, &one).await;
    gateway.catch_up(&world.feed).await;
    assert_eq!(known(&gateway), [&one]);
    let last = gateway
        .pages
        .iter()
        .rev()
        .find_map(|page| match &page.body {
            Body::Changes(changes) => changes.changes.last().cloned(),
            _ => None,
        });
    assert!(matches!(last.unwrap().operation, Operation::PutIssuer(_)));
}
