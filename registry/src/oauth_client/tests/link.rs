//! Claims about clients that somebody else has registered.

use super::*;
use crate::{application, owner::Owner};

#[tokio::test]
async fn a_linked_client_is_accepted_at_gateways_and_its_name_is_no_secret() {
    let world = World::new().await;
    let provider = provider(&world, "elsewhere").await;
    let application = world.application("shop").await;
    let issued = link(&world, application, "jack").await.unwrap();
    assert!(issued.secret.is_none());
    let client = &issued.detail.clients[0];
    assert_eq!(
        (client.client_id.as_str(), client.issuer.as_str()),
        ("jack", ISSUER)
    );
    assert_eq!(
        (client.provider, client.registration),
        (provider.id, Registration::External)
    );
    assert_eq!(client.secret, issued.detail.secrets[0].id);
    let mut gateway = world.gateway().await;
    assert_eq!(
        accepted_since(&world, &mut gateway, "jack").await,
        Some(0),
        "nobody had it before, so that all of its tokens are its own"
    );
    assert_eq!(accepted_since(&world, &mut gateway, "jill").await, None);
}

#[tokio::test]
async fn a_client_is_one_credentials_at_a_time_and_anothers_with_none_of_its_old_tokens() {
    let world = World::new().await;
    provider(&world, "elsewhere").await;
    let shop = world.application("shop").await;
    let other = world.application("other").await;
    let first = link(&world, shop, "jack").await.unwrap();
    let taken = link(&world, other, "jack").await;
    assert!(matches!(taken, Err(Error::Conflict(Conflict::Client))));
    world.delete_credential(first.detail.credential.id).await;
    world.clock.advance(HOUR);
    let now = world.env.now().as_millis();
    let again = link(&world, other, "jack").await.unwrap();
    assert_ne!(again.detail.credential.id, first.detail.credential.id);
    let mut gateway = world.gateway().await;
    let since = accepted_since(&world, &mut gateway, "jack").await.unwrap();
    assert!(now < since, "whoever had it keeps nothing");
}

#[tokio::test]
async fn a_client_goes_with_its_application() {
    let world = World::new().await;
    provider(&world, "elsewhere").await;
    let shop = world.application("shop").await;
    link(&world, shop, "jack").await.unwrap();
    let mut gateway = world.gateway().await;
    assert!(accepted_since(&world, &mut gateway, "jack").await.is_some());
    let deleted = application::delete(&world.env, world.caller(), shop, None);
    deleted.await.unwrap();
    assert_eq!(accepted_since(&world, &mut gateway, "jack").await, None);
    let other = world.application("other").await;
    link(&world, other, "jack").await.unwrap();
}

#[tokio::test]
async fn whoever_does_not_grant_links_nothing_without_proof() {
    let world = World::new().await;
    provider(&world, "elsewhere").await;
    let owner: Owner = "own_01kag3p5k8e4trsn0ps4fwt5ea".parse().unwrap();
    let mut new = World::new_application("theirs");
    new.owner = Some(owner.to_string());
    let application = world.try_application(new).await.unwrap().id;
    let developer = Caller {
        role: Role::Developer { owner },
        ..world.caller()
    };
    let refused = link_as(&world, developer, planned(application, "jack"), "jack").await;
    assert!(matches!(
        refused,
        Err(Error::NotAllowed(InvalidField {
            field: "registration",
            ..
        }))
    ));
}

#[tokio::test]
async fn a_provider_must_be_there_and_enabled() {
    let world = World::new().await;
    let application = world.application("shop").await;
    let nowhere = link(&world, application, "jack").await;
    assert!(matches!(
        nowhere,
        Err(Error::Invalid(InvalidField {
            field: "provider",
            ..
        }))
    ));
    let mut there = provider(&world, "elsewhere").await;
    there.enabled = false;
    let mut write = world.env.store.write().await.unwrap();
    write.update_provider(&there).await.unwrap();
    world.env.commit(write).await.unwrap();
    let disabled = link(&world, application, "jack").await;
    assert!(matches!(
        disabled,
        Err(Error::Conflict(Conflict::ProviderDisabled))
    ));
}

#[tokio::test]
async fn no_client_outlives_the_longest_lifetime_of_its_type() {
    let mut world = World::new().await;
    world.env.lifetimes.oauth_client = Some(HOUR);
    provider(&world, "elsewhere").await;
    let application = world.application("shop").await;
    let issued = link(&world, application, "jack").await.unwrap();
    let end = world.env.now().after(HOUR);
    assert_eq!(issued.detail.credential.expires_at, Some(end));
    let mut longer = planned(application, "jill");
    longer.expires_at = Some(end.after(HOUR));
    let refused = link_as(&world, world.caller(), longer, "jill").await;
    assert!(matches!(
        refused,
        Err(Error::Invalid(InvalidField {
            field: "expires_at",
            ..
        }))
    ));
    let mut gateway = world.gateway().await;
    assert!(accepted_since(&world, &mut gateway, "jack").await.is_some());
    world.clock.advance(HOUR);
    world.sweep().await;
    assert_eq!(accepted_since(&world, &mut gateway, "jack").await, None);
}
