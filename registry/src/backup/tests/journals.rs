//! Claims about what was revoked since the backup: journals, and restoring without one.

use super::*;

#[tokio::test]
async fn what_was_revoked_since_the_backup_stays_revoked_by_the_journal() {
    let world = World::new().await;
    let path = world.home.path().join("revocations.journal");
    let journal = journal::open(&world.env, &path).await.unwrap();
    world.store.keep_journal(journal);
    let rotated = world
        .credential("rotated", NewSecret::GeneratedApiKey)
        .await;
    let deleted = world
        .credential("deleted", NewSecret::GeneratedApiKey)
        .await;
    let gone = world.credential("gone", NewSecret::GeneratedApiKey).await;
    let kept = world.credential("kept", NewSecret::GeneratedApiKey).await;
    let token = a_token(&world).await;
    let backup = taken(&world).await;
    world.clock.advance(HOUR);
    world.rotate_now(rotated.detail.credential.id).await;
    world.delete_credential(deleted.detail.credential.id).await;
    let application = gone.detail.credential.application;
    application::delete(&world.env, world.caller(), application, None)
        .await
        .unwrap();
    token::revoke(&world.env, world.caller(), None, token)
        .await
        .unwrap();

    let wanted = Restore {
        journals: vec![path.clone()],
        accept_revoked_since: None,
        ..wanted(&world, &backup)
    };
    let (world, replayed) = restored(&world, &wanted).await;
    assert_eq!((replayed[0].read, replayed[0].again), (5, 5));
    assert_eq!(replayed[0].path, path);
    let gateway = world.gateway().await;
    for issued in [&rotated, &deleted, &gone] {
        assert!(gateway.by_value(&of(issued)).is_none());
    }
    assert!(gateway.by_value(&of(&kept)).is_some());
    let mut read = world.store.read().await.unwrap();
    assert!(read.is_revoked(&Revoked::Token(token)).await.unwrap());
    let query = AuditQuery {
        limit: 1,
        ..AuditQuery::default()
    };
    let entries = read
        .audit_entries(world.organization, &query)
        .await
        .unwrap();
    let entry = &entries[0].entry;
    assert_eq!(entry.action, "installation.restored");
    assert_eq!(entry.detail["journals"][0]["revoked_again"], 5);
    assert!(entry.detail["accept_revoked_since"].is_null());
}

#[tokio::test]
async fn without_a_journal_somebody_must_accept_what_comes_back() {
    let world = filled().await;
    let backup = taken(&world).await;
    let home = world.home.empty().await;
    let at = world.env.now();
    for since in [None, Some(at.after(HOUR))] {
        let wanted = Restore {
            accept_revoked_since: since,
            ..wanted(&world, &backup)
        };
        let refused = load_into(&world, &wanted, &home).await.unwrap_err();
        let said = refused.to_string();
        assert!(
            said.contains("--accept-revoked-since 2027-01-15T08:00:00Z"),
            "{said}"
        );
    }
    let wanted = Restore {
        journals: vec![home.path().join("none")],
        ..wanted(&world, &backup)
    };
    let refused = load_into(&world, &wanted, &home).await;
    assert!(matches!(refused, Err(BackupError::NoJournal { .. })));
    assert_untouched(&home).await;
    let accepted = super::wanted(&world, &backup);
    let (world, _) = restored(&world, &accepted).await;
    let mut read = world.store.read().await.unwrap();
    let query = AuditQuery {
        limit: 1,
        ..AuditQuery::default()
    };
    let entries = read
        .audit_entries(world.organization, &query)
        .await
        .unwrap();
    let detail = &entries[0].entry.detail;
    assert_eq!(detail["accept_revoked_since"], "2027-01-15T08:00:00Z");
}

/// Has the journal at this path know all that the world has revoked, and goes on with another registry.
async fn another_journal(world: World, path: &Path) -> World {
    journal::open(&world.env, path).await.unwrap();
    // What it makes has other ids than what was made before.
    let seed = 100 + world.env.store.revision();
    World::open(world.close().await, seed).await
}

