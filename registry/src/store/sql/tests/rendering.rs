//! Claims about the records of the feed that the database keeps.

use super::*;

/// What another version of the registry would leave in the database.
const NO_RECORDS: &str = "update deployed_secrets set record = null";
const DAMAGED: (&str, &str) = (
    "update deployed_secrets set record = x'00'",
    "update deployed_secrets set record = '\\x00'::bytea",
);

#[tokio::test]
async fn what_an_earlier_version_deployed_is_rendered_at_the_start() {
    let world = World::new().await;
    for number in 0..3 {
        world
            .credential(&format!("a{number}"), NewSecret::GeneratedApiKey)
            .await;
    }
    let expected = world.gateway().await;
    // As a version left it that kept no records.
    world.tamper(NO_RECORDS).await;
    world
        .tamper("update installation set record_format = 0")
        .await;
    let world = World::open(world.close().await, 2).await;
    assert_eq!(world.gateway().await.known(), expected.known());
}

#[tokio::test]
async fn records_of_another_format_are_rendered_anew_at_the_start() {
    let world = World::new().await;
    world.credential("a", NewSecret::GeneratedApiKey).await;
    let expected = world.gateway().await;
    world.store.tamper(DAMAGED, None).await.unwrap();
    world
        .tamper("update installation set record_format = 77")
        .await;
    let world = World::open(world.close().await, 2).await;
    assert_eq!(world.gateway().await.known(), expected.known());
    // Known to be of this version's format from then on: what is damaged is not taken for another format.
    world.store.tamper(DAMAGED, None).await.unwrap();
    let world = World::open(world.close().await, 3).await;
    let mut read = world.env.store.read().await.unwrap();
    let group = world.default_group().await;
    let rows = read.group_credentials(group, &[0; 16], 10).await.unwrap();
    assert_eq!(rows[0].record, [0]);
}

#[tokio::test]
async fn a_damaged_record_is_on_no_page() {
    for damage in [
        (
            "update deployed_secrets set record = x''",
            "update deployed_secrets set record = ''::bytea",
        ),
        (
            "update deployed_secrets set record = x'00' || substr(record, 2)",
            "update deployed_secrets set record = '\\x00'::bytea || substr(record, 2)",
        ),
    ] {
        let world = World::new().await;
        world.credential("a", NewSecret::GeneratedApiKey).await;
        world.store.tamper(damage, None).await.unwrap();
        let world = World::open(world.close().await, 2).await;
        let group = world.default_group().await;
        let first = world.feed.page(group, None).await.unwrap();
        let credentials = first.decode().unwrap().next;
        let refused = world.feed.page(group, Some(&credentials)).await;
        assert!(matches!(
            refused,
            Err(crate::error::Error::Store(StoreError::Unreadable(_)))
        ));
    }
}

#[tokio::test]
async fn a_start_that_cannot_render_a_record_says_which() {
    let world = World::new().await;
    world.credential("a", NewSecret::GeneratedApiKey).await;
    let group = world.default_group().await;
    let digest = world.gateway().await.credentials.into_values().next();
    let digest = u128::from_be_bytes(digest.unwrap().digest.0);
    world.tamper(NO_RECORDS).await;
    world
        .tamper("update credentials set scopes = 'no list'")
        .await;
    let home = world.close().await;
    let refused = open(&home, &crate::testing::master_key(), 2).await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains(&group.to_string()), "{text}");
    assert!(text.contains(&format!("{digest:032x}")), "{text}");
}

#[tokio::test]
async fn what_gateways_do_not_see_is_no_change_for_them() {
    let world = World::new().await;
    let issued = world.credential("a", NewSecret::GeneratedApiKey).await;
    let before = world.env.store.revision();
    let patch = |name: &str, enabled| crate::credential::CredentialPatch {
        name: Some(name.to_owned()),
        enabled: Some(enabled),
        ..crate::credential::CredentialPatch::default()
    };
    for (name, enabled, changes) in [("b", true, 0), ("c", false, 1), ("c", false, 1)] {
        let id = issued.detail.credential.id;
        let patch = patch(name, enabled);
        crate::credential::update(&world.env, world.caller(), id, None, patch)
            .await
            .unwrap();
        assert_eq!(world.env.store.revision(), before + changes);
    }
}
