//! Claims about a key and its shared secret.

use super::*;
use crate::secret::Part;

async fn paired(world: &World) -> Issued {
    let application = world.application("a").await;
    let new = NewCredential {
        is_paired: true,
        ..World::new_credential(application, "a", NewSecret::GeneratedApiKey)
    };
    world.issue(new).await.unwrap()
}

async fn rotate_part(world: &World, id: CredentialId, part: Part, grace: Duration) -> Issued {
    try_rotate_part(world, id, part, grace).await.unwrap()
}

async fn try_rotate_part(
    world: &World,
    id: CredentialId,
    part: Part,
    grace: Duration,
) -> Result<Issued, Error> {
    let rotation = Rotation {
        part,
        grace,
        end_after_silence: None,
        expires_at: Edit::Keep,
        secret: GENERATED,
    };
    let rotated = rotate(&world.env, world.caller(), id, None, rotation, None).await?;
    Ok(rotated.value)
}

fn both(issued: &Issued) -> (&SecretText, &SecretText) {
    let (value, shared) = (&issued.secret, &issued.shared_secret);
    (value.as_ref().unwrap(), shared.as_ref().unwrap())
}

fn parts(detail: &CredentialDetail) -> Vec<(Part, u32, bool)> {
    let shown = detail.secrets.iter();
    shown
        .map(|one| (one.part, one.version, one.retiring_until.is_some()))
        .collect()
}

#[tokio::test]
async fn a_gateway_finds_a_pair_by_both_and_nothing_by_one() {
    let world = World::new().await;
    let issued = paired(&world).await;
    let (value, shared) = both(&issued);
    assert!(shared.expose().starts_with("ks_cs_"));
    let gateway = world.gateway().await;
    assert_eq!(gateway.credentials.len(), 1);
    let found = gateway.by_pair(value, shared).unwrap();
    assert_eq!(found.kind, CredentialKind::ApiKeyPair);
    assert_eq!(secrets_of_version(true, found.version), (1, Some(2)));
    assert!(gateway.by_value(value).is_none());
    assert!(gateway.by_value(shared).is_none());
    assert!(gateway.by_pair(shared, value).is_none());
    assert_eq!(
        parts(&issued.detail),
        [(Part::Value, 1, false), (Part::Shared, 2, false)]
    );
}

#[tokio::test]
async fn each_part_is_rotated_alone_with_a_grace_of_its_own() {
    let world = World::new().await;
    let first = paired(&world).await;
    let id = first.detail.credential.id;
    let (value, shared) = both(&first);
    let mut gateway = world.gateway().await;
    let second = rotate_part(&world, id, Part::Shared, 2 * HOUR).await;
    assert!(second.secret.is_none(), "the key stays");
    let new_shared = second.shared_secret.as_ref().unwrap();
    let third = rotate_part(&world, id, Part::Value, HOUR).await;
    assert!(third.shared_secret.is_none(), "the shared secret stays");
    let new_value = third.secret.as_ref().unwrap();
    assert_eq!(
        parts(&third.detail),
        [
            (Part::Value, 4, false),
            (Part::Shared, 3, false),
            (Part::Value, 1, true),
            (Part::Shared, 2, true)
        ]
    );
    catch_up(&world, &mut gateway).await;
    let now = world.env.now();
    let end = |value, shared| gateway.by_pair(value, shared).map(|one| one.expires_at);
    // Each record ends with what ends soonest of it.
    assert_eq!(end(value, shared), Some(now.after(HOUR).as_millis()));
    assert_eq!(end(value, new_shared), Some(now.after(HOUR).as_millis()));
    assert_eq!(
        end(new_value, shared),
        Some(now.after(2 * HOUR).as_millis())
    );
    assert_eq!(end(new_value, new_shared), Some(0));
    assert_eq!(gateway.known(), world.gateway().await.known());

    world.clock.advance(HOUR);
    world.sweep().await;
    catch_up(&world, &mut gateway).await;
    assert_eq!(gateway.credentials.len(), 2);
    assert!(gateway.by_pair(value, new_shared).is_none());
    world.clock.advance(HOUR);
    world.sweep().await;
    catch_up(&world, &mut gateway).await;
    assert_eq!(gateway.credentials.len(), 1);
    assert!(gateway.by_pair(new_value, new_shared).is_some());
}