#[tokio::test]
async fn every_journal_that_the_backup_knows_must_be_given_or_missed_on_purpose() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let world = another_journal(world, &path("a")).await;
    let world = another_journal(world, &path("b")).await;
    let backup = taken(&world).await;
    let given = |names: &[&str]| Restore {
        journals: names.iter().map(|name| path(name)).collect(),
        accept_revoked_since: None,
        ..wanted(&world, &backup)
    };
    let home = world.home.empty().await;
    let refused = load_into(&world, &given(&["a"]), &home).await.unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("--accept-revoked-since"), "{said}");
    let header = fs::read_to_string(path("b")).unwrap();
    let named = said.split("\"journal\": ").nth(1).unwrap();
    assert!(header.contains(&named[..32]), "{said} names {header}");
    assert_untouched(&home).await;
    restored(&world, &given(&["b", "a"])).await;
    let accepted = Restore {
        accept_revoked_since: Some(world.env.now()),
        ..given(&["a"])
    };
    let (later, _) = restored(&world, &accepted).await;
    let later = another_journal(later, &path("a")).await;
    let backup = taken(&later).await;
    let wanted = Restore {
        from: backup,
        ..given(&["a"])
    };
    let home = world.home.empty().await;
    load_into(&world, &wanted, &home)
        .await
        .expect("what was accepted once is not asked for again");
}

#[tokio::test]
async fn a_journal_that_says_nothing_of_what_was_revoked_since_is_no_evidence() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let mut worlds = vec![another_journal(world, &kept).await];
    for name in ["a", "b"] {
        let world = worlds.pop().unwrap();
        let one = world.credential(name, NewSecret::GeneratedApiKey).await;
        world.rotate_now(one.detail.credential.id).await;
        if name == "a" {
            fs::copy(&kept, folder.path().join("early")).unwrap();
        }
        worlds.push(another_journal(world, &kept).await);
    }
    let world = worlds.pop().unwrap();
    let backup = taken(&world).await;
    // Of a registry with the same master key that began with an empty database.
    let fresh = folder.path().join("fresh");
    journal::open(&World::seeded(5).await.env, &fresh)
        .await
        .unwrap();
    let home = world.home.empty().await;
    for (name, is_enough) in [("early", false), ("fresh", false), ("kept", true)] {
        let wanted = Restore {
            journals: vec![folder.path().join(name)],
            accept_revoked_since: None,
            ..wanted(&world, &backup)
        };
        let done = load_into(&world, &wanted, &home).await;
        match done {
            Ok(_) => assert!(is_enough, "{name}"),
            Err(refused) => assert!(
                !is_enough
                    && matches!(
                        refused,
                        BackupError::JournalsMissing { .. } | BackupError::Journal(_)
                    ),
                "{name}: {refused}"
            ),
        }
    }
}

#[tokio::test]
async fn a_journal_that_was_altered_is_found_before_anything_is_changed() {
    let world = World::new().await;
    let path = world.home.path().join("revocations.journal");
    let journal = journal::open(&world.env, &path).await.unwrap();
    world.store.keep_journal(journal);
    let backup = taken(&world).await;
    let one = world.credential("a", NewSecret::GeneratedApiKey).await;
    world.rotate_now(one.detail.credential.id).await;
    world.rotate_now(one.detail.credential.id).await;
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replace("\"number\":2", "\"number\":3")).unwrap();
    let wanted = Restore {
        journals: vec![path],
        accept_revoked_since: Some(world.env.now()),
        ..wanted(&world, &backup)
    };
    let home = world.home.empty().await;
    let refused = load_into(&world, &wanted, &home).await;
    assert!(matches!(
        refused,
        Err(BackupError::Journal(journal::JournalError::Altered {
            line: 3,
            ..
        }))
    ));
    assert_untouched(&home).await;
}
