//! Claims about clients that the registry registers, where everything goes well.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_client_is_registered_before_there_is_an_answer_and_its_secret_is_shown_once() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    let (name, there) = desk.provider.clients().into_iter().next().unwrap();
    assert_eq!(client_id(&issued), name);
    assert_eq!(issued.secret.as_ref().unwrap().expose(), there.secret);
    assert_eq!(there.metadata.client_name.as_deref(), Some("jack"));
    assert_eq!(
        there.metadata.scope.as_deref(),
        Some("read"),
        "those of the credential"
    );
    let shown = credential::get(&desk.world.env, desk.world.caller(), id(&issued))
        .await
        .unwrap();
    assert_eq!(shown.clients, issued.detail.clients);
    assert!(!format!("{shown:?}").contains(&there.secret));
    let mut gateway = desk.world.gateway().await;
    assert_eq!(
        accepted_since(&desk.world, &mut gateway, &name).await,
        Some(0)
    );
    desk.agrees().await;
}

#[tokio::test]
async fn a_credential_without_scopes_gets_those_of_its_client_which_its_application_must_have() {
    let desk = Desk::new().await;
    let with = |scope: &str, scopes: &[&str]| {
        let (mut new, client) = desk.wanted(scope);
        new.scopes = scopes.iter().map(|one| (*one).to_owned()).collect();
        new.name = format!("of-{}", scope.len());
        let Wanted::Managed(mut metadata, format) = client.wanted else {
            unreachable!("that is what is wanted")
        };
        metadata.scope = Some(scope.to_owned());
        let wanted = Wanted::Managed(metadata, format);
        (
            new,
            NewClient {
                provider: client.provider,
                wanted,
            },
        )
    };
    let make = async |what| create(&desk.world.env, desk.world.caller(), what, None).await;
    let made = make(with("read write", &[])).await.unwrap();
    let scopes: Vec<&str> = made.value.detail.credential.scopes.iter().collect();
    assert_eq!(scopes, ["read", "write"]);
    let beyond = make(with("admin", &[])).await;
    assert!(matches!(
        beyond,
        Err(Error::Invalid(InvalidField {
            field: "scopes",
            ..
        }))
    ));
    let wider = make(with("write", &["read"])).await;
    assert!(matches!(
        wider,
        Err(Error::Invalid(InvalidField {
            field: "client.scope",
            ..
        }))
    ));
    assert_eq!(
        desk.provider.calls(),
        ["register"],
        "what is refused never leaves"
    );
}

#[tokio::test]
async fn metadata_are_replaced_at_the_provider_and_keep_the_registrys_mark() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    let marked = desk.provider.clients()[client_id(&issued)].metadata.clone();
    for name in ["jim", "joe"] {
        let updated = desk.rename(id(&issued), name).await.unwrap();
        assert!(updated.clients[0].metadata.contains(name));
        let there = &desk.provider.clients()[client_id(&issued)].metadata;
        assert_eq!(there.client_name.as_deref(), Some(name));
        assert_eq!(there.software_version, marked.software_version);
    }
    desk.agrees().await;
}

#[tokio::test]
async fn without_grace_a_client_gets_another_secret_and_keeps_its_name() {
    let desk = Desk::new().await;
    desk.provider.renew_secrets();
    let issued = desk.create("jack").await.unwrap();
    let rotated = desk.rotate(id(&issued), Duration::ZERO).await.unwrap();
    assert_eq!(client_id(&rotated), client_id(&issued));
    assert_ne!(rotated.secret, issued.secret);
    assert_eq!(rotated.detail.credential.secret_version, 2);
    let mut gateway = desk.world.gateway().await;
    assert!(
        accepted_since(&desk.world, &mut gateway, client_id(&issued))
            .await
            .is_some()
    );
    // And again, with what manages it by now.
    desk.rotate(id(&issued), Duration::ZERO).await.unwrap();
    desk.rename(id(&issued), "jim").await.unwrap();
    desk.later().await;
    desk.agrees().await;
}

