//! Claims about what can be undone: what is disabled, and what retires.

use super::*;

pub(super) async fn enable(world: &World, id: CredentialId, enabled: bool) {
    let patch = CredentialPatch {
        enabled: Some(enabled),
        ..CredentialPatch::default()
    };
    credential::update(&world.env, world.caller(), id, None, patch)
        .await
        .unwrap();
}

pub(super) async fn enable_application(world: &World, id: ApplicationId, enabled: bool) {
    let patch = ApplicationPatch {
        enabled: Some(enabled),
        ..ApplicationPatch::default()
    };
    application::update(&world.env, world.caller(), id, None, patch)
        .await
        .unwrap();
}

/// Whether the credential and its application are enabled.
async fn enabled(world: &World, issued: &credential::Issued) -> (bool, bool) {
    let mut read = world.store.read().await.unwrap();
    let known = &issued.detail.credential;
    let credential = read.credential(known.id).await.unwrap().unwrap();
    let application = read.application(known.application).await.unwrap().unwrap();
    (credential.enabled, application.enabled)
}

#[tokio::test]
async fn what_was_disabled_is_disabled_again_and_what_was_enabled_after_that_is_not() {
    let world = World::new().await;
    keep(&world).await;
    let mut all = Vec::new();
    for name in ["off", "on", "application"] {
        all.push(world.credential(name, NewSecret::GeneratedApiKey).await);
    }
    let ids: Vec<_> = all.iter().map(|one| one.detail.credential.id).collect();
    let application = all[2].detail.credential.application;
    let mut gateway = world.gateway().await;
    let (world, older) = copy(world, 3).await;
    keep(&world).await;
    for id in &ids[..2] {
        enable(&world, *id, false).await;
    }
    enable(&world, ids[1], true).await;
    enable_application(&world, application, false).await;
    assert_eq!(said(&world).len(), 4);

    let world = roll_back(world, &older).await;
    keep(&world).await;
    let expected = [(false, true), (true, true), (true, false)];
    for (issued, expected) in all.iter().zip(expected) {
        assert_eq!(enabled(&world, issued).await, expected);
    }
    gateway.catch_up(&world.feed).await;
    assert_eq!(gateway.known(), world.gateway().await.known());

    // A database that knows what came later is left as it is.
    enable(&world, ids[0], true).await;
    let world = World::open(world.close().await, 4).await;
    keep(&world).await;
    assert_eq!(enabled(&world, &all[0]).await, (true, true));
}

#[tokio::test]
async fn a_secret_that_retired_since_retires_again_and_one_that_came_back_does_not() {
    let world = World::new().await;
    keep(&world).await;
    let retired = world
        .credential("retired", NewSecret::GeneratedApiKey)
        .await;
    let back = world.credential("back", NewSecret::GeneratedApiKey).await;
    let (world, older) = copy(world, 3).await;
    keep(&world).await;
    for issued in [&retired, &back] {
        let next = credential::RotatedSecret::Generated { username: None };
        let id = issued.detail.credential.id;
        world.rotate(id, HOUR, next).await.unwrap();
    }
    let id = back.detail.credential.id;
    credential::cancel_rotation(&world.env, world.caller(), id, None)
        .await
        .unwrap();
    assert_eq!(
        said(&world).len(),
        4,
        "two began to retire, one came back, and what took its place is revoked"
    );

    let world = roll_back(world, &older).await;
    keep(&world).await;
    let mut ends = Vec::new();
    for issued in [&retired, &back] {
        let mut read = world.store.read().await.unwrap();
        let id = issued.detail.credential.id;
        let secrets = read.unrevoked_secrets(id).await.unwrap();
        ends.push(secrets.iter().map(|one| one.state).collect::<Vec<_>>());
    }
    let until = world.env.now().after(HOUR);
    let expected = [SecretState::Retiring { until }, SecretState::Current];
    assert_eq!(ends, expected.map(|state| vec![state]));
    let gateway = world.gateway().await;
    let known = gateway.by_value(&retired.secret.clone().unwrap());
    assert_eq!(known.unwrap().expires_at, until.as_millis());
}

#[tokio::test]
async fn of_what_two_registries_switched_the_last_counts_whichever_journal_is_read_first() {
    let world = World::new().await;
    let one = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = one.detail.credential.id;
    let (mut world, older) = copy(world, 3).await;
    for (name, is_enabled) in [("first", false), ("second", true), ("third", false)] {
        let file = world.home.path().join(name);
        world
            .store
            .keep_journal(open(&world.env, &file).await.unwrap());
        enable(&world, id, is_enabled).await;
        world = World::open(world.close().await, 4).await;
    }
    for order in [["first", "second", "third"], ["third", "second", "first"]] {
        world = roll_back(world, &older).await;
        for name in order {
            let file = world.home.path().join(name);
            let mut reader = Reader::open(&file, &world.env.keys).unwrap().unwrap();
            revoke_again(&world.env, &mut reader).await.unwrap();
        }
        assert_eq!(enabled(&world, &one).await, (false, true));
    }
}

/// Lets the credential's tokens count from this moment on.
async fn cut_off(world: &World, id: CredentialId, from: Timestamp) {
    let mut write = world.store.write().await.unwrap();
    let mut credential = write.credential(id).await.unwrap().unwrap();
    credential.tokens_valid_from = Some(from);
    write.update_credential(&credential).await.unwrap();
    world.env.commit(write).await.unwrap();
}

async fn counts_from(world: &World, id: CredentialId) -> Option<Timestamp> {
    let mut read = world.store.read().await.unwrap();
    let credential = read.credential(id).await.unwrap().unwrap();
    credential.tokens_valid_from
}

#[tokio::test]
async fn tokens_that_were_cut_off_do_not_come_back_with_an_older_database() {
    let world = World::new().await;
    keep(&world).await;
    let issued = world.credential("client", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.id;
    let (world, older) = copy(world, 3).await;
    keep(&world).await;
    let first = world.env.now();
    let last = first.after(std::time::Duration::from_secs(5));
    cut_off(&world, id, first).await;
    cut_off(&world, id, last).await;
    // What changes nothing about it is no line.
    enable(&world, id, true).await;
    assert_eq!(said(&world).len(), 2);

    let world = roll_back(world, &older).await;
    assert_eq!(counts_from(&world, id).await, None);
    keep(&world).await;
    assert_eq!(counts_from(&world, id).await, Some(last));

    // A journal that lost its lines gets them from the database.
    fs::remove_file(path(&world)).unwrap();
    let world = World::open(world.close().await, 4).await;
    keep(&world).await;
    let known = Revoked::CutOff(CutOff {
        credential: id,
        from: last,
    });
    assert!(said(&world).iter().any(|one| one.what == known));
}
