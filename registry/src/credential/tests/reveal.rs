//! Claims about secrets that can be shown again.

use super::*;

async fn retrievable(world: &World, name: &str, secret: NewSecret) -> Result<Issued, Error> {
    let application = world.application(name).await;
    let new = NewCredential {
        secret_type: SecretType::Retrievable,
        ..World::new_credential(application, name, secret)
    };
    world.issue(new).await
}

async fn allowing() -> World {
    let mut world = World::new().await;
    world.env.policy.retrievable_allowed = true;
    world
}

async fn texts(world: &World, id: CredentialId) -> Vec<Option<String>> {
    let revealed = reveal(&world.env, world.caller(), id).await.unwrap();
    let texts = revealed.into_iter().map(|one| one.text);
    texts
        .map(|text| text.map(|text| text.expose().to_owned()))
        .collect()
}

fn shown(issued: &Issued) -> Option<String> {
    issued.secret.as_ref().map(|text| text.expose().to_owned())
}

#[tokio::test]
async fn every_living_secret_of_a_retrievable_credential_is_shown_again() {
    let world = allowing().await;
    let first = retrievable(&world, "a", NewSecret::GeneratedApiKey)
        .await
        .unwrap();
    let id = first.detail.credential.id;
    assert_eq!(texts(&world, id).await, [shown(&first)]);
    let second = world.rotate(id, HOUR, GENERATED).await.unwrap();
    assert_eq!(texts(&world, id).await, [shown(&second), shown(&first)]);
    let third = world.rotate_now(id).await;
    assert_eq!(texts(&world, id).await, [shown(&third)]);
}

#[tokio::test]
async fn both_parts_of_a_pair_are_shown_again() {
    let world = allowing().await;
    let application = world.application("a").await;
    let new = NewCredential {
        secret_type: SecretType::Retrievable,
        is_paired: true,
        ..World::new_credential(application, "a", NewSecret::GeneratedApiKey)
    };
    let issued = world.issue(new).await.unwrap();
    let shared = issued.shared_secret.as_ref().unwrap().expose().to_owned();
    let id = issued.detail.credential.id;
    assert_eq!(texts(&world, id).await, [shown(&issued), Some(shared)]);
}

#[tokio::test]
async fn without_the_setting_nothing_is_kept_to_be_shown_and_nothing_shown() {
    let mut world = World::new().await;
    let refused = retrievable(&world, "a", NewSecret::GeneratedApiKey).await;
    assert_invalid(refused, "secret_type");
    world.env.policy.retrievable_allowed = true;
    let issued = retrievable(&world, "b", NewSecret::GeneratedApiKey)
        .await
        .unwrap();
    world.env.policy.retrievable_allowed = false;
    let id = issued.detail.credential.id;
    let refused = reveal(&world.env, world.caller(), id).await;
    assert_invalid(refused, "secret_type");
    // It can be rotated all the same: a secret that leaked must be able to go.
    world.rotate(id, HOUR, GENERATED).await.unwrap();
    world.env.policy.retrievable_allowed = true;
    assert_eq!(texts(&world, id).await, [None, shown(&issued)]);
}

#[tokio::test]
async fn a_chosen_password_and_a_hashed_secret_are_never_shown_again() {
    let world = allowing().await;
    let password = chosen("bob", "correct horse battery");
    assert_invalid(retrievable(&world, "a", password).await, "secret_type");
    let ann = retrievable(&world, "b", generated_password("ann"))
        .await
        .unwrap();
    let id = ann.detail.credential.id;
    let revealed = reveal(&world.env, world.caller(), id).await.unwrap();
    assert_eq!(revealed[0].username.as_deref(), Some("ann"));
    let password = world.rotate(id, NOW, choose("correct horse battery")).await;
    assert_invalid(password, "password");
    let hashed = world.credential("c", NewSecret::GeneratedApiKey).await;
    let id = hashed.detail.credential.id;
    let refused = reveal(&world.env, world.caller(), id).await;
    assert_conflict(refused, &Conflict::SecretsHashed);
}

#[tokio::test]
async fn what_has_ended_leaves_no_text_behind() {
    let world = allowing().await;
    let ended = retrievable(&world, "a", NewSecret::GeneratedApiKey)
        .await
        .unwrap();
    world.rotate_now(ended.detail.credential.id).await;
    let deleted = retrievable(&world, "b", NewSecret::GeneratedApiKey)
        .await
        .unwrap();
    world.delete_credential(deleted.detail.credential.id).await;
    let gone = retrievable(&world, "c", NewSecret::GeneratedApiKey)
        .await
        .unwrap();
    let application = gone.detail.credential.application;
    crate::application::delete(&world.env, world.caller(), application, None)
        .await
        .unwrap();
    let kept = "select count(*) as number from secrets where recoverable is not null";
    let kept = world.store.number(kept).await.unwrap();
    assert_eq!(kept, 1, "the one that the rotation made");
}