#[tokio::test]
async fn where_no_client_gets_another_secret_another_client_takes_its_place() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    let rotated = desk.rotate(id(&issued), Duration::ZERO).await.unwrap();
    assert_ne!(client_id(&rotated), client_id(&issued));
    let mut gateway = desk.world.gateway().await;
    assert_eq!(
        accepted_since(&desk.world, &mut gateway, client_id(&issued)).await,
        None
    );
    assert!(
        accepted_since(&desk.world, &mut gateway, client_id(&rotated))
            .await
            .is_some()
    );
    worker::work(&desk.world.env).await.unwrap();
    desk.agrees().await;
}

#[tokio::test]
async fn in_a_grace_period_both_clients_are_accepted_and_then_the_one_before_is_removed() {
    let desk = Desk::new().await;
    desk.provider.renew_secrets();
    let issued = desk.create("jack").await.unwrap();
    let rotated = desk.rotate(id(&issued), HOUR).await.unwrap();
    let (old, new) = (client_id(&issued), client_id(&rotated));
    let mut gateway = desk.world.gateway().await;
    for client in [old, new] {
        assert!(
            accepted_since(&desk.world, &mut gateway, client)
                .await
                .is_some()
        );
    }
    worker::work(&desk.world.env).await.unwrap();
    assert_eq!(desk.provider.clients().len(), 2, "both can get tokens");
    desk.agrees().await;
    desk.world.clock.advance(HOUR);
    desk.world.sweep().await;
    assert_eq!(accepted_since(&desk.world, &mut gateway, old).await, None);
    worker::work(&desk.world.env).await.unwrap();
    assert_eq!(
        desk.provider.clients().into_keys().collect::<Vec<_>>(),
        [new]
    );
    desk.agrees().await;
}

#[tokio::test]
async fn a_grace_period_that_is_finished_early_removes_the_client_before() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    desk.rotate(id(&issued), HOUR).await.unwrap();
    let (env, caller) = (&desk.world.env, desk.world.caller());
    let cancelled = credential::cancel_rotation(env, caller, id(&issued), None).await;
    assert!(matches!(
        cancelled,
        Err(Error::Conflict(Conflict::ClientRotated))
    ));
    credential::finish_rotation(env, caller, id(&issued), None)
        .await
        .unwrap();
    worker::work(env).await.unwrap();
    assert_eq!(desk.provider.clients().len(), 1);
    desk.agrees().await;
}

#[tokio::test]
async fn a_deleted_client_is_refused_first_and_removed_at_its_provider_then() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    let mut gateway = desk.world.gateway().await;
    desk.world.delete_credential(id(&issued)).await;
    assert_eq!(
        accepted_since(&desk.world, &mut gateway, client_id(&issued)).await,
        None
    );
    assert_eq!(
        desk.provider.clients().len(),
        1,
        "the provider has not been called yet"
    );
    assert_eq!(worker::work(&desk.world.env).await.unwrap(), 1);
    assert_eq!(desk.provider.clients().len(), 0);
    desk.agrees().await;
}

#[tokio::test]
async fn the_clients_of_a_deleted_application_are_removed() {
    let desk = Desk::new().await;
    let first = desk.create("jack").await.unwrap();
    desk.create("jill").await.unwrap();
    desk.rotate(id(&first), HOUR).await.unwrap();
    let (env, caller) = (&desk.world.env, desk.world.caller());
    let deleted = crate::application::delete(env, caller, desk.application, None);
    deleted.await.unwrap();
    assert_eq!(worker::work(env).await.unwrap(), 3);
    assert_eq!(desk.provider.clients().len(), 0);
    desk.agrees().await;
}

#[tokio::test]
async fn a_client_that_somebody_else_looks_after_is_not_touched() {
    let desk = Desk::new().await;
    let issued = link(&desk.world, desk.application, "jack").await.unwrap();
    let rotated = desk.rotate(id(&issued), Duration::ZERO).await;
    assert!(matches!(
        rotated,
        Err(Error::Conflict(Conflict::ClientExternal))
    ));
    let updated = desk.rename(id(&issued), "jim").await;
    assert!(matches!(
        updated,
        Err(Error::Conflict(Conflict::ClientExternal))
    ));
    desk.world.delete_credential(id(&issued)).await;
    desk.later().await;
    assert_eq!(desk.provider.calls(), [""; 0]);
}
