use serde_json::json;

use super::*;
use crate::{
    credential::NewSecret,
    testing::{HOUR, World},
};

fn service() -> ClientMetadata {
    ClientMetadata {
        grant_types: vec![CLIENT_CREDENTIALS.to_owned()],
        ..ClientMetadata::default()
    }
}

/// A credential that a client could be.
async fn credential(world: &World) -> CredentialId {
    let issued = world.credential("jack", NewSecret::GeneratedApiKey).await;
    issued.detail.credential.id
}

async fn works(world: &World, client_id: &str, secret: &SecretText) -> bool {
    let now = world.env.now();
    let mut read = world.env.store.read().await.unwrap();
    let known = read.authorization_secrets(client_id, now).await.unwrap();
    known.contains(&world.env.keys.token_digest(secret.expose()))
}

#[tokio::test]
async fn a_client_gets_a_name_and_a_secret_of_which_only_a_digest_is_kept() {
    let world = World::new().await;
    let owner = credential(&world).await;
    let mut write = world.env.store.write().await.unwrap();
    let service = service();
    let made = register(
        &world.env,
        write.as_mut(),
        owner,
        &service,
        TokenFormat::Jwt,
    );
    let made = made.await.unwrap();
    world.env.commit(write).await.unwrap();
    let secret = made.client_secret.unwrap();
    assert!(secret.expose().starts_with("ks_cs_"));
    assert!(works(&world, &made.client_id, &secret).await);
    let method = made.metadata.token_endpoint_auth_method;
    assert_eq!(method.as_deref(), Some("client_secret_basic"));
    let mut read = world.env.store.read().await.unwrap();
    let of = read.authorization_clients_of(owner).await.unwrap();
    assert_eq!(of[0].client_id, made.client_id);
}

#[tokio::test]
async fn a_secret_works_until_its_grace_ends_and_no_longer_than_it_would() {
    let world = World::new().await;
    let (env, owner) = (&world.env, credential(&world).await);
    let mut write = env.store.write().await.unwrap();
    let service = service();
    let made = register(env, write.as_mut(), owner, &service, TokenFormat::Jwt);
    let made = made.await.unwrap();
    let (id, first) = (made.client_id, made.client_secret.unwrap());
    let soon = env.now().after(HOUR);
    let second = replace_secret(env, write.as_mut(), &id, soon)
        .await
        .unwrap();
    let second = second.client_secret.unwrap();
    let later = env.now().after(HOUR * 3);
    let third = replace_secret(env, write.as_mut(), &id, later)
        .await
        .unwrap();
    let third = third.client_secret.unwrap();
    env.commit(write).await.unwrap();
    for secret in [&first, &second, &third] {
        assert!(works(&world, &id, secret).await);
    }
    world.clock.advance(HOUR);
    assert!(!works(&world, &id, &first).await);
    assert!(works(&world, &id, &second).await);
    world.clock.advance(HOUR * 2);
    assert!(!works(&world, &id, &second).await);
    assert!(works(&world, &id, &third).await);
}

#[tokio::test]
async fn a_client_that_goes_over_to_keys_of_its_own_loses_its_secret() {
    let world = World::new().await;
    let (env, owner) = (&world.env, credential(&world).await);
    let mut write = env.store.write().await.unwrap();
    let service = service();
    let made = register(env, write.as_mut(), owner, &service, TokenFormat::Jwt);
    let made = made.await.unwrap();
    let keys = ClientMetadata {
        token_endpoint_auth_method: Some("private_key_jwt".to_owned()),
        jwks: Some(json!({"keys": []})),
        ..service.clone()
    };
    let changed = update(env, write.as_mut(), &made.client_id, (&keys, None))
        .await
        .unwrap();
    assert_eq!(changed.client_secret, None);
    let refused = replace_secret(env, write.as_mut(), &made.client_id, env.now()).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
    let back = update(env, write.as_mut(), &made.client_id, (&service, None))
        .await
        .unwrap();
    env.commit(write).await.unwrap();
    assert!(!works(&world, &made.client_id, &made.client_secret.unwrap()).await);
    assert!(works(&world, &made.client_id, &back.client_secret.unwrap()).await);
}

#[tokio::test]
async fn what_the_server_cannot_do_is_not_registered() {
    let world = World::new().await;
    let (env, owner) = (&world.env, credential(&world).await);
    let mut write = env.store.write().await.unwrap();
    let code = ClientMetadata {
        grant_types: vec!["authorization_code".to_owned()],
        redirect_uris: vec!["https://app.example/".to_owned()],
        ..ClientMetadata::default()
    };
    let fetched = ClientMetadata {
        token_endpoint_auth_method: Some("private_key_jwt".to_owned()),
        jwks_uri: Some("https://app.example/keys".to_owned()),
        ..service()
    };
    let mut elsewhere = service();
    elsewhere
        .other
        .insert("resources".to_owned(), json!(["orders"]));
    for (metadata, field) in [
        (code, "client.grant_types"),
        (fetched, "client.jwks_uri"),
        (elsewhere, "client.resources"),
    ] {
        let refused = register(env, write.as_mut(), owner, &metadata, TokenFormat::Jwt).await;
        let Err(Error::Invalid(invalid)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(invalid.field, field);
    }
}

#[tokio::test]
async fn a_client_that_is_removed_is_gone_with_its_secrets() {
    let world = World::new().await;
    let (env, owner) = (&world.env, credential(&world).await);
    let mut write = env.store.write().await.unwrap();
    let service = service();
    let made = register(env, write.as_mut(), owner, &service, TokenFormat::Opaque);
    let made = made.await.unwrap();
    delete(write.as_mut(), &made.client_id).await.unwrap();
    assert_eq!(read(write.as_mut(), &made.client_id).await.unwrap(), None);
    env.commit(write).await.unwrap();
    assert!(!works(&world, &made.client_id, &made.client_secret.unwrap()).await);
}
