//! Claims about clients of the built-in authorization server.

use std::time::Duration;

use super::*;

const AT_HOME: &str = "https://keys.example";

async fn desk() -> Desk {
    let desk = Desk::new().await;
    let env = &desk.world.env;
    let mut write = env.store.write().await.unwrap();
    let known = write.provider_named("builtin").await.unwrap();
    let mut builtin = write.provider_named("elsewhere").await.unwrap().unwrap();
    builtin.issuer = Some(AT_HOME.to_owned());
    if let Some(known) = known {
        builtin = Provider {
            issuer: builtin.issuer,
            ..known
        };
        write.update_provider(&builtin).await.unwrap();
    } else {
        builtin.id = ProviderId::generate(env.now(), env.entropy.as_ref()).unwrap();
        builtin.name = "builtin".to_owned();
        builtin.kind = ProviderKind::Builtin;
        write.insert_provider(&builtin).await.unwrap();
    }
    env.commit(write).await.unwrap();
    desk
}

async fn make(desk: &Desk, format: TokenFormat) -> Issued {
    let (new, client) = desk.wanted("jack");
    let Wanted::Managed(metadata, _) = client.wanted else {
        unreachable!("that is what is wanted")
    };
    let client = NewClient {
        provider: None,
        wanted: Wanted::Managed(metadata, Some(format)),
    };
    let caller = desk.world.caller();
    create(&desk.world.env, caller, (new, client), None)
        .await
        .unwrap()
        .value
}

/// How many secrets of the client work.
async fn secrets(desk: &Desk, issued: &Issued) -> usize {
    let mut read = desk.world.env.store.read().await.unwrap();
    let now = desk.world.env.now();
    let secrets = read.authorization_secrets(client_id(issued), now).await;
    secrets.unwrap().len()
}

#[tokio::test]
async fn a_client_is_registered_with_its_credential_and_goes_with_it() {
    let desk = desk().await;
    let issued = make(&desk, TokenFormat::Opaque).await;
    assert!(issued.secret.is_some());
    assert_eq!(issued.detail.clients[0].issuer, AT_HOME);
    let mut read = desk.world.env.store.read().await.unwrap();
    let there = read
        .authorization_client(client_id(&issued))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (there.credential, there.format),
        (id(&issued), TokenFormat::Opaque)
    );
    drop(read);
    let mut gateway = desk.world.gateway().await;
    gateway.catch_up(&desk.world.feed).await;
    assert!(gateway.by_client(AT_HOME, client_id(&issued)).is_some());
    desk.world.delete_credential(id(&issued)).await;
    gateway.catch_up(&desk.world.feed).await;
    assert!(gateway.by_client(AT_HOME, client_id(&issued)).is_none());
    let mut read = desk.world.env.store.read().await.unwrap();
    assert_eq!(
        read.authorization_client(client_id(&issued)).await.unwrap(),
        None
    );
    drop(read);
    assert_eq!(desk.provider.calls(), [""; 0], "nobody is called");
}

#[tokio::test]
async fn a_rotated_client_keeps_its_name_and_its_old_secret_until_the_grace_period_ends() {
    let desk = desk().await;
    let issued = make(&desk, TokenFormat::Jwt).await;
    let rotated = desk.rotate(id(&issued), HOUR).await.unwrap();
    assert_eq!(client_id(&rotated), client_id(&issued));
    assert_ne!(rotated.secret, issued.secret);
    assert_eq!(secrets(&desk, &issued).await, 2);
    let mut gateway = desk.world.gateway().await;
    for work in [false, true] {
        if work {
            desk.later().await;
        }
        gateway.catch_up(&desk.world.feed).await;
        assert!(gateway.by_client(AT_HOME, client_id(&issued)).is_some());
    }
    assert_eq!(secrets(&desk, &issued).await, 1);
}

#[tokio::test]
async fn a_grace_period_that_is_finished_ends_the_old_secret() {
    let desk = desk().await;
    let issued = make(&desk, TokenFormat::Jwt).await;
    desk.rotate(id(&issued), HOUR).await.unwrap();
    let (env, caller) = (&desk.world.env, desk.world.caller());
    credential::finish_rotation(env, caller, id(&issued), None)
        .await
        .unwrap();
    assert_eq!(secrets(&desk, &issued).await, 1);
    desk.rotate(id(&issued), Duration::ZERO).await.unwrap();
    assert_eq!(secrets(&desk, &issued).await, 1);
}

#[tokio::test]
async fn metadata_are_replaced_and_the_way_to_prove_itself_stays() {
    let desk = desk().await;
    let issued = make(&desk, TokenFormat::Jwt).await;
    let updated = desk.rename(id(&issued), "jim").await.unwrap();
    let shown = &updated.clients[0].metadata;
    assert!(
        shown.contains("jim") && shown.contains("client_secret_basic"),
        "{shown}"
    );
    let metadata = metadata::ClientMetadata {
        grant_types: vec!["client_credentials".to_owned()],
        token_endpoint_auth_method: Some("private_key_jwt".to_owned()),
        jwks: Some(serde_json::json!({"keys": []})),
        ..metadata::ClientMetadata::default()
    };
    let what = (CredentialPatch::default(), metadata, None);
    let refused = update(
        &desk.world.env,
        desk.world.caller(),
        id(&issued),
        None,
        what,
    )
    .await;
    let field = "client.token_endpoint_auth_method";
    assert!(matches!(refused, Err(Error::Invalid(invalid)) if invalid.field == field));
}
