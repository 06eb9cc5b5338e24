//! Claims about what a credential may be, and what is shown of it.

use super::*;

#[tokio::test]
async fn each_type_is_found_by_what_its_caller_presents() {
    let world = World::new().await;
    let key = world.credential("a", NewSecret::GeneratedApiKey).await;
    let mine = world.credential("b", own("an-own-key-of-20-char")).await;
    let bearer = world.credential("c", NewSecret::BearerToken).await;
    let ann = world.credential("d", generated_password("ann")).await;
    let bob = world
        .credential("e", chosen("bob", "correct horse battery"))
        .await;
    let gateway = world.gateway().await;

    let kind = |found: Option<&filter_core::feed::Credential>| found.map(|one| one.kind);
    let shown = |issued: &Issued| issued.secret.clone().unwrap();
    assert_eq!(
        kind(gateway.by_value(&shown(&key))),
        Some(CredentialKind::ApiKey)
    );
    assert_eq!(
        kind(gateway.by_value(&shown(&mine))),
        Some(CredentialKind::ApiKey)
    );
    assert_eq!(
        kind(gateway.by_value(&shown(&bearer))),
        Some(CredentialKind::BearerToken)
    );
    assert_eq!(
        kind(gateway.by_password("ann", &shown(&ann))),
        Some(CredentialKind::BasicGenerated)
    );
    assert_eq!(
        kind(gateway.by_username("bob")),
        Some(CredentialKind::BasicChosen)
    );
    assert!(bob.secret.is_none(), "a chosen password is not shown");
    assert!(gateway.by_username("ann").is_none());
    assert!(gateway.by_password("bob", &shown(&ann)).is_none());
}

#[tokio::test]
async fn afterwards_only_the_beginning_and_the_end_of_a_secret_are_shown() {
    let world = World::new().await;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let text = issued.secret.unwrap();
    let read = get(&world.env, world.caller(), issued.detail.credential.id)
        .await
        .unwrap();
    assert_eq!(read, issued.detail);
    let display = &read.secrets[0].display;
    assert_eq!(display.prefix, "ks_ak_");
    assert!(text.expose().ends_with(&display.last_four) && display.last_four.len() == 4);
    let bob = world
        .credential("b", chosen("bob", "correct horse battery"))
        .await;
    assert_eq!(bob.detail.secrets[0].display, Display::default());
}

#[tokio::test]
async fn names_and_identifiers_are_unique_within_their_application_only() {
    let world = World::new().await;
    let one = world.application("a").await;
    let two = world.application("b").await;
    let new = |application, name: &str, identifier: &str| NewCredential {
        identifier: Some(identifier.to_owned()),
        ..World::new_credential(application, name, NewSecret::GeneratedApiKey)
    };
    let first = world.issue(new(one, "ci", "ci-1")).await.unwrap();
    assert_conflict(
        world.issue(new(one, "ci", "ci-2")).await,
        &Conflict::CredentialName,
    );
    assert_conflict(
        world.issue(new(one, "cd", "ci-1")).await,
        &Conflict::Identifier,
    );
    world.issue(new(two, "ci", "ci-1")).await.unwrap();
    let foreign_id = first.detail.credential.id.to_string();
    assert_invalid(world.issue(new(two, "x", &foreign_id)).await, "identifier");
    assert_eq!(
        world
            .gateway()
            .await
            .by_value(&first.secret.unwrap())
            .unwrap()
            .identifier
            .as_deref(),
        Some("ci-1")
    );
}

#[tokio::test]
async fn scopes_are_some_of_the_applications_and_cannot_be_taken_from_under_a_credential() {
    let world = World::new().await;
    let application = world.application("a").await;
    let with = |name: &str, scope: &str| NewCredential {
        scopes: vec![scope.to_owned()],
        ..World::new_credential(application, name, NewSecret::GeneratedApiKey)
    };
    assert_invalid(world.issue(with("x", "admin")).await, "scopes");
    let writer = world.issue(with("writer", "write")).await.unwrap();
    let shrink = |scope: &str| crate::application::ApplicationPatch {
        scopes: Some(vec![scope.to_owned()]),
        ..crate::application::ApplicationPatch::default()
    };
    let update =
        |patch| crate::application::update(&world.env, world.caller(), application, None, patch);
    let conflict = Conflict::ScopesInUse {
        credentials: vec![writer.detail.credential.id.to_string()],
    };
    assert_conflict(update(shrink("read")).await, &conflict);
    update(shrink("write")).await.unwrap();
}

#[tokio::test]
async fn a_period_must_end_in_the_future_and_after_it_begins() {
    let world = World::new().await;
    let application = world.application("a").await;
    let now = world.env.now();
    let within = |not_before, expires_at| NewCredential {
        not_before,
        expires_at,
        ..World::new_credential(application, "x", NewSecret::BearerToken)
    };
    assert_invalid(world.issue(within(None, Some(now))).await, "expires_at");
    let later = now.after(HOUR);
    assert_invalid(
        world.issue(within(Some(later), Some(later))).await,
        "expires_at",
    );
    let issued = world
        .issue(within(Some(now.after(HOUR / 2)), Some(later)))
        .await
        .unwrap();
    world.clock.advance(HOUR);
    let rename = CredentialPatch {
        name: Some("y".to_owned()),
        ..CredentialPatch::default()
    };
    let id = issued.detail.credential.id;
    let renamed = update(&world.env, world.caller(), id, None, rename)
        .await
        .unwrap();
    assert_eq!(
        renamed.value.credential.name, "y",
        "what is over may still be renamed"
    );
}

#[tokio::test]
async fn a_change_of_another_version_is_refused() {
    let world = World::new().await;
    let id = world
        .credential("a", NewSecret::GeneratedApiKey)
        .await
        .detail
        .credential
        .id;
    let patch = CredentialPatch::default();
    let updated = update(&world.env, world.caller(), id, Some(1), patch.clone())
        .await
        .unwrap();
    assert_eq!(updated.value.credential.version, 2);
    let stale = update(&world.env, world.caller(), id, Some(1), patch).await;
    assert!(matches!(
        stale,
        Err(Error::VersionMismatch(Kind::Credential))
    ));
    let rotation = Rotation {
        part: crate::secret::Part::Value,
        end_after_silence: None,
        expires_at: Edit::Keep,
        grace: NOW,
        secret: GENERATED,
    };
    let stale = rotate(&world.env, world.caller(), id, Some(1), rotation, None).await;
    assert!(matches!(
        stale,
        Err(Error::VersionMismatch(Kind::Credential))
    ));
    let stale = delete(&world.env, world.caller(), id, Some(1), Deployed::Keep).await;
    assert!(matches!(
        stale,
        Err(Error::VersionMismatch(Kind::Credential))
    ));
}

#[tokio::test]
async fn another_organizations_credential_does_not_exist() {
    let world = World::new().await;
    let id = world
        .credential("a", NewSecret::GeneratedApiKey)
        .await
        .detail
        .credential
        .id;
    let stranger = OrganizationId::generate(world.env.now(), world.env.entropy.as_ref()).unwrap();
    let stranger = crate::caller::Caller::registry(stranger);
    let read = get(&world.env, stranger, id).await;
    assert!(matches!(read, Err(Error::NotFound(Kind::Credential))));
    let deleted = delete(&world.env, stranger, id, None, Deployed::Keep).await;
    assert!(matches!(deleted, Err(Error::NotFound(Kind::Credential))));
}
