//! Claims about what was revoked since the backup: journals, and restoring without one.

use super::*;

#[tokio::test]
async fn what_was_revoked_since_the_backup_stays_revoked_by_the_journal() {
    let world = World::sqlite().await;
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
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let at = world.env.now();
    for since in [None, Some(at.after(HOUR))] {
        let wanted = Restore {
            accept_revoked_since: since,
            ..wanted(&world, &backup)
        };
        let refused = load_into(&world, &wanted, &file).await.unwrap_err();
        let said = refused.to_string();
        assert!(
            said.contains("--accept-revoked-since 2027-01-15T08:00:00Z"),
            "{said}"
        );
    }
    let wanted = Restore {
        journals: vec![folder.path().join("none")],
        ..wanted(&world, &backup)
    };
    let refused = load_into(&world, &wanted, &file).await;
    assert!(matches!(refused, Err(BackupError::NoJournal { .. })));
    assert!(!file.exists(), "nothing was changed");
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
