//! Claims about access tokens that gateways look up.

use std::time::Duration;

use filter_core::feed::CredentialKind;

use super::{Code, OauthError, TokenFormat, refused};
use crate::{
    credential::{self, CredentialPatch},
    edit::Edit,
    error::Error,
    gateway,
    oauth::upkeep,
    oauth_client::{self, metadata::ClientMetadata},
    provider,
    testing::{HOUR, World, client::Client},
};

/// For how long a token is good.
const LIFE: Duration = Duration::from_mins(5);

#[tokio::test]
async fn gateways_find_a_token_of_the_client_until_it_ends() {
    let world = World::new().await;
    let client = Client::new(&world, "jack").await;
    let given = client.ask(&world, Some("read"), &[]).await.unwrap();
    assert_eq!(given.expires_in, LIFE.as_secs());
    let token = given.text;
    assert!(token.expose().starts_with("ks_bt_"));
    let mut gateway = world.gateway().await;
    let record = gateway.by_value(&token).unwrap().clone();
    assert_eq!(record.kind, CredentialKind::BearerToken);
    assert_eq!(record.id, client.credential.object_id());
    assert_eq!(record.scopes, ["read"]);
    let ends_at = world.env.now().after(LIFE);
    assert_eq!(record.expires_at, ends_at.as_millis());
    let active = client.introspect(&world, &token).await.unwrap();
    assert_eq!(active.scope.as_deref(), Some("read"));
    assert_eq!(active.expires_at, ends_at.as_millis() / 1000);

    world.clock.advance(LIFE);
    assert!(client.introspect(&world, &token).await.is_none());
    assert_eq!(world.sweep().await, 1);
    gateway.catch_up(&world.feed).await;
    assert!(gateway.by_value(&token).is_none());
    let mut read = world.env.store.read().await.unwrap();
    assert_eq!(read.access_tokens_of(client.credential).await.unwrap(), []);
    assert_eq!(world.sweep().await, 0);
}

#[tokio::test]
async fn the_end_of_the_credential_ends_its_tokens() {
    let world = World::new().await;
    let client = Client::new(&world, "jack").await;
    let soon = world.env.now().after(Duration::from_mins(1));
    let patch = CredentialPatch {
        expires_at: Edit::Set(Some(soon)),
        ..CredentialPatch::default()
    };
    change(&world, &client, patch).await;
    let token = client.token(&world).await;
    let mut gateway = world.gateway().await;
    let record = gateway.by_value(&token).unwrap();
    assert_eq!(record.expires_at, soon.as_millis());
    world.clock.advance(Duration::from_mins(1));
    world.sweep().await;
    gateway.catch_up(&world.feed).await;
    assert!(gateway.by_value(&token).is_none());
}

#[tokio::test]
async fn a_token_that_is_revoked_is_gone_and_the_others_stay() {
    let world = World::new().await;
    let client = Client::new(&world, "jack").await;
    let (one, other) = (client.token(&world).await, client.token(&world).await);
    let stranger = Client::new(&world, "rose").await;
    assert!(stranger.introspect(&world, &one).await.is_none());
    stranger.revoke(&world, &one).await;
    assert!(client.introspect(&world, &one).await.is_some());
    client.revoke(&world, &one).await;
    client.revoke(&world, &one).await;
    let gateway = world.gateway().await;
    assert!(gateway.by_value(&one).is_none());
    assert!(gateway.by_value(&other).is_some());
    assert!(client.introspect(&world, &one).await.is_none());
    assert!(client.introspect(&world, &other).await.is_some());
}

#[tokio::test]
async fn tokens_follow_their_credential() {
    let world = World::new().await;
    let client = Client::new(&world, "jack").await;
    let token = client.token(&world).await;
    let mut gateway = world.gateway().await;
    for enabled in [false, true] {
        let patch = CredentialPatch {
            enabled: Some(enabled),
            ..CredentialPatch::default()
        };
        change(&world, &client, patch).await;
        gateway.catch_up(&world.feed).await;
        assert_eq!(gateway.by_value(&token).unwrap().enabled, enabled);
    }
    let patch = CredentialPatch {
        scopes: Some(vec!["write".to_owned()]),
        ..CredentialPatch::default()
    };
    change(&world, &client, patch).await;
    gateway.catch_up(&world.feed).await;
    assert_eq!(gateway.by_value(&token).unwrap().scopes, ["write"]);
    // Another secret of the same client.
    world.rotate_now(client.credential).await;
    gateway.catch_up(&world.feed).await;
    assert!(gateway.by_value(&token).is_some());
    world.delete_credential(client.credential).await;
    gateway.catch_up(&world.feed).await;
    assert!(gateway.by_value(&token).is_none());
    let mut read = world.env.store.read().await.unwrap();
    assert_eq!(read.access_tokens_of(client.credential).await.unwrap(), []);
}

