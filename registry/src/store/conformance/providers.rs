//! Claims about what is kept of identity providers, their clients and what is to be done there.

use super::*;
use crate::{
    clock::Timestamp,
    credential::NewSecret,
    ids::{OperationId, ProviderId},
    oauth_client::{OauthClient, Registration},
    provider::{Operation, OperationKind, Provider, ProviderKind},
    sealing::Place,
};

const AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A provider, a client and something to be done, each with something sealed.
pub(crate) async fn fill(world: &World) -> (Provider, OauthClient, Operation) {
    let env = &world.env;
    let issued = world.credential("client", NewSecret::GeneratedApiKey).await;
    let credential = issued.detail.credential;
    let mut write = env.store.write().await.unwrap();
    let secret = write.unrevoked_secrets(credential.id).await.unwrap()[0].id;
    let sealer = env.sealer(write.as_mut()).await.unwrap();
    let seal = |column: &'static str, row: &str| {
        let place = Place { column, row };
        let sealed = sealer.seal(place, b"hush", env.entropy.as_ref());
        sealed.unwrap()
    };
    let id = ProviderId::generate(AT, env.entropy.as_ref()).unwrap();
    let provider = Provider {
        id,
        name: "elsewhere".to_owned(),
        kind: ProviderKind::Oidc,
        issuer: Some("https://id.example".to_owned()),
        description: String::new(),
        enabled: true,
        configuration: "{}".to_owned(),
        sealed: Some(seal("identity_providers.sealed", &id.to_string())),
        created_at: AT,
        updated_at: AT,
        version: 1,
    };
    write.insert_provider(&provider).await.unwrap();
    let client = OauthClient {
        secret,
        credential: credential.id,
        provider: id,
        issuer: "https://id.example".to_owned(),
        client_id: "jack".to_owned(),
        registration: Registration::Managed,
        metadata: "{}".to_owned(),
        sealed: Some(seal("oauth_clients.sealed", &secret.to_string())),
        created_at: AT,
        updated_at: AT,
        ended_at: None,
    };
    write.insert_oauth_client(&client).await.unwrap();
    let operation = OperationId::generate(AT, env.entropy.as_ref()).unwrap();
    let operation = Operation {
        id: operation,
        provider: id,
        organization: world.organization,
        application: credential.application,
        credential: credential.id,
        kind: OperationKind::Delete,
        phase: "intended".to_owned(),
        sealed: seal("provider_operations.sealed", &operation.to_string()),
        attempts: 0,
        next_attempt_at: Some(AT),
        is_held: false,
        last_error: None,
        created_at: AT,
    };
    write.insert_operation(&operation).await.unwrap();
    env.commit(write).await.unwrap();
    (provider, client, operation)
}

pub(super) async fn what_is_kept_of_a_provider_is_read_back(world: &World, store: Arc<dyn Store>) {
    let (provider, client, operation) = fill(world).await;
    let mut read = store.read().await.unwrap();
    let found = read.provider(provider.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&provider));
    assert_eq!(read.provider_named("elsewhere").await.unwrap(), found);
    let issuing = read.provider_issuing("https://id.example").await.unwrap();
    assert_eq!(issuing, found);
    let all = read.providers(None, 10).await.unwrap();
    assert!(all.contains(&provider));
    let after = read.providers(Some(provider.id), 10).await.unwrap();
    assert!(!after.contains(&provider));

    let found = read.oauth_client(client.secret).await.unwrap();
    assert_eq!(found.as_ref(), Some(&client));
    let known = read.oauth_client_known_as("https://id.example", "jack");
    assert_eq!(known.await.unwrap(), found);
    let other = read.oauth_client_known_as("https://id.example", "jill");
    assert_eq!(other.await.unwrap(), None);
    for (name, was_known) in [("jack", true), ("jill", false)] {
        let asked = read.was_oauth_client_known("https://id.example", name);
        assert_eq!(asked.await.unwrap(), was_known);
    }
    let of = read.oauth_clients_of(client.credential).await.unwrap();
    assert_eq!(of.as_slice(), std::slice::from_ref(&client));
    let at = read.oauth_clients_at(provider.id, None, 10).await.unwrap();
    assert_eq!(at, [client]);

    let found = read.operation(operation.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&operation));
    let about = read.operations_about(operation.credential).await.unwrap();
    assert_eq!(about.as_slice(), std::slice::from_ref(&operation));
    let at = read.operations_at(provider.id, None, 10).await.unwrap();
    assert_eq!(at, [operation]);
}

