//! Claims about cutting off the tokens that a client has.

use super::*;
use crate::{application, application::ApplicationPatch};

#[tokio::test]
async fn tokens_of_the_second_that_is_running_are_cut_off_with_all_before() {
    let world = World::new().await;
    provider(&world, "elsewhere").await;
    let application = world.application("shop").await;
    let issued = link(&world, application, "jack").await.unwrap();
    let mut gateway = world.gateway().await;
    let linked = accepted_since(&world, &mut gateway, "jack").await.unwrap();
    world
        .clock
        .advance(HOUR + std::time::Duration::from_millis(400));
    let now = world.env.now().as_millis();
    let id = issued.detail.credential.id;
    let cut = revoke_tokens(&world.env, world.caller(), id, Some(1))
        .await
        .unwrap();
    assert!(cut.revision.is_some(), "gateways are told");
    let since = accepted_since(&world, &mut gateway, "jack").await.unwrap();
    assert!(linked < now && now < since && since <= now + 1000);
    assert_eq!(since % 1000, 0, "tokens know whole seconds only");
    assert_eq!(cut.value.credential.version, 2);
}

#[tokio::test]
async fn a_cut_off_never_lets_older_tokens_in_again() {
    let world = World::new().await;
    provider(&world, "elsewhere").await;
    let application = world.application("shop").await;
    let issued = link(&world, application, "jack").await.unwrap();
    let mut later = issued.detail.credential.clone();
    later.tokens_valid_from = Some(world.env.now().after(HOUR));
    let before = later.tokens_valid_from;
    crate::oauth_client::cut_off::cut_off(&mut later, world.env.now());
    assert_eq!(later.tokens_valid_from, before);
}

#[tokio::test]
async fn only_an_oauth_client_has_tokens_to_cut_off() {
    let world = World::new().await;
    let issued = world.credential("key", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.id;
    let refused = revoke_tokens(&world.env, world.caller(), id, None).await;
    assert!(matches!(refused, Err(Error::Conflict(Conflict::NoTokens))));
    let stale = revoke_tokens(&world.env, world.caller(), id, Some(7)).await;
    assert!(matches!(stale, Err(Error::VersionMismatch(_))));
}

#[tokio::test]
async fn a_client_is_refused_while_it_or_its_application_is_disabled_and_for_ever_once_it_is_deleted()
 {
    let world = World::new().await;
    provider(&world, "elsewhere").await;
    let application = world.application("shop").await;
    let issued = link(&world, application, "jack").await.unwrap();
    let id = issued.detail.credential.id;
    let mut gateway = world.gateway().await;
    assert!(accepted_since(&world, &mut gateway, "jack").await.is_some());
    for enabled in [false, true] {
        enable(&world, id, enabled).await;
        assert_eq!(
            accepted_since(&world, &mut gateway, "jack").await.is_some(),
            enabled
        );
    }
    for enabled in [false, true] {
        let patch = ApplicationPatch {
            enabled: Some(enabled),
            ..ApplicationPatch::default()
        };
        let changed = application::update(&world.env, world.caller(), application, None, patch);
        changed.await.unwrap();
        assert_eq!(
            accepted_since(&world, &mut gateway, "jack").await.is_some(),
            enabled
        );
    }
    world.delete_credential(id).await;
    assert_eq!(accepted_since(&world, &mut gateway, "jack").await, None);
}

async fn enable(world: &World, id: CredentialId, enabled: bool) {
    let patch = CredentialPatch {
        enabled: Some(enabled),
        ..CredentialPatch::default()
    };
    let changed = credential::update(&world.env, world.caller(), id, None, patch);
    changed.await.unwrap();
}