#[tokio::test]
async fn a_cut_off_ends_the_tokens_of_before_and_none_after_it() {
    let world = World::new().await;
    let client = Client::new(&world, "jack").await;
    let before = client.token(&world).await;
    let done = oauth_client::revoke_tokens(&world.env, world.caller(), client.credential, None);
    done.await.unwrap();
    let after = client.token(&world).await;
    let gateway = world.gateway().await;
    assert!(gateway.by_value(&before).is_none());
    assert!(gateway.by_value(&after).is_some());
    assert!(client.introspect(&world, &before).await.is_none());
    assert!(client.introspect(&world, &after).await.is_some());
}

#[tokio::test]
async fn gateways_of_a_group_that_is_new_find_them_too() {
    let world = World::new().await;
    let client = Client::new(&world, "jack").await;
    let token = client.token(&world).await;
    let made = gateway::create_group(
        &world.env,
        world.caller(),
        "edge".to_owned(),
        gateway::Mode::Automatic,
    )
    .await;
    let group = made.unwrap().value.id;
    assert!(world.gateway_of(group).await.by_value(&token).is_some());
}

#[tokio::test]
async fn a_client_with_too_many_tokens_waits_until_one_ends() {
    let world = World::new().await;
    let client = Client::new(&world, "jack").await;
    for _ in 0..crate::oauth::opaque::MAX_LIVING {
        client.token(&world).await;
        world.clock.advance(Duration::from_mins(1));
    }
    let answer = client.ask(&world, None, &[]).await;
    let Err(OauthError::Limited { wait }) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(wait, Duration::from_mins(2));
    world.clock.advance(wait);
    client.token(&world).await;
}

#[tokio::test]
async fn a_token_is_bound_to_no_resource() {
    let world = World::new().await;
    let client = Client::new(&world, "jack").await;
    let answer = client.ask(&world, None, &["https://api.example"]).await;
    refused(answer, Code::InvalidTarget);
    let mut metadata = ClientMetadata::default();
    metadata.grant_types.push("client_credentials".to_owned());
    let resources = serde_json::json!(["https://api.example"]);
    metadata.other.insert("resources".to_owned(), resources);
    let what = |format| (CredentialPatch::default(), metadata.clone(), format);
    let (env, caller, id) = (&world.env, world.caller(), client.credential);
    let answer = oauth_client::update(env, caller, id, None, what(None)).await;
    assert!(matches!(answer, Err(Error::Invalid(_))), "{answer:?}");
    let what = what(Some(TokenFormat::Jwt));
    let done = oauth_client::update(env, caller, id, None, what).await;
    done.unwrap();
    let token = client.token(&world).await;
    assert!(token.expose().starts_with("ey"));
}

#[tokio::test]
async fn when_the_server_is_switched_off_its_tokens_are_refused_for_good() {
    let world = World::new().await;
    let env = &world.env;
    let client = Client::new(&world, "jack").await;
    let token = client.token(&world).await;
    let mut gateway = world.gateway().await;
    assert!(gateway.by_value(&token).is_some());
    for enabled in [false, true] {
        let mut write = env.store.write().await.unwrap();
        let builtin = write.provider_named(provider::BUILTIN).await.unwrap();
        let mut builtin = builtin.unwrap();
        builtin.enabled = enabled;
        write.update_provider(&builtin).await.unwrap();
        env.commit(write).await.unwrap();
        upkeep::tend(env).await.unwrap();
        gateway.catch_up(&world.feed).await;
        assert!(gateway.by_value(&token).is_none());
    }
    client.token(&world).await;
}

#[tokio::test]
async fn no_token_is_kept() {
    let world = World::sqlite().await;
    let client = Client::new(&world, "jack").await;
    let token = client.token(&world).await;
    let mut read = world.env.store.read().await.unwrap();
    let kept = read.access_tokens_of(client.credential).await.unwrap();
    let random = token.expose().strip_prefix("ks_bt_").unwrap();
    assert!(!format!("{kept:?}").contains(random));
    drop(read);
    world.clock.advance(HOUR);
    assert!(client.introspect(&world, &token).await.is_none());
}

async fn change(world: &World, client: &Client, patch: CredentialPatch) {
    let done = credential::update(&world.env, world.caller(), client.credential, None, patch);
    done.await.unwrap();
}
