//! Claims about providers that others wrote.

use peers::{DjangoToolkit, OidcProvider, Options};

use super::*;

/// A client's whole life there; what manages it is another after each change.
async fn lives(world: &World, issuer: &str, secrets: &Secrets) {
    let oidc = oidc(world, issuer, Registration::default(), secrets);
    let registered = oidc.register(&metadata(), marker()).await.unwrap();
    assert!(registered.client_secret.is_some());
    let known = |client: &Registered| Known {
        client_id: client.client_id.clone(),
        registration_client_uri: client.registration_client_uri.clone(),
        registration_access_token: client.registration_access_token.clone(),
    };
    let before = known(&registered);
    let read = oidc.read(&before).await.unwrap();
    assert_eq!(read.client_id, registered.client_id);
    let renamed = ClientMetadata {
        client_name: Some("renamed".to_owned()),
        ..registered.metadata.clone()
    };
    let updated = oidc.update(&known(&read), &renamed).await.unwrap();
    assert_eq!(updated.metadata.client_name.as_deref(), Some("renamed"));
    let after = known(&updated);
    assert_ne!(
        after.registration_access_token,
        before.registration_access_token
    );
    // The one before is void.
    let void = oidc.read(&before).await.unwrap_err();
    assert_eq!(void.kind, ProviderErrorKind::Unmanaged, "{void}");
    oidc.delete(&after).await.unwrap();
    let gone = oidc.delete(&after).await.unwrap_err();
    assert_eq!(gone.kind, ProviderErrorKind::Unmanaged, "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_lives_at_oidc_provider() {
    let world = World::sqlite().await;
    let start = || OidcProvider::start(Options::default());
    let provider = tokio::task::spawn_blocking(start).await.unwrap();
    let mut secrets = Secrets::default();
    secrets.initial_access_token = Some(provider.options().initial_access_token.clone());
    lives(&world, provider.issuer(), &secrets).await;
    // Without the token nothing is registered, and the provider's own word for it is told.
    let oidc = oidc(
        &world,
        provider.issuer(),
        Registration::default(),
        &Secrets::default(),
    );
    let refused = oidc.register(&metadata(), marker()).await.unwrap_err();
    assert_eq!(refused.kind, ProviderErrorKind::Forbidden);
    assert_eq!(refused.code.as_deref(), Some("invalid_token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_lives_at_django_oauth_toolkit() {
    let world = World::sqlite().await;
    let start = || DjangoToolkit::start(Options::default());
    let provider = tokio::task::spawn_blocking(start).await.unwrap();
    let mut secrets = Secrets::default();
    secrets.initial_access_token = Some(Options::default().initial_access_token);
    lives(&world, provider.issuer(), &secrets).await;
}