#[tokio::test]
async fn rotating_one_part_at_once_ends_every_old_combination_of_it() {
    let world = World::new().await;
    let first = paired(&world).await;
    let id = first.detail.credential.id;
    let (value, shared) = both(&first);
    rotate_part(&world, id, Part::Shared, HOUR).await;
    let mut gateway = world.gateway().await;
    let second = rotate_part(&world, id, Part::Value, NOW).await;
    catch_up(&world, &mut gateway).await;
    assert!(gateway.by_pair(value, shared).is_none());
    let new_value = second.secret.as_ref().unwrap();
    assert!(
        gateway.by_pair(new_value, shared).is_some(),
        "the other part's grace goes on"
    );
    assert_eq!(gateway.credentials.len(), 2);
}

#[tokio::test]
async fn cancelling_undoes_the_part_that_was_rotated_last() {
    let world = World::new().await;
    let first = paired(&world).await;
    let id = first.detail.credential.id;
    let (value, shared) = both(&first);
    rotate_part(&world, id, Part::Value, HOUR).await;
    rotate_part(&world, id, Part::Shared, HOUR).await;
    let cancel = async || {
        let cancelled = cancel_rotation(&world.env, world.caller(), id, None).await;
        parts(&cancelled.unwrap().value)
    };
    assert_eq!(
        cancel().await,
        [
            (Part::Value, 3, false),
            (Part::Shared, 2, false),
            (Part::Value, 1, true)
        ]
    );
    assert_eq!(
        cancel().await,
        [(Part::Value, 1, false), (Part::Shared, 2, false)]
    );
    let gateway = world.gateway().await;
    assert_eq!(gateway.credentials.len(), 1);
    assert_eq!(gateway.by_pair(value, shared).unwrap().expires_at, 0);
}

#[tokio::test]
async fn only_api_keys_have_a_shared_secret() {
    let world = World::new().await;
    let application = world.application("a").await;
    for secret in [NewSecret::BearerToken, generated_password("ann")] {
        let new = NewCredential {
            is_paired: true,
            ..World::new_credential(application, "a", secret)
        };
        assert_invalid(world.issue(new).await, "shared_secret");
    }
    let plain = world.credential("b", NewSecret::GeneratedApiKey).await;
    let id = plain.detail.credential.id;
    assert_invalid(try_rotate_part(&world, id, Part::Shared, NOW).await, "part");
    let own = NewCredential {
        is_paired: true,
        ..World::new_credential(application, "own", own("an-own-key-of-20-char"))
    };
    let own = world.issue(own).await.unwrap();
    let gateway = world.gateway().await;
    let (value, shared) = both(&own);
    assert!(gateway.by_pair(value, shared).is_some());
}

#[tokio::test]
async fn a_pair_goes_with_its_credential_and_comes_back_with_it() {
    let world = World::new().await;
    let issued = paired(&world).await;
    let id = issued.detail.credential.id;
    let (value, shared) = both(&issued);
    let mut gateway = world.gateway().await;
    let enable = |enabled| CredentialPatch {
        enabled: Some(enabled),
        ..CredentialPatch::default()
    };
    for enabled in [false, true] {
        update(&world.env, world.caller(), id, None, enable(enabled))
            .await
            .unwrap();
        catch_up(&world, &mut gateway).await;
        let found = gateway.by_pair(value, shared).unwrap();
        assert_eq!(found.enabled, enabled);
    }
    world.delete_credential(id).await;
    catch_up(&world, &mut gateway).await;
    assert!(gateway.credentials.is_empty());
}
