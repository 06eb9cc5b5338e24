//! Claims about single steps of a move, and about values that are not as they should be.

use super::*;

#[tokio::test]
async fn looking_for_what_is_left_keeps_nobody_from_writing() {
    let filled = Filled::new().await;
    let env = &filled.world.env;
    let next = filled.begin().await;
    let mut walk = Walk::default();
    while left_elsewhere(env, next).await > 0 {
        walk.step(env).await.unwrap();
    }
    let write = env.store.write().await.unwrap();
    let mut walk = Walk::default();
    for column in COLUMNS {
        let step = tokio::time::timeout(Duration::from_secs(5), walk.step(env)).await;
        assert_eq!(step.expect(column).unwrap(), Step::Going);
    }
    drop(write);
    assert_eq!(walk.step(env).await.unwrap(), Step::Finished);
}

#[tokio::test]
async fn a_value_that_was_replaced_since_it_was_seen_stays_as_it_is() {
    let filled = Filled::new().await;
    let env = &filled.world.env;
    filled.begin().await;
    let mut write = env.store.write().await.unwrap();
    let sealer = env.sealer(write.as_mut()).await.unwrap();
    for column in COLUMNS {
        let found = write.sealed_elsewhere(column, sealer.id(), "", 1).await;
        let seen = found.unwrap().remove(0);
        assert!(write.put_sealed(column, &seen, b"newer").await.unwrap());
        assert!(!write.put_sealed(column, &seen, b"late").await.unwrap());
        let kept = write.sealed_elsewhere(column, sealer.id(), "", 1).await;
        assert_eq!(kept.unwrap()[0].sealed, b"newer", "{column}");
    }
}

#[tokio::test]
async fn a_value_that_nobody_can_read_does_not_keep_the_rest() {
    let filled = Filled::new().await;
    let env = &filled.world.env;
    let issued = filled
        .world
        .credential("broken", NewSecret::GeneratedApiKey)
        .await;
    let mut write = env.store.write().await.unwrap();
    let id = issued.detail.credential.id;
    for one in write.unrevoked_secrets(id).await.unwrap() {
        write.reseal_secret(one.id, b"broken").await.unwrap();
    }
    env.commit(write).await.unwrap();
    let next = filled.begin().await;
    walk_to_the_end(env).await;
    assert_eq!(left_elsewhere(env, next).await, 1);
    let query = AuditQuery {
        limit: 10,
        ..AuditQuery::default()
    };
    let entries = audit::list(env, filled.world.caller(), query)
        .await
        .unwrap();
    let newest = &entries.items[0].entry;
    assert_eq!(newest.action, "keys.master_rotated");
    assert_eq!(newest.detail["unreadable"], 1);
    assert_eq!(newest.subject, next.to_string());
    let begun = entries.items.iter().map(|item| item.entry.action.as_str());
    assert!(
        begun
            .into_iter()
            .any(|action| action == "keys.master_rotation_begun")
    );
}
