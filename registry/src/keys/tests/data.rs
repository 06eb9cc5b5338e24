//! Claims about the keys that outlive master keys.

use filter_core::digest::SecretHash;

use super::*;
use crate::store::sql::SqlStore;

/// What values are recognised by, under every data key.
fn marks(keys: &Keys) -> Vec<[u8; 32]> {
    let same = [9; 32];
    vec![
        keys.fingerprint(&SecretHash::from_bytes(same)),
        keys.token_digest("token"),
        keys.password_salt("bob"),
        keys.foreign_password_hash("bob", "hash"),
        keys.idempotency_row([b"a", b"b", b"c"]),
        keys.journal_tag(&same, b"line"),
        keys.audit_mac(1, b"record").unwrap(),
    ]
}

#[tokio::test]
async fn a_master_key_that_was_left_says_nothing_of_what_values_are_recognised_by() {
    let world = World::new().await;
    let derived = marks(&Keys::derive(&master_key()));
    let known = marks(&world.env.keys);
    for (index, (derived, known)) in derived.iter().zip(&known).enumerate() {
        assert_ne!(derived, known, "{index}");
    }
    let again = reopen(&world.home, &world.env, &[master_key()])
        .await
        .unwrap();
    assert_eq!(marks(&again.keys), known);
    let report = audit::verify::verify(&*again.store, &again.keys, &[], again.now(), |_| ())
        .await
        .unwrap();
    assert!(report.findings.is_empty(), "{report:?}");
}

/// Makes the database one of a version that kept no data keys, and said nowhere under which master key it was.
async fn age(store: &SqlStore) {
    for statement in [
        ("delete from data_keys", "delete from data_keys"),
        ("delete from master_keys", "delete from master_keys"),
        (
            "update installation set key_check = x'01' || substr(key_check, 6)",
            "update installation set key_check = '\\x01'::bytea || substr(key_check, 6)",
        ),
    ] {
        store.tamper(statement, None).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_of_an_earlier_version_goes_on_with_what_its_master_key_gave() {
    let world = World::new().await;
    age(&world.store).await;
    let derived = marks(&Keys::derive(&master_key()));
    for _ in 0..2 {
        let env = reopen(&world.home, &world.env, &[master_key()])
            .await
            .unwrap();
        assert_eq!(marks(&env.keys), derived);
        let status = status(&env).await.unwrap();
        assert_eq!(status.master_keys.len(), 1);
        assert_eq!(status.master_keys[0].id, master_key().sealer().id());
    }
    // And with another master key, which they do not follow.
    let env = reopen(&world.home, &world.env, &[master_key(), next_key()])
        .await
        .unwrap();
    begin(&env, world.caller(), next_key().sealer().id())
        .await
        .unwrap();
    walk_to_the_end(&env).await;
    let env = reopen(&world.home, &world.env, &[next_key()])
        .await
        .unwrap();
    assert_eq!(marks(&env.keys), derived);
}
