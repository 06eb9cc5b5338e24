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

/// Somebody who grants nothing, with an application of their own.
async fn developer(world: &World) -> (Caller, ApplicationId) {
    let owner: Owner = "own_01kag3p5k8e4trsn0ps4fwt5ea".parse().unwrap();
    let mut new = World::new_application("theirs");
    new.owner = Some(owner.to_string());
    let application = world.try_application(new).await.unwrap().id;
    let developer = Caller {
        role: Role::Developer { owner },
        ..world.caller()
    };
    (developer, application)
}

/// Links a client of [`Desk`]'s provider with this for a proof.
async fn link_with(
    desk: &Desk,
    caller: Caller,
    (application, client_id): (ApplicationId, &str),
    secret: Option<&str>,
) -> Result<Issued, Error> {
    let client = NewClient {
        provider: Some("elsewhere".to_owned()),
        wanted: Wanted::External {
            client_id: client_id.to_owned(),
            client_secret: secret.map(|text| crate::secrets::SecretText::new(text.to_owned())),
        },
    };
    let what = (planned(application, client_id), client);
    let created = create(&desk.world.env, caller, what, None).await?;
    Ok(created.value)
}

#[track_caller]
fn is_not_allowed(result: Result<Issued, Error>) {
    match result {
        Err(Error::NotAllowed(invalid)) => assert_eq!(invalid.field, "client_secret"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whoever_does_not_grant_links_what_they_prove_to_be_theirs() {
    let desk = Desk::new().await;
    let (caller, application) = developer(&desk.world).await;
    desk.provider.adopt("client-7", "secret-7");
    let theirs = (application, "client-7");
    is_not_allowed(link_with(&desk, caller, theirs, None).await);
    is_not_allowed(link_with(&desk, caller, theirs, Some("guessed")).await);
    is_not_allowed(link_with(&desk, caller, (application, "client-8"), Some("secret-7")).await);
    let issued = link_with(&desk, caller, theirs, Some("secret-7"))
        .await
        .unwrap();
    assert_eq!(client_id(&issued), "client-7");
    assert!(issued.secret.is_none(), "it is kept nowhere");
    assert!(!format!("{issued:?}").contains("secret-7"));
    assert_eq!(desk.provider.calls(), ["proves", "proves", "proves"]);
    // Whoever grants needs none, and another's application is no place to try secrets at.
    let admin = link_with(&desk, desk.world.caller(), theirs, Some("secret-7")).await;
    assert!(matches!(admin, Err(Error::Invalid(_))), "{admin:?}");
    let elsewhere = (desk.application, "client-7");
    let hidden = link_with(&desk, caller, elsewhere, Some("secret-7")).await;
    assert!(matches!(hidden, Err(Error::NotFound(_))), "{hidden:?}");
    assert_eq!(desk.provider.calls(), [""; 0]);
}

#[tokio::test]
async fn nobody_guesses_secrets_by_way_of_the_registry() {
    let desk = Desk::new().await;
    let (caller, application) = developer(&desk.world).await;
    desk.provider.adopt("client-7", "secret-7");
    let theirs = (application, "client-7");
    let mut refused = 0;
    let wait = loop {
        match link_with(&desk, caller, theirs, Some("guessed")).await {
            Err(Error::TooManyAttempts(wait)) => break wait,
            other => is_not_allowed(other),
        }
        refused += 1;
    };
    assert_eq!(refused, 5);
    assert_eq!(desk.provider.calls().len(), 5);
    desk.world.clock.advance(wait);
    link_with(&desk, caller, theirs, Some("secret-7"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_provider_that_is_away_refuses_nobody() {
    let desk = Desk::new().await;
    let (caller, application) = developer(&desk.world).await;
    desk.provider.adopt("client-7", "secret-7");
    desk.provider.next(&[Fate::Unsent]);
    let theirs = (application, "client-7");
    let away = link_with(&desk, caller, theirs, Some("secret-7")).await;
    assert!(matches!(away, Err(Error::Provider(_))), "{away:?}");
    link_with(&desk, caller, theirs, Some("secret-7"))
        .await
        .unwrap();
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