pub(super) async fn a_client_that_ended_may_be_another_credentials(
    world: &World,
    store: Arc<dyn Store>,
) {
    let (_, client, _) = fill(world).await;
    let other = world.credential("other", NewSecret::GeneratedApiKey).await;
    let other = other.detail.credential.id;
    let mut write = store.write().await.unwrap();
    let secret = write.unrevoked_secrets(other).await.unwrap()[0].id;
    let next = OauthClient {
        secret,
        credential: other,
        ..client.clone()
    };
    let ended = OauthClient {
        ended_at: Some(AT),
        ..client
    };
    write.update_oauth_client(&ended).await.unwrap();
    let was_known = write.was_oauth_client_known("https://id.example", "jack");
    assert!(was_known.await.unwrap());
    write.insert_oauth_client(&next).await.unwrap();
    let known = write.oauth_client_known_as("https://id.example", "jack");
    assert_eq!(known.await.unwrap(), Some(next));
}

pub(super) async fn what_is_to_be_done_is_found_when_it_is_due_and_no_more_when_it_is_done(
    world: &World,
    store: Arc<dyn Store>,
) {
    let (_, _, operation) = fill(world).await;
    let mut write = store.write().await.unwrap();
    let due = write.operations_due(AT, 10).await.unwrap();
    assert_eq!(due.as_slice(), std::slice::from_ref(&operation));
    let later = AT.after(std::time::Duration::from_secs(5));
    let tried = Operation {
        phase: "tried".to_owned(),
        attempts: 1,
        next_attempt_at: Some(later),
        last_error: Some("id.example did not answer".to_owned()),
        ..operation
    };
    write.update_operation(&tried).await.unwrap();
    assert_eq!(write.operations_due(AT, 10).await.unwrap(), []);
    assert_eq!(write.next_operation_at().await.unwrap(), Some(later));
    let due = write.operations_due(later, 10).await.unwrap();
    assert_eq!(due.as_slice(), std::slice::from_ref(&tried));
    let given_up = Operation {
        next_attempt_at: None,
        ..tried
    };
    write.update_operation(&given_up).await.unwrap();
    assert_eq!(write.operations_due(later, 10).await.unwrap(), []);
    assert_eq!(write.next_operation_at().await.unwrap(), None);
    write.delete_operation(given_up.id).await.unwrap();
    assert_eq!(write.operation(given_up.id).await.unwrap(), None);
}

pub(super) async fn what_somebody_was_at_is_due_once_they_are_gone(
    world: &World,
    store: Arc<dyn Store>,
) {
    let (_, _, operation) = fill(world).await;
    let later = AT.after(std::time::Duration::from_secs(5));
    let held = Operation {
        next_attempt_at: Some(later),
        is_held: true,
        ..operation.clone()
    };
    let mut write = store.write().await.unwrap();
    write.update_operation(&held).await.unwrap();
    write.let_go_of_operations(AT).await.unwrap();
    let due = Operation {
        is_held: true,
        ..operation
    };
    assert_eq!(write.operations_due(AT, 10).await.unwrap(), [due]);
    // What waits for its time is nobody's, and goes on to wait.
    let waiting = Operation {
        is_held: false,
        ..held
    };
    write.update_operation(&waiting).await.unwrap();
    write.let_go_of_operations(AT).await.unwrap();
    assert_eq!(write.operations_due(AT, 10).await.unwrap(), []);
}

pub(super) async fn a_provider_goes_with_what_ended_there(world: &World, store: Arc<dyn Store>) {
    let (provider, client, operation) = fill(world).await;
    let mut write = store.write().await.unwrap();
    write.delete_operation(operation.id).await.unwrap();
    let ended = OauthClient {
        ended_at: Some(AT),
        ..client
    };
    write.update_oauth_client(&ended).await.unwrap();
    write.delete_provider(provider.id).await.unwrap();
    assert_eq!(write.provider(provider.id).await.unwrap(), None);
    assert_eq!(write.oauth_client(ended.secret).await.unwrap(), None);
}
